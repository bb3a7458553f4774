"""Reads the files that a scenario names."""

from pathlib import Path

LARGEST = 4_000_000  # bytes


class Unreadable(ValueError):
    """The file cannot be read; the message says why, and what to do."""


def text(path: Path) -> str:
    """The text of a file; raises Unreadable."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise Unreadable(f"{path} is larger than {LARGEST:,} bytes.")
        return content.decode("utf-8-sig")
    except OSError as fault:
        raise Unreadable(f"{path}: {fault.strerror}. Check the name and the rights of the file.") from fault
    except UnicodeDecodeError as fault:
        raise Unreadable(f"{path} is no UTF-8 text. Save it as UTF-8.") from fault
