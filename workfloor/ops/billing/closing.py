"""What keeps a month from being closed, its statement as it would be frozen, and what has changed since."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from workfloor.core.claims import queries as claims_queries
from workfloor.core.claims import rules as claims_rules
from workfloor.core.clients.models import Client
from workfloor.core.measures import queries as measures_queries
from workfloor.core.periods import months as period_months
from workfloor.core.periods import queries as periods_queries
from workfloor.core.periods.models import Close, Dispute
from workfloor.core.work.kinds import BEGUN_BY_US
from workfloor.core.work.models import Item
from workfloor.kit.figures import money, steps
from workfloor.kit.figures.money import Money
from workfloor.ops.billing import corrections, settlement, statements
from workfloor.ops.billing import presenting as billing_presenting

SHOWN = 5  # how many items a message names
Progress = Callable[[int, int], None]  # how much of how much is done


def unseen(done: int, total: int) -> None:
    """Progress that nobody watches."""


def part(progress: Progress, first: int, last: int) -> Progress:
    """The progress of a part of something, which takes it from one percentage to another."""
    return lambda done, total: progress(first + (last - first) * done // max(total, 1), 100)


class NoSuchFigure(ValueError):
    """The statement has nothing of that name; the message lists what it has."""


# --- What is in the way -----------------------------------------------------------------------------------------


def hindrances(client: Client, period: str, *, now: datetime, progress: Progress = unseen) -> list[str]:
    """Everything that keeps a month from being closed, each with what to do; raises billing.NoStatement.

    `progress` takes how many of its items were held against their facts.
    """
    made = statements.statement(client, period, now=now)
    bounds = made.period
    if bounds.state == "open":
        return [
            _("{period} is not over: it ends on {day} in {zone}. Propose it from the day after.").format(
                period=period, day=_last_day(bounds), zone=bounds.zone
            )
        ]
    return [
        *_earlier(client, period),
        *_unfinished(client, bounds),
        *_undecided(client, bounds),
        *_unreconciled(client, bounds, progress),
    ]


def _last_day(bounds: settlement.Period) -> str:
    return billing_presenting.worded_period(bounds).split(" to ")[1].rpartition(", ")[0]


def _earlier(client: Client, period: str) -> Iterator[str]:
    """Months of the term before this one that are still open, from the first that had work or was closed."""
    states = periods_queries.states(client.id)
    begun = min([*statements.months(client), *states], default=period)
    while begun < period:
        if states.get(begun) not in period_months.SHUT:
            state = states.get(begun, "open")
            verb = "approve" if state == "provisional" else "propose"
            yield _(
                "{month} is still {state}. Close it first: workfloor billing period {verb} {client} {month}"
            ).format(month=begun, state=_(state), verb=verb, client=client.slug)
        begun = period_months.next_month(begun)


def _unfinished(client: Client, bounds: settlement.Period) -> Iterator[str]:
    found = _items(client, bounds).exclude(state__in=("done", "abandoned", "cancelled"))
    if count := found.count():
        named = ", ".join(str(number) for number in found.order_by("id").values_list("id", flat=True)[:SHOWN])
        yield (
            _(
                "{count:,} items of {month} are not finished, so its figures still change: finish or cancel "
                "them. Items {named}{more}"
            ).format(count=count, month=bounds.name, named=named, more=" ..." if count > SHOWN else "")
        )


def _undecided(client: Client, bounds: settlement.Period) -> Iterator[str]:
    waiting = claims_queries.claims(client.id, kinds=claims_rules.KINDS, state="claimed")
    for claim in waiting.filter(starts_at__lt=bounds.ends_at, ends_at__gt=bounds.starts_at):
        yield f"Claim {claim.id} ({claim.kind}) is undecided: workfloor billing claim approve {claim.id}, or refuse it"


def _unreconciled(client: Client, bounds: settlement.Period, progress: Progress) -> Iterator[str]:
    found = measures_queries.recount(client.id, bounds.starts_at, bounds.ends_at, progress=progress)
    if found.count:
        named = ", ".join(f"{each.place} {each.what}" for each in found.differences[:SHOWN])
        yield (
            _(
                "What is kept of {month} is not what its facts add up to, in {count:,} places: {named}{more}. "
                "See: workfloor billing reconcile {client} {month}"
            ).format(
                month=bounds.name,
                count=found.count,
                named=named,
                more=" ..." if found.count > SHOWN else "",
                client=client.slug,
            )
        )


def _items(client: Client, bounds: settlement.Period) -> Any:
    found = Item.objects.filter(client=client, received_at__gte=bounds.starts_at, received_at__lt=bounds.ends_at)
    return found.exclude(kind__in=BEGUN_BY_US)


# --- What is frozen ---------------------------------------------------------------------------------------------


def frozen(client: Client, period: str, *, now: datetime, progress: Progress = unseen) -> period_months.Frozen:
    """A month's statement as it would be frozen now: its documents, and what each figure counts.

    `progress` takes how many of its figures were opened.
    """
    made = _closed(statements.statement(client, period, now=now))
    found = statements.subjects(client, period, now=now)
    items = _every_item(found)
    order, leaves = [item.item_id for item in items], []
    for each in found:
        leaves.append(_leaf(each, order))
        progress(len(leaves), len(found))
    basis = settlement.basis(made.period.zone, made.contract, made.lines, made.measures, made.adjustments)
    return period_months.Frozen(
        made.version, billing_presenting.plain(made), billing_presenting.printed(made), basis, _rows(items), leaves
    )


def _every_item(found: Sequence[settlement.Subject]) -> list[settlement.Counted]:
    """What any figure counts, as it was received: a window or a backlog reaches beyond the month."""
    every: dict[int, settlement.Counted] = {}
    for subject in found:
        if subject.opens == "items" and ("/" not in subject.id):
            every |= {item.item_id: item for item in statements.items_behind(subject) if item.item_id not in every}
    return sorted(every.values(), key=lambda item: (item.received_at, item.item_id))


def _closed(made: statements.Statement) -> statements.Statement:
    return replace(made, period=replace(made.period, state="closed"))


def _rows(items: list[settlement.Counted]) -> list[Any]:
    return [[i.item_id, i.key, i.queue, i.received_at.isoformat(), i.state, i.agent] for i in items]


def _leaf(subject: settlement.Subject, order: list[int]) -> period_months.Leaf:
    row = billing_presenting.plain_subject(subject)
    if "/" in subject.id or subject.opens == "levels":
        return period_months.Leaf(subject.id, subject.title, row, [])
    if subject.opens == "outages":
        found = list(statements.items_behind(subject))
        apart = zip(_rows(found), [_exact(each.value) for each in found], strict=True)
        return period_months.Leaf(subject.id, subject.title, row, list(apart))
    counted = {item.item_id: _exact(item.value) for item in statements.items_behind(subject)}
    return period_months.Leaf(subject.id, subject.title, row, [counted.get(number) for number in order])


def _exact(value: bool | int | Decimal | str) -> bool | int | str:
    return str(value) if isinstance(value, Decimal) else value


def has_moved(close: Close, *, now: datetime) -> bool:
    """Say whether the month's figures are no longer those that were proposed."""
    made = _closed(statements.statement(close.client, close.period, now=now))
    return _figures(billing_presenting.plain(made)) != _figures(json.loads(close.plain))


