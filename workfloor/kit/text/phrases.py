"""Words and phrases in what people write."""

import re
from collections.abc import Iterable


def first_said(text: str, phrases: Iterable[str]) -> str | None:
    """Find the first of some words or phrases that a text has, whole, whatever their case; None where it has none."""
    return next((each for each in phrases if re.search(rf"(?<!\w){re.escape(each)}(?!\w)", text, re.IGNORECASE)), None)
