"""The map file: how to read one provider's export, with every fault of it at its line."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

from workfloor.kit.text import toml
from workfloor.kit.text.toml import Refused
from workfloor.kit.time import calendars
from workfloor.ops.presales import export_rows

__all__ = ["Form", "Refused", "read", "schema_text"]


@dataclass(frozen=True)
class Form:
    """A map as it was written and what it says."""

    map: export_rows.Map
    text: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def schema_text() -> str:
    """The JSON Schema of a map file."""
    return resources.files(__package__).joinpath("history.schema.json").read_text("utf-8")


@cache
def _schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(schema_text())
    return found


def read(text: str) -> Form:
    """Read a map file. Raises Refused with every fault of it."""
    document = toml.read(text, _schema())
    if document.sound:
        _check(document)
    document.finish()
    return Form(_map(document.data), text)


def _check(document: toml.Document) -> None:
    """Find what the schema cannot: an unknown zone, a form of time that loses the day or the minute."""
    time = document.data["time"]
    if time["zone"] not in calendars.zones():
        document.refuse(
            "time.zone", f"{export_rows.short(time['zone'])} is an unknown time zone, unlike Asia/Jerusalem."
        )
    if "format" in time and not _tells_the_minute(time["format"]):
        document.refuse("time.format", "must give day, hour and minute without doubt, as in %d/%m/%Y %H:%M:%S.")


def _tells_the_minute(arrival_format: str) -> bool:
    evening = datetime(1999, 11, 2, 19, 43, tzinfo=UTC)
    try:
        return datetime.strptime(evening.strftime(arrival_format), arrival_format).replace(tzinfo=UTC) == evening
    except ValueError:
        return False


def _map(data: dict[str, Any]) -> export_rows.Map:
    file, rows = data.get("file", {}), data["rows"]
    return export_rows.Map(
        client=data["history"]["client"],
        source=data["history"]["source"],
        zone=data["time"]["zone"],
        columns=export_rows.Columns(**data["columns"]),
        identity=tuple(rows["identity"]),
        queues=data["queues"],
        outcomes=data["outcomes"],
        dirt=data.get("dirt", {}),
        keep=tuple(rows.get("keep", ())),
        arrival_format=data["time"].get("format"),
        encoding=file.get("encoding", "utf-8"),
        delimiter=file.get("delimiter", ","),
        open_end=file.get("open_end", False),
    )
