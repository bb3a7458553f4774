"""Typst, which sets a review as a tagged PDF (PDF/UA-1)."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import typst
from django.template.loader import render_to_string

from workfloor.kit.figures.charts import Chart

SOURCE = Path(__file__).parent / "templates/relationship/review.typ"


def pdf(printed: dict[str, Any]) -> bytes:
    """Set a worded review as PDF; its words travel as data, its charts as drawings with what they say."""
    data = {"data": json.dumps(printed, default=_drawn)}
    made = _compiler().compile(input=_source(), format="pdf", pdf_standards=["ua-1"], sys_inputs=data)
    assert isinstance(made, bytes)
    return made


def _drawn(value: object) -> dict[str, str]:
    assert isinstance(value, Chart)
    return {"title": value.title, "says": value.says, "svg": render_to_string("ui/_drawing.svg", {"chart": value})}


@cache
def _compiler() -> typst.Compiler:
    return typst.Compiler(_source())  # keeps its fonts


@cache
def _source() -> bytes:
    return SOURCE.read_bytes()