def _figures(plain: dict[str, Any]) -> dict[str, Any]:
    """A statement without the instant at which it was computed."""
    said: dict[str, Any] = json.loads(period_months.written(plain))
    return {name: value for name, value in said.items() if name != "computed_at"}


# --- What has changed since -------------------------------------------------------------------------------------


def late(client: Client, period: str, *, now: datetime) -> list[period_months.Correction]:
    """What a closed month would come to by now, less what was frozen and what later statements made up already."""
    close = periods_queries.frozen(client.id, period)
    assert close is not None
    made = statements.statement(client, period, now=now)
    known = periods_queries.corrections(client.id, period).filter(because=period_months.LATE_FACTS)
    before = corrections.entries(json.loads(close.plain), _credits_tax(made))
    return corrections.corrections(
        before,
        _entries(made),
        known=list(known.values_list("subject", "amount")),
        currency=made.contract.currency,
        taxes=_taxes(made),
        title=lambda subject: gettext_noop("{period}: {subject}, late facts").format(period=period, subject=subject),
        frozen=True,
    )


def supposed(dispute: Dispute, value: Decimal, *, now: datetime) -> list[period_months.Correction]:
    """What follows for a month's lines and credits where a disputed figure is this instead.

    A line's figure (`l1`) is its quantity, in the price's unit; a service level's (`m1`) what it attained, in percent
    or seconds. Raises NoSuchFigure for any other.
    """
    made = statements.statement(dispute.client, dispute.period, now=now)
    instead = statements.statement(dispute.client, dispute.period, now=now, supposed=_supposing(made, dispute, value))
    return corrections.corrections(
        _entries(made),
        _entries(instead),
        currency=made.contract.currency,
        taxes=_taxes(made),
        title=lambda subject: _upheld(dispute, subject),
        frozen=False,
    )


