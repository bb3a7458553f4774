"""Whom a mail goes to, as somebody types it and as an answer has it."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from workfloor.core.conversations.messages import Address
from workfloor.kit.text.translation import gettext as _
from workfloor.ops.channels.email import sorting

ROLES: Final = ("to", "cc", "bcc")
MOST_RECIPIENTS: Final = 50  # of one mail
LONGEST_TYPED: Final = 10_000  # characters of the recipients of one kind


class Faulty(ValueError):
    """What was typed in a field is no envelope; the reason says what to do."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True)
class Envelope:
    """Whom a mail goes to and what it is called; an empty subject is that of what it answers."""

    recipients: tuple[Address, ...]
    subject: str = ""


def read(*, to: str, cc: str = "", bcc: str = "", subject: str = "") -> Envelope:
    """Read an envelope as it was typed, each address once. Raises Faulty, with the field that is wrong."""
    found: dict[str, Address] = {}
    for role, typed in zip(ROLES, (to, cc, bcc), strict=True):
        for each in addresses(typed, role):
            found.setdefault(each.address.lower(), each)
    if not any(each.role == "to" for each in found.values()):
        raise Faulty("to", _("Say whom it goes to."))
    if len(found) > MOST_RECIPIENTS:
        raise Faulty(
            "to",
            _("{count} recipients are too many; the most is {most}.").format(count=len(found), most=MOST_RECIPIENTS),
        )
    return Envelope(tuple(found.values()), " ".join(subject.split()))


def addresses(typed: str, role: str) -> list[Address]:
    """Read recipients with commas, semicolons or ends of lines between them: an address alone, or a name before <it>.

    Raises Faulty.
    """
    return [_address(part, role) for part in _parts(typed) if part]


def _parts(typed: str) -> list[str]:
    """The recipients one by one: a comma within quotation marks belongs to a name."""
    parts, quoted = [""], False
    for letter in typed[:LONGEST_TYPED]:
        quoted ^= letter == '"'
        if letter in ",;\n" and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _address(part: str, role: str) -> Address:
    before, opens, address = part.rpartition("<") if part.endswith(">") else ("", "", part)
    address = address.removesuffix(">").strip() if opens else address
    if not sorting.is_address(address):
        raise Faulty(
            role, _("“{typed}” is no email address; write it as in name@example.com.").format(typed=part[:100])
        )
    return Address(address, " ".join(before.replace('"', " ").split()), role)


def written(recipients: Iterable[Address]) -> str:
    """Recipients as they are typed."""
    return ", ".join(
        f'"{each.name}" <{each.address}>' if set(each.name) & set(',;<>"') else str(each) for each in recipients
    )


def typed_again(recipients: Sequence[Address], subject: str, forwards: int | None) -> dict[str, str]:
    """A mail's envelope as it is typed, by the names of its fields; what is empty is left out."""
    fields = {role: written(each for each in recipients if each.role == role) for role in ROLES}
    fields |= {"subject": subject, "mode": "forward" if forwards else "reply", "forwards": str(forwards or "")}
    return {name: typed for name, typed in fields.items() if typed}


def domains(typed: str) -> tuple[str, ...]:
    """Read domains with commas or blanks between them, each once. Raises ValueError with what is none."""
    found = dict.fromkeys(each.strip("@.") for each in typed.lower().replace(",", " ").split())
    if wrong := next((each for each in found if not sorting.is_address(f"name@{each}")), None):
        raise ValueError(wrong)
    return tuple(found)


def refuse_others(recipients: Iterable[Address], allowed: Collection[str], known: Collection[str]) -> None:
    """Refuse the first recipient outside the domains that are allowed and not known of the case. Raises Faulty."""
    for each in recipients if allowed else ():
        if each.address.lower() in known or _is_inside(each.address, allowed):
            continue
        raise Faulty(
            each.role,
            _("This client lets you write to {domains} and to the customer; {address} is neither.").format(
                domains=", ".join(allowed), address=each.address
            ),
        )


def _is_inside(address: str, allowed: Collection[str]) -> bool:
    domain = address.lower().rpartition("@")[2]
    return any(domain == each or domain.endswith(f".{each}") for each in allowed)


def to_all(sender: Address, named: Sequence[Address], is_ours: Callable[[str], bool]) -> tuple[Address, ...]:
    """Whom an answer to all goes to: the sender, and in copy whoever else the mail named and is not ours."""
    found = {sender.address.lower(): Address(sender.address, sender.name)}
    for each in named:
        if each.role in ("to", "cc") and not is_ours(sorting.split(each.address)[0]):
            found.setdefault(each.address.lower(), Address(each.address, each.name, "cc"))
    return tuple(found.values())
