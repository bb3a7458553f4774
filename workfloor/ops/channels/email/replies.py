"""What a reply says."""

import re
from collections.abc import Mapping


def answered(subject: str) -> str:
    """A subject as its answer has it."""
    bare = re.sub(
        r"^\s*((re|aw|sv|antw|odp|res|rv|vs|ynt|отв|回复|返信)\s*(\[\d+\])?\s*[:：]\s*)+", "", subject, flags=re.I
    )
    return f"Re: {bare}" if bare.strip() else "Re: your message"


def forwarded(subject: str) -> str:
    """A subject as a mail has it that hands another on."""
    bare = re.sub(r"^\s*((fwd?|wg|tr|rv|enc|vs|doorst)\s*[:：]\s*)+", "", subject, flags=re.I)
    return f"Fwd: {bare}" if bare.strip() else "Fwd: a message"


def handed_on(text: str, head: Mapping[str, str]) -> str:
    """A mail as another one hands it on: its head, field by field, and all that it says."""
    lines = [f"{name}: {' '.join(value.split())}" for name, value in head.items() if value]
    return "\n".join(["---------- Forwarded message ----------", *lines, "", text])


def letter(text: str, terms: Mapping[str, str], filled_in: Mapping[str, str]) -> str:
    """A reply's text between the contract's opening and closing, with the names filled in."""
    opening, closing = (filled(terms.get(part, ""), filled_in) for part in ("opening", "closing"))
    return "\n\n".join(part.strip("\n") for part in (opening, text, closing) if part.strip())


def signed(own: str, frame: str, names: Mapping[str, str]) -> str:
    """A signature: somebody's own where the mailbox's has {signature}, or in its place; without one the mailbox's."""
    if own and "{signature}" not in frame:
        frame = "{signature}"
    return filled(frame.replace("{signature}", own), names).strip()


def quoted_below(text: str, quotation: str) -> str:
    """A letter with what it answers quoted below it, if it quotes."""
    return f"{text.rstrip()}\n\n{quotation}" if quotation else text


def filled(text: str, names: Mapping[str, str]) -> str:
    """A text with the names filled in that are known."""
    return re.sub(r"\{(\w+)\}", lambda place: names.get(place[1], place[0]), text)
