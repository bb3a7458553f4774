from hypothesis import given
from hypothesis import strategies as st

from workfloor.ui import rules


@given(st.integers(0, 10_000_000))
def test_a_clock_face_says_the_duration_and_nothing_else(seconds):
    face = rules.clock_face(seconds)

    if " d " in face:
        days, hours = face.removesuffix(" h").split(" d ")
        assert int(days) * 86_400 + int(hours) * 3_600 == seconds - seconds % 3_600
        return
    parts = [int(part) for part in face.split(":")]
    assert sum(part * 60**place for place, part in enumerate(reversed(parts))) == seconds


def test_clock_faces_as_people_write_them():
    assert [rules.clock_face(each) for each in (0, 7.9, 65, 3_723, 180_000, -5)] == [
        "0:00", "0:07", "1:05", "1:02:03", "2 d 2 h", "−0:05",
    ]  # fmt: skip


def test_a_role_sees_its_own_places_and_the_first_is_where_it_works():
    desk = rules.Place("Desk", "headset", "desk", frozenset({"agent"}), rank=20)
    floor = rules.Place("Floor", "users", "floor", frozenset({"leader", "planner"}), rank=10)

    assert rules.open_to(["agent", "leader"], [desk, floor]) == [floor, desk]
    assert rules.open_to(["agent"], [desk, floor]) == [desk]
    assert rules.open_to(["client"], [desk, floor]) == []
