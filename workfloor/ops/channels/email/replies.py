"""What a reply says."""

import re
from collections.abc import Mapping


def answered(subject: str) -> str:
    """A subject as its answer has it."""
    bare = re.sub(
        r"^\s*((re|aw|sv|antw|odp|res|rv|vs|ynt|отв|回复|返信)\s*(\[\d+\])?\s*[:：]\s*)+", "", subject, flags=re.I
    )
    return f"Re: {bare}" if bare.strip() else "Re: your message"


def letter(text: str, terms: Mapping[str, str], filled_in: Mapping[str, str]) -> str:
    """A reply's text between the contract's opening and closing, with the names filled in."""
    opening, closing = (_filled(terms.get(part, ""), filled_in) for part in ("opening", "closing"))
    return "\n\n".join(part.strip("\n") for part in (opening, text, closing) if part.strip())


def quoted_below(text: str, quotation: str) -> str:
    """A letter with what it answers quoted below it, if it quotes."""
    return f"{text.rstrip()}\n\n{quotation}" if quotation else text


def _filled(text: str, names: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda place: names.get(place[1], place[0]), text)
