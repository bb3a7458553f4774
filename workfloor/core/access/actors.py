"""Who does something: a person, a part of the product by its name, or the root of the installation."""

from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True)
class Unnamed:
    """An actor who is no person. It has no roles: what it may is said in `permissions.admit`."""

    name: str
    acts_as: str

    @property
    def person_id(self) -> None:
        return None

    @property
    def roles(self) -> Sequence[str]:
        return ()

    @property
    def client_id(self) -> None:
        return None

    def may_enter(self, client_id: int) -> bool:
        return True

    def leads(self, team_id: int | None) -> bool:
        return False


# Whoever runs commands on the machine itself without having signed in.
ROOT: Final = Unnamed("the root of the installation", "root")


def engine(name: str) -> Unnamed:
    """A part of the product that acts by itself, such as the router."""
    return Unnamed(f"the {name}", name)
