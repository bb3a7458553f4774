"""The sample provider as data: who works where, what they can, and what arrives."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
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

# Who approves what another proposed, and who sets the installation up.
MANAGER = Sample("Marta Sousa", ("manager",), "Porto", {}, _BOTH)
ADMINISTRATOR = Sample("Olga Marques", ("administrator",), "Porto", {}, ())

# What `workfloor up` prints: address, password, what the person does.
SIGN_INS = [
    (PEOPLE[0].email, PASSWORD, "team leader, proposes months"),
    (MANAGER.email, PASSWORD, "manager, approves them"),
    (PEOPLE[1].email, PASSWORD, "agent, insurance"),
    (PEOPLE[4].email, PASSWORD, "agent, both clients"),
    (PEOPLE[6].email, PASSWORD, "agent, telecom"),
    (ADMINISTRATOR.email, PASSWORD, "administrator"),
]

# What customers of Alder Insurance write to, where it waits, and what they wrote lately: files in mails/.
MAIL_QUEUE = "claims-mail"
MAILBOX = "claims@alder-insurance.example"
MAILS = ("question-on-claim", "stolen-bicycle", "water-damage")
# Where visitors of Pier Telecom's pages wait to chat, and where those pages would be.
CHAT_QUEUE = "broadband-chat"
SITE_OF_PIER = "https://www.pier-telecom.example"
# By client: the process whose agents look them up, and the file in articles/.
ARTICLES = {
    "alder-insurance": (("claims", "water-damage"),),
    "pier-telecom": (("broadband-chat", "router-lights"), ("broadband-support", "router-lights")),
}


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
        Kind(
            "policy-calls",
            ("Change of address", "When is my premium due?", "Cancel a policy"),
            240,
            False,
            ("resolved", "called-back", "complaint"),
        ),
        Kind(
            "claims-mail",
            ("Water damage in the kitchen", "Stolen bicycle", "Question on claim"),
            600,
            True,
            ("answered", "more-asked-for"),
        ),
        Kind("claim-forms", ("Claim form, two pages", "Claim form, photographs"), 300, True, ("keyed", "unreadable")),
    ),
    "pier-telecom": (
        Kind(
            "broadband-calls",
            ("No connection since noon", "Slow in the evening", "New router blinks red"),
            420,
            False,
            ("resolved", "technician-sent", "called-back"),
        ),
        Kind(
            "broadband-chat",
            ("How do I change my password?", "Is there an outage?", "Upgrade my plan"),
            360,
            False,
            ("resolved", "passed-on"),
        ),
    ),
}

_FIRST = ("Maria", "Rui", "Sofia", "Tiago", "Marta", "Pedro", "Helena", "Nuno")
_LAST = ("Lopes", "Costa", "Ferreira", "Alves", "Pinto")
# Reference -> name.
CUSTOMERS = {
    f"C-{number:03}": f"{first} {last}"
    for number, (last, first) in enumerate(((last, first) for last in _LAST for first in _FIRST), start=1)
}

# What a sender says of a piece of work, by its title; the others come without details, as calls often do.
CONTENT: dict[str, dict[str, object]] = {
    "Change of address": {"policy": "AH-20417", "menu": ["2", "my details"]},
    "When is my premium due?": {"policy": "AH-18830", "menu": ["3", "payments"]},
    "Cancel a policy": {"policy": "AH-15102", "menu": ["4", "something else"]},
    "Water damage in the kitchen": {
        "subject": "Water damage in the kitchen",
        "body": "Good morning,\n\nthe hose of our dishwasher burst on Tuesday night and the kitchen floor is ruined. "
        "A plumber has stopped the leak; his bill is attached, with four photographs.\n\nMay we have the floor "
        "replaced now, or do you want to see it first?\n\nKind regards",
        "attachments": ["plumber-bill.pdf", "kitchen-1.jpg", "kitchen-2.jpg", "kitchen-3.jpg", "kitchen-4.jpg"],
        "policy": {"number": "AH-11876", "cover": "home and contents", "excess": "150.00 EUR"},
    },
    "Stolen bicycle": {
        "subject": "Stolen bicycle",
        "body": "Hello,\n\nmy bicycle was taken from the cellar of our building last weekend. I have reported it to "
        "the police; the report and the receipt are attached. What else do you need?\n\nThank you",
        "attachments": ["police-report.pdf", "receipt.pdf"],
        "policy": {"number": "AH-19344", "cover": "contents", "excess": "80.00 EUR"},
    },
    "Question on claim": {
        "subject": "Question on claim",
        "body": "Two weeks ago I sent the second estimate that you asked for and have not heard since. Has it arrived?",
        "claim": "K-7731",
    },
    "Claim form, two pages": {"document": "claim-form.pdf", "pages": 2, "received by": "post", "fields to key": 31},
    "Claim form, photographs": {
        "document": "claim-form-photos.pdf",
        "pages": 7,
        "received by": "portal",
        "fields to key": 24,
    },
    "No connection since noon": {"line": "P-552180", "router": "PT-9, online 11:58", "outage nearby": False},
    "Slow in the evening": {"line": "P-540077", "router": "PT-7, online", "measured": "11 of 200 Mbit/s"},
    "New router blinks red": {"line": "P-559913", "router": "PT-9, never online"},
    "How do I change my password?": {
        "first message": "Hi, how do I change the password of my account?",
        "page": "/account",
    },
    "Is there an outage?": {
        "first message": "Nothing works here, is there an outage in Matosinhos?",
        "page": "/status",
    },
    "Upgrade my plan": {"first message": "I would like the faster plan. What does it cost?", "page": "/plans"},
}


# How many of a client's pieces of work come on a day: a month or more ago, and lately.
A_DAY, A_DAY_LATELY, LATELY = 2, 5, timedelta(days=10)


def months_before(now: datetime, count: int) -> date:
    """The first day of the month that is so many months before an instant's, in UTC."""
    months = now.year * 12 + now.month - 1 - count
    return date(months // 12, months % 12 + 1, 1)


# What an agent answers to a mail of each subject.
ANSWERS = {
    "Water damage in the kitchen": "Good morning,\n\nthank you for the bill and the photographs; that is all we need. "
    "Please have the floor replaced, and send us the invoice when it is done.\n\nKind regards",
    "Stolen bicycle": "Hello,\n\nI am sorry to hear of it. With the police report and the receipt your claim is "
    "complete; the amount less your excess is paid within five working days.\n\nKind regards",
    "Question on claim": "Good morning,\n\nyour second estimate has arrived and was accepted on Monday. You will have "
    "our letter this week.\n\nKind regards",
}

# What is said in a chat after its first words, by the agent (True) and the visitor in turn, and their rating.
SAID: dict[str, tuple[tuple[tuple[bool, str], ...], int]] = {
    "How do I change my password?": (
        (
            (True, "Good morning! Under Account, Security, Change password. Shall I send you the link?"),
            (False, "Found it, thanks"),
            (True, "You are welcome. Is there anything else?"),
        ),
        5,
    ),
    "Is there an outage?": (
        (
            (True, "I am looking at your street. Yes, since 10:40; our technicians are on it."),
            (False, "When will it be back?"),
            (True, "They expect two hours. I can call you when it is over, if you leave me your number."),
        ),
        3,
    ),
    "Upgrade my plan": (
        (
            (True, "The plan with 500 Mbit/s is 38 pounds a month, with no new minimum term."),
            (False, "Good, please change it"),
            (True, "Done. It is faster from tonight on, and your next bill says so."),
        ),
        5,
    ),
}


def past_arrivals(slug: str, now: datetime) -> list[Arrival]:
    """A client's finished work of the two months before this one and up to yesterday, the oldest first.

    The same for the same day, whenever it is computed. Nobody writes or calls on Sundays.
    """
    random = Random(f"{slug} {now:%Y-%m-%d}")  # noqa: S311  sample data
    first = datetime.combine(months_before(now, 2), datetime.min.time(), UTC)
    days = [first + timedelta(days=number) for number in range((now - first).days)]
    return [
        _arrival(random.choice(KINDS[slug]), day + timedelta(hours=12, minutes=-45 * number), random)
        for day in days
        if day.weekday() < 6
        for number in range(A_DAY_LATELY if now - day <= LATELY else A_DAY, 0, -1)
    ]


def open_arrivals(slug: str, now: datetime, count: int = 9) -> list[Arrival]:
    """Work that has just come in and waits."""
    random = Random(f"{slug} open")  # noqa: S311  sample data
    kinds = [KINDS[slug][number % len(KINDS[slug])] for number in range(count)]
    return [_arrival(kind, now - timedelta(seconds=20 * (count - number)), random) for number, kind in enumerate(kinds)]


def _arrival(kind: Kind, at: datetime, random: Random) -> Arrival:
    wait = min(int(random.expovariate(1 / (900 if kind.patient else 12))), 2400)
    leaves = not kind.patient and random.random() < 0.08
    work = max(30, int(random.lognormvariate(0, 0.4) * kind.work_seconds))
    return Arrival(
        kind.queue,
        random.choice(kind.titles),
        random.choice(tuple(CUSTOMERS)),
        at,
        wait,
        work,
        random.randint(8, 60),
        leaves,
        random.choice(kind.dispositions),
    )
