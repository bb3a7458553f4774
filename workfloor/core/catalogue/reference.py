"""The catalogue as a page for readers, and as plain values."""

from collections.abc import Iterator
from typing import Any

from workfloor.core.catalogue import entries
from workfloor.core.catalogue.declaring import Measure, Without

_HEAD = """\
# Every measure

Written by `workfloor contracts measures --format markdown` from the declarations that figures are computed from, a file
each in `workfloor/core/catalogue`. How a contract asks for one is in [the guide](contract.md#measures).

What holds for all of them: an item belongs to the month, in the contract's zone, in which it was received. What was
cancelled counts nowhere, and what an exclusion of the level covers stands beside its figure. Every bound is inclusive:
within 20 s is a wait of 20 s or less. Figures have four decimals, rounded half-even, and targets are judged by the
printed figure.

Each measure has up to four forms, which a test holds equal over random histories: by item (the rule that a back-test
uses), in SQL over the items (which `workfloor billing explain` opens), from rollups by 15-minute bucket (where a
statement can be added up from them), and in simulations. Where one is missing, it says why.
"""

_DIRECTIONS = {"higher": "more is better", "lower": "less is better", None: "no target"}
_UNITS = {"percent": "percent", "seconds": "seconds", "items": "a count of items"}


def reference() -> str:
    """Return every measure with its definition, source, unit and forms, as Markdown."""
    sections = [line for each in entries.EVERY for line in _section(each)]
    return "\n".join([_HEAD, *sections, *_not_measured()]).rstrip() + "\n"


def plain() -> list[dict[str, Any]]:
    """Return the catalogue as plain values; a form that a measure cannot have is the reason."""
    return [
        {
            "measure": each.name,
            "title": each.title,
            "definition": each.definition,
            "source": each.source,
            "unit": each.unit,
            "better": each.better,
            "in_contracts": each.not_agreed is None,
            "forms": {name: form is None or form for name, form in _forms(each).items()},
        }
        for each in entries.EVERY
    ]


def _section(measure: Measure) -> Iterator[str]:
    yield f"## {measure.title[0].upper()}{measure.title[1:]}"
    yield ""
    key = f"`{measure.name}`" if measure.not_agreed is None else "Not in contracts"
    yield f"{key}: {_UNITS[measure.unit]}, {_DIRECTIONS[measure.better]}."
    yield ""
    yield measure.definition
    yield ""
    yield f"*{measure.source}*"
    yield ""
    if measure.not_agreed:
        yield f"No contract can have it: it {measure.not_agreed}."
        yield ""
    forms = _forms(measure)
    if has := [name for name, reason in forms.items() if reason is None]:
        yield f"- Counted {', '.join(has)}."
    for reason in dict.fromkeys(filter(None, forms.values())):
        yield f"- Not {', '.join(name for name, each in forms.items() if each == reason)}: it {reason}."
    yield ""


def _forms(measure: Measure) -> dict[str, str | None]:
    """Each form, and why the measure cannot have it: None where it has."""
    found = {
        "by item": measure.item,
        "in SQL": measure.sql,
        "from rollups": measure.rollup,
        "in simulations": measure.simulation,
    }
    return {name: form.because if isinstance(form, Without) else None for name, form in found.items()}


def _not_measured() -> Iterator[str]:
    yield "## What is not measured"
    yield ""
    yield "A contract that asks for one of these is refused at its place with the reason."
    yield ""
    for name, because in entries.NOT_MEASURED.items():
        yield f"- `{name}` {because}."