def _supposing(made: statements.Statement, dispute: Dispute, value: Decimal) -> settlement.Supposed:
    kind, digits = dispute.figure[:1], dispute.figure[1:]
    number = int(digits) - 1 if digits.isdigit() else -1
    if kind == "m" and 0 <= number < len(made.contract.service_levels):
        return settlement.Supposed(attained={number: value})
    if kind == "l" and 0 <= number < len(made.lines) and made.contract.prices[made.lines[number].price].counts:
        line = made.lines[number]
        units = value * (60 if line.unit == "minute" else 1)
        if units != units.to_integral_value() or units < 0:
            raise NoSuchFigure(
                _("{value} is no quantity of {title}: it counts whole items or seconds.").format(
                    value=value, title=line.title
                )
            )
        return settlement.Supposed(counts={line.price: int(units)})
    raise NoSuchFigure(
        _(
            "{figure} cannot be computed anew: only what a line counts (l1) and what a level attained (m1) can. "
            "Say the amount instead: --amount"
        ).format(figure=dispute.figure)
    )


def correction(dispute: Dispute, amount: str, *, now: datetime) -> period_months.Correction:
    """A disputed figure's correction by an agreed amount, such as `-120.00`; positive is owed by the client.

    Raises ValueError for what is no amount of the contract's currency.
    """
    made = statements.statement(dispute.client, dispute.period, now=now)
    agreed = _money(amount, made)
    found = {entry.figure: (subject, entry) for subject, entry in _entries(made).items()}
    subject, entry = found.get(dispute.figure, (dispute.figure, None))
    tax = entry.tax if entry else _credits_tax(made) or next(iter(made.contract.taxes), None)
    title, how = (
        _upheld(dispute, subject),
        steps.given(gettext_noop("agreed in dispute {dispute}").format(dispute=dispute.id), agreed),
    )
    return period_months.Correction(
        dispute.figure, subject, title, agreed, _taxes(made).get(tax or ""), steps.plain(how)
    )


def _upheld(dispute: Dispute, subject: str) -> str:
    return gettext_noop("{period}: {subject}, dispute {dispute} upheld").format(
        period=dispute.period, subject=subject, dispute=dispute.id
    )


def _money(amount: str, made: statements.Statement) -> Money:
    found = money.parse(amount, made.contract.currency)
    if not found or found != found.rounded():
        raise ValueError(
            _("{amount} is no amount to correct by: it is 0, or {currency} has not so many decimals.").format(
                amount=amount, currency=found.currency
            )
        )
    return found


def _entries(made: statements.Statement) -> dict[str, corrections.Entry]:
    return corrections.entries(billing_presenting.plain(made), _credits_tax(made))


def _credits_tax(made: statements.Statement) -> str | None:
    return made.contract.credits.tax if made.contract.credits else None


def _taxes(made: statements.Statement) -> dict[str, dict[str, str]]:
    return {
        name: {"name": tax.name, "title": tax.title, "category": tax.category, "rate": str(tax.rate)}
        for name, tax in made.contract.taxes.items()
    }


# --- Names ------------------------------------------------------------------------------------------------------


def figures(close: Close) -> list[str]:
    """The figures of a frozen or proposed statement that can be disputed."""
    plain = json.loads(close.plain)
    opened = list(periods_queries.figures(close).values_list("name", flat=True))
    others = [each["id"] for part in ("credits", "adjustments") for each in plain[part]]
    return list(dict.fromkeys([*opened, *others, "charges", "net", "total"]))
