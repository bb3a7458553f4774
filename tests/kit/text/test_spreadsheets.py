"""Lists as CSV: what a spreadsheet would compute is shown to it as text, and nothing else is changed."""

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.kit.text import spreadsheets


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＠"])
def test_no_cell_is_a_formula(begins):
    assert spreadsheets.cell(f"{begins}cmd|' /C calc'!A0") == f"'{begins}cmd|' /C calc'!A0"
    assert spreadsheets.cell(f"  {begins}1") == f"'  {begins}1"


@given(st.lists(st.lists(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), min_size=1)))
def test_what_is_written_is_read_again(rows):
    read = list(csv.reader(StringIO(spreadsheets.lines(rows), newline="")))

    assert [row for row in read if row] == [[spreadsheets.cell(each) for each in row] for row in rows]


def test_nothing_is_an_empty_cell():
    assert spreadsheets.lines([[None, 0, "a,b"]]) == ',0,"a,b"\r\n'
