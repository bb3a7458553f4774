"""Reports of failure that mail servers write in words of their own, in no standard form."""

from typing import Final

from flufl.bounce import all_failures

from workfloor.kit.mail import mime

LARGEST: Final = 1_000_000  # bytes of a mail; what is longer is not searched for words


def names_a_failure(raw: bytes) -> bool:
    """Whether a mail names, in the words of a server that flufl.bounce knows, whom another mail did not reach."""
    if len(raw) > LARGEST:
        return False
    try:
        return any(all_failures(mime.parsed(raw)))
    except Exception:  # it is made for reports, and stumbles over what lacks a header or breaks off
        return False
