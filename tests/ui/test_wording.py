from hypothesis import given
from hypothesis import strategies as st

from workfloor.ui import places as ui_places
from workfloor.ui import wording


@given(st.integers(0, 10_000_000))
def test_a_clock_face_says_the_duration_and_nothing_else(seconds):
    face = wording.clock_face(seconds)

    if " d " in face:
        days, hours = face.removesuffix(" h").split(" d ")
        assert int(days) * 86_400 + int(hours) * 3_600 == seconds - seconds % 3_600
        return
    parts = [int(part) for part in face.split(":")]
    assert sum(part * 60**place for place, part in enumerate(reversed(parts))) == seconds


def test_clock_faces_as_people_write_them():
    assert [wording.clock_face(each) for each in (0, 7.9, 65, 3_723, 180_000, -5)] == [
        "0:00",
        "0:07",
        "1:05",
        "1:02:03",
        "2 d 2 h",
        "−0:05",
    ]


def test_a_role_sees_its_own_places_and_the_first_is_where_it_works():
    desk = ui_places.Place("Desk", "headset", "desk", "work.handle", rank=20)
    floor = ui_places.Place("Floor", "users", "floor", "floor.see", rank=10)

    assert ui_places.open_to(["work.handle", "floor.see"].__contains__, [desk, floor]) == [floor, desk]
    assert ui_places.open_to(["work.handle"].__contains__, [desk, floor]) == [desk]
    assert ui_places.open_to([].__contains__, [desk, floor]) == []


leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
trees = st.recursive(
    leaves, lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=8), each, max_size=3)
)


def values(tree):
    if isinstance(tree, dict):
        return [leaf for each in tree.values() for leaf in values(each)]
    return [leaf for each in tree for leaf in values(each)] if isinstance(tree, list) else [tree]


def shown(fields):
    return "\n".join(f"{field.text}\n{shown(field.within)}" for field in fields)


@given(st.dictionaries(st.text(max_size=8), trees, max_size=5))
def test_nothing_that_a_sender_sent_is_lost(payload):
    text = shown(wording.readable(payload))

    for value in values(payload):
        if isinstance(value, int) and not isinstance(value, bool):
            assert str(value) in text
        if isinstance(value, str):
            assert value in text


def test_content_reads_as_labelled_lines_the_short_ones_first():
    payload = {
        "body": "Dear all,\nplease check.",
        "invoiceNumber": "7",
        "paid": False,
        "lines": [{"net": 12}],
        "tags": ["a", "b"],
    }

    fields = wording.readable(payload)

    assert [(field.label, field.text) for field in fields] == [
        ("Invoice number", "7"),
        ("Paid", "no"),
        ("Tags", "a, b"),
        ("Body", "Dear all,\nplease check."),
        ("Lines", ""),
    ]
    assert fields[-1].within[0].within == (wording.Field("Net", "12"),)


def test_a_name_in_capitals_stays_one_word():
    assert [wording.label(name) for name in ("IBAN", "due_date", "callerNumber", "")] == [
        "Iban",
        "Due date",
        "Caller number",
        "",
    ]


def test_places_for_which_the_bar_has_no_room_are_in_its_menu_and_never_one_alone():
    many = [ui_places.Place(str(number), "home", "home", "floor.see", rank=number) for number in range(9)]

    assert ui_places.shown(many[:7]) == (many[:7], [])
    assert ui_places.shown(many[:8]) == (many[:6], many[6:8])
