"""Durations, percents and numbers as contract files write them."""

from decimal import Decimal

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(duration: str | None) -> int | None:
    """Return the seconds of `20s`, `4 working hours` or `2d`."""
    if duration is None:
        return None
    digits = duration[: len(duration) - len(duration.lstrip("0123456789"))]
    unit = duration[len(digits) :].strip().removeprefix("working ")
    return int(digits) * _UNIT_SECONDS[unit[0]]


def in_seconds(duration: str | None) -> Decimal | None:
    """Return the same as an exact number."""
    found = seconds(duration)
    return None if found is None else Decimal(found)


def months(text: str | None) -> int | None:
    """Return the months of `3 months`."""
    return None if text is None else int(text.split()[0])


def percent(text: str | None) -> Decimal | None:
    """Return the number of `80 %`."""
    return None if text is None else Decimal(text.rstrip(" %"))


def decimal(text: str | None) -> Decimal | None:
    """Return the number of `1.10`."""
    return None if text is None else Decimal(text)
