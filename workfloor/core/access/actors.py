"""Who does something: a person, the root of the installation, a part of the product, a client's system, a customer."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol


class Actor(Protocol):
    """Whoever does something. People are actors as they are (`Person`); the others are `Unnamed`."""

    @property
    def name(self) -> str: ...

    @property
    def person_id(self) -> int | None:
        """Which person it is; None for who is nobody."""

    @property
    def acts_as(self) -> str:
        """What facts say of an actor who is no person; "" for people."""

    @property
    def roles(self) -> Sequence[str]: ...

    @property
    def client_id(self) -> int | None:
        """The client whose own person it is."""

    def may_enter(self, client_id: int) -> bool:
        """Whether a client's wall lets the actor through."""

    def leads(self, team_id: int | None) -> bool:
        """Whether the actor leads a team."""

    def is_made_up_with(self, others: Collection[int]) -> bool:
        """Whether the actor and one of these people may be one: one took the other on, and nobody else vouches."""


@dataclass(frozen=True, slots=True)
class Unnamed:
    """An actor who is no person. Without roles it is part of the installation, which may what takes nobody by name."""

    name: str
    acts_as: str
    roles: tuple[str, ...] = ()
    client_id: int | None = None  # the only client whose wall lets it through; None: all

    @property
    def person_id(self) -> None:
        return None

    def may_enter(self, client_id: int) -> bool:
        return self.client_id in (None, client_id)

    def leads(self, team_id: int | None) -> bool:
        return False

    def is_made_up_with(self, others: Collection[int]) -> bool:
        return False


# Whoever runs commands on the machine itself without having signed in.
ROOT: Final = Unnamed("the root of the installation", "root")
# Whoever writes, calls or chats from outside, with the one client whose wall was entered for them.
CUSTOMER: Final = Unnamed("the customer", "customer", ("customer",))


def engine(name: str) -> Unnamed:
    """A part of the product that acts by itself, such as the router."""
    return Unnamed(f"the {name}", name)


def system(title: str, client_id: int) -> Unnamed:
    """A client's system, which shows a token that was given this title."""
    return Unnamed(f"the client's system {title}", f"client's system {title}", ("system",), client_id)


# What happens because its time has come, each minute or each night.
CLOCK: Final = engine("clock")
