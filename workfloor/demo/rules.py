"""The sample provider as data: who works where, what they can, and what arrives."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

PASSWORD = "sample-floor-26"  # noqa: S105  every sample account has it; a real installation starts without any

SITES = (("Porto", "PT", "Europe/Lisbon"), ("Cebu", "PH", "Asia/Manila"))


@dataclass(frozen=True)
class Sample:
    """One of the sample provider's people; skills as name -> level, clients by slug."""

    name: str
    roles: tuple[str, ...]
    site: str
    skills: dict[str, int]
    clients: tuple[str, ...]

    @property
    def email(self) -> str:
        """The address to sign in with."""
        return f"{self.name.split()[0].lower()}@sample.example"


_BOTH = ("alder-insurance", "pier-telecom")
_VOICE = {"english": 4, "home-insurance": 3}
_TELECOM = {"english": 4, "broadband": 3}

PEOPLE = (
    Sample("Teresa Lima", ("leader", "manager"), "Porto", {}, _BOTH),
    Sample("Ana Prado", ("agent",), "Porto", _VOICE | {"claims": 3}, ("alder-insurance",)),
    Sample("Bruno Faria", ("agent",), "Porto", _VOICE, ("alder-insurance",)),
    Sample("Carla Nunes", ("agent",), "Porto", _VOICE | {"claims": 2}, ("alder-insurance",)),
    Sample("Davi Rocha", ("agent",), "Porto", _VOICE | _TELECOM, _BOTH),
    Sample("Eva Teles", ("agent",), "Porto", {"english": 5, "claims": 4, "data-entry": 3}, ("alder-insurance",)),
    Sample("Faye Ramos", ("agent",), "Cebu", _TELECOM, ("pier-telecom",)),
    Sample("Gino Santos", ("agent",), "Cebu", _TELECOM, ("pier-telecom",)),
    Sample("Hana Cruz", ("agent",), "Cebu", _TELECOM | {"home-insurance": 2}, _BOTH),
    Sample("Ivan Reyes", ("agent",), "Cebu", {"english": 3, "data-entry": 4}, _BOTH),
    Sample("Jasmin Tan", ("agent",), "Cebu", {"english": 5, "broadband": 4}, ("pier-telecom",)),
)

# What `workfloor up` prints: address, password, what the person does.
SIGN_INS = [
    (PEOPLE[0].email, PASSWORD, "team leader"),
    (PEOPLE[1].email, PASSWORD, "agent, insurance"),
    (PEOPLE[4].email, PASSWORD, "agent, both clients"),
    (PEOPLE[6].email, PASSWORD, "agent, telecom"),
]


@dataclass(frozen=True)
class Arrival:
    """One piece of sample work: when and where it comes in, and what then happens to it."""

    queue: str
    title: str
    customer: str
    at: datetime
    wait_seconds: int
    work_seconds: int
    wrap_seconds: int
    leaves: bool  # the customer gives up before being answered
    disposition: str


@dataclass(frozen=True)
class Kind:
    """A queue of the sample, with what typically comes into it."""

    queue: str
    titles: tuple[str, ...]
    work_seconds: int
    patient: bool
    dispositions: tuple[str, ...]


KINDS = {
    "alder-insurance": (
        Kind("policy-calls", ("Change of address", "When is my premium due?", "Cancel a policy"), 240, False,
             ("resolved", "called-back", "complaint")),
        Kind("claims-mail", ("Water damage in the kitchen", "Stolen bicycle", "Question on claim"), 600, True,
             ("answered", "more-asked-for")),
        Kind("claim-forms", ("Claim form, two pages", "Claim form, photographs"), 300, True,
             ("keyed", "unreadable")),
    ),
    "pier-telecom": (
        Kind("broadband-calls", ("No connection since noon", "Slow in the evening", "New router blinks red"), 420, False,
             ("resolved", "technician-sent", "called-back")),
        Kind("broadband-chat", ("How do I change my password?", "Is there an outage?", "Upgrade my plan"), 360, False,
             ("resolved", "passed-on")),
    ),
}  # fmt: skip

CUSTOMERS = tuple(f"customer {number:03}" for number in range(1, 41))


def past_arrivals(slug: str, now: datetime, days: int = 10, a_day: int = 5) -> list[Arrival]:
    """A client's finished work of some days up to yesterday; the same for the same day, whenever it is computed."""
    random = Random(f"{slug} {now.date()}")  # noqa: S311  sample data
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
    return [
        _arrival(random.choice(KINDS[slug]), noon - timedelta(days=back, minutes=45 * number), random)
        for back in range(days, 0, -1)
        for number in range(a_day, 0, -1)
    ]


def open_arrivals(slug: str, now: datetime, count: int = 9) -> list[Arrival]:
    """Work that has just come in and waits."""
    random = Random(f"{slug} open")  # noqa: S311  sample data
    kinds = [KINDS[slug][number % len(KINDS[slug])] for number in range(count)]
    return [_arrival(kind, now - timedelta(seconds=20 * (count - number)), random) for number, kind in enumerate(kinds)]


def _arrival(kind: Kind, at: datetime, random: Random) -> Arrival:
    wait = int(random.expovariate(1 / (900 if kind.patient else 14)))
    leaves = not kind.patient and random.random() < 0.08
    work = max(30, int(random.lognormvariate(0, 0.4) * kind.work_seconds))
    return Arrival(
        kind.queue, random.choice(kind.titles), random.choice(CUSTOMERS), at, wait, work,
        random.randint(8, 60), leaves, random.choice(kind.dispositions),
    )  # fmt: skip
