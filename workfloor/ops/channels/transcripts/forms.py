"""The mail's words, and what a visitor's page says of itself when it asks for a copy."""

import json
from functools import cache
from importlib import resources

from workfloor.kit import calendars
from workfloor.ops.channels.chat import rules as chat
from workfloor.ops.channels.email.rules import is_address


@cache
def words() -> dict[str, dict[str, str]]:
    """Every word of the mail, by language: the same ones that the widget speaks."""
    text = resources.files(__package__).joinpath("words.json").read_text("utf-8")
    found: dict[str, dict[str, str]] = json.loads(text)
    return found


def address(sent: object) -> str:
    """The address to send a copy to; raises chat.Refused for what is none."""
    written = sent.strip() if isinstance(sent, str) else ""
    if not is_address(written):
        raise chat.Refused(chat.Fault("no-email", {"given": written[:60]}))
    return written


def zone(sent: object, usual: str) -> str:
    """The visitor's own time zone, where their browser named one that exists, else the usual one."""
    return sent if isinstance(sent, str) and sent in calendars.zones() else usual
