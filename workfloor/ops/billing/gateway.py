"""Typst, which sets a statement as a tagged PDF (PDF/UA-1)."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import typst

SOURCE = Path(__file__).parent / "templates/billing/statement.typ"


def pdf(printed: dict[str, Any]) -> bytes:
    """Set a worded statement as PDF.

    The words travel as data beside the template, so nothing in them is ever read as markup.
    """
    data = {"data": json.dumps(printed)}
    made = _compiler().compile(input=_source(), format="pdf", pdf_standards=["ua-1"], sys_inputs=data)
    assert isinstance(made, bytes)
    return made


@cache
def _compiler() -> typst.Compiler:
    return typst.Compiler(_source())  # keeps its fonts


@cache
def _source() -> bytes:
    return SOURCE.read_bytes()
