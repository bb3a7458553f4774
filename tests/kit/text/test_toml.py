"""Files are read with every fault at its line, and none of them brings the reader down."""

import time
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workfloor.kit.text import toml
from workfloor.kit.text.toml import Fault, Refused

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z]+$", "description": "Small letters.", "examples": ["ana"]},
        "born": {"type": "string", "format": "date", "examples": ["2000-01-01"]},
        "pets": {
            "type": "array",
            "examples": [[]],
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["legs"],
                "properties": {"legs": {"type": "integer", "minimum": 0, "maximum": 8, "examples": [4]}},
                "examples": [{"legs": 4}],
            },
        },
    },
}


def faults(text: str) -> list[tuple[int, str, str]]:
    document = toml.read(text, SCHEMA, {"wings": "wings come later."})
    with pytest.raises(Refused) as refused:
        document.finish()
    return [(fault.line, fault.place, fault.message) for fault in refused.value.faults]


def refusal(text: str) -> Fault:
    with pytest.raises(Refused) as refused:
        toml.read(text, SCHEMA)
    (fault,) = refused.value.faults
    return fault


def test_what_fits_the_schema_is_read_with_dates_as_text():
    document = toml.read('name = "ana"\nborn = 1999-02-01\npets = [{ legs = 3 }]', SCHEMA)
    document.finish()

    assert document.data == {"name": "ana", "born": "1999-02-01", "pets": [{"legs": 3}]}


def test_every_fault_is_listed_with_its_place_and_line():
    text = """
nmae = "ana"          # a comment, with = and [brackets]
born = "yesterday"

[[pets]]
legs = 9
[[pets]]
wings = 2
[[pets]]
legs = "four"
"""
    assert faults(text) == [
        (1, "name", "is missing."),
        (2, "nmae", "nmae is an unknown key. Did you mean name?"),
        (3, "born", '"yesterday" is not understood. For example: "2000-01-01"'),
        (6, "pets[0].legs", "is 9, but at most 8 is meant."),
        (7, "pets[1].legs", "is missing."),
        (8, "pets[1].wings", "wings come later."),
        (10, "pets[2].legs", '"four" is not understood. For example: 4'),
    ]


def test_examples_stand_in_for_what_is_broken_so_that_the_rest_can_be_looked_at():
    document = toml.read('pets = [{ legs = "four" }, 7]\nname = 3', SCHEMA)

    assert document.sound
    assert document.data == {"name": "ana", "pets": [{"legs": 4}, {"legs": 4}]}
    document.refuse("pets[0].legs", "follows from what is broken")
    document.refuse("born", "follows from what is broken", because=["name"])
    document.refuse("born", "does not")
    assert [fault.message for fault in document.faults if fault.place == "born"] == ["does not"]
    assert all("follows" not in fault.message for fault in document.faults)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('name = "ana"\nborn = = 3', 2),
        ('name = "ana\nborn = 3', 1),
        ('name = "ana"\nname = "ben"', 2),
        ("[pets", 1),
        ('name = """', 1),
        ('\n\nname = "a\x00b"', 3),
    ],
)
def test_what_is_no_toml_is_refused_at_its_line(text, line):
    fault = refusal(text)

    assert (fault.line, fault.place) == (line, "file")
    assert "TOML" in fault.message


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 1900,
        ("a = " + "[" * 1500 + "\n") * 3,
        "x = [\n" * 3000 + "]\n" * 3000,
        "a = " + "9" * 1990,
        "".join(f"k{n} = {n}\n" for n in range(60_000)),
        "".join("[[pets]]\nlegs = 99\n" for _ in range(10_000)),
        "\n".join("a." * 900 + f"k{n} = 1" for n in range(300)),
        "x" * 2_000_000,
        ("#" * 1500 + "\n") * 1000,
        "".join(f'k{n} = "{" " * 1900}"\n' for n in range(500)),
        "name = 1e999999999",
        "name = nan",
        '"\\u0000" = 1',
        "\ufeffname = 1",
        "name = '\ud800'",
        "",
    ],
)
def test_a_hostile_file_is_refused_in_good_time(text):
    started = time.process_time()
    with pytest.raises(Refused) as refused:
        toml.read(text, SCHEMA).finish()

    assert refused.value.faults
    assert all(fault.line >= 1 for fault in refused.value.faults)
    assert time.process_time() - started < 20


@pytest.mark.parametrize("text", ["name = 'ana\\n'", 'name = "ana\\n"'])
def test_a_line_break_at_the_end_does_not_pass_a_pattern(text):
    assert faults(text)


# Lines of keys, against documents written out by hand and by hypothesis


def test_lines_of_all_ways_to_write_a_key():
    text = '''# one
a.b = 1               # 2
"c d" = { e = [1,     # 3
  2], f = """         # 4
x = 1
""", g = 3 }          # 6
[t.u]                 # 7
'v' = 'w]'            # 8
[[t.w]]               # 9
k = 1                 # 10
[t.w.x]               # 11
y = 1979-05-27 07:32  # 12
[[t.w]]               # 13
k = [{ m = 1 },       # 14
     { m = 2 }]       # 15
'''
    text = text.replace("07:32 ", "07:32:00")
    lines = toml.places(text)

    expected = {
        "a.b": 2,
        '"c d"': 3,
        '"c d".e[1]': 4,
        '"c d".f': 4,
        '"c d".g': 6,
        "t.u": 7,
        "t.u.v": 8,
        "t.w[0].k": 10,
        "t.w[0].x.y": 12,
        "t.w[1]": 13,
        "t.w[1].k[0].m": 14,
        "t.w[1].k[1].m": 15,
    }
    assert {place: lines[place] for place in expected} == expected


keys = st.text("ab_-", min_size=1, max_size=3)
scalars = st.one_of(
    st.integers(-5, 5).map(str),
    st.sampled_from(["true", "1.5", "1999-02-01", '"x#]"', "'y}='", '"""z\n\\""""', "'''\n[q]\n'''", "[]", "{}"]),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda many: "[" + ",\n ".join(many) + "]")
        | st.dictionaries(keys, inner, max_size=3).map(
            lambda pairs: "{ " + ", ".join(f"{key} = {value}" for key, value in pairs.items()) + " }"
        )
    ),
    max_leaves=6,
)
tables = st.lists(st.tuples(keys, st.dictionaries(keys, values, max_size=3)), max_size=5)


def paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, one in pairs for found in paths(one, (*path, key)))]


@settings(deadline=None)
@given(tables)
def test_everything_that_a_file_says_has_a_line(tables):
    text = "".join(
        f"# {{\n[[{name}]]\n" + "".join(f"{key} = {value}\n" for key, value in pairs.items()) for name, pairs in tables
    )
    lines = toml.places(text)

    assert all(toml.place(path) in lines for path in paths(tomllib.loads(text)) if path)
