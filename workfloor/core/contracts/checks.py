"""What is wrong with a contract that no single clause shows: contradictions between clauses, each with its place."""

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from itertools import pairwise

from workfloor.core.contracts import levels, pricing
from workfloor.core.contracts import terms as contracts_terms
from workfloor.kit.figures import money
from workfloor.kit.time import calendars

Wrong = tuple[str, str, tuple[str, ...]]  # place, what is wrong, the other places that it follows from

# --- Checks across clauses --------------------------------------------------------------------------------------
Places = Mapping[str, tuple[str, levels.ServiceLevel]]  # name -> place, level


def check_levels_and_credits(
    levels: Sequence[levels.ServiceLevel], terms: levels.Credits | None, ends: Sequence[levels.Termination]
) -> Iterator[Wrong]:
    """Yield what contradicts in targets, credits and grounds for termination that are each well-formed."""
    places = {level.name: (f"service_levels[{i}]", level) for i, level in enumerate(levels)}
    for place, level in places.values():
        yield from _check_target(place, level)
        yield from _check_targets(place, level)
        yield from _check_carried(place, level, terms)
        yield from _check_stacking(place, level, places)
    yield from _check_bonuses(places, terms)
    yield from _check_weights(levels, terms)
    if terms:
        yield from _check_credits(terms, levels)
    for number, end in enumerate(ends):
        yield from _check_termination(f"termination[{number}]", end, places)


def _check_target(place: str, level: levels.ServiceLevel) -> Iterator[Wrong]:
    unit = "s" if level.measure in levels.IN_SECONDS else "%"
    for key, number in (("expected", level.expected), ("minimum", level.minimum), ("weight", level.weight)):
        if number is not None and number > 100 and (unit == "%" or key == "weight"):
            yield f"{place}.{key}", f"{number} % is more than all.", ()
        if number is not None and level.expected is None:
            message = "needs expected: a level without a target cannot be missed."
            yield f"{place}.{key}", message, (f"{place}.expected",)
    if level.measure == "availability" and level.above_forecast is not None:
        message = "volume-above-forecast leaves out items; availability counts time."
        yield f"{place}.exclude", message, (f"{place}.measure",)
    if level.ratchet and level.window != "month":
        message = "counts months; take it out, or make the window a month."
        yield f"{place}.ratchet", message, (f"{place}.window",)
    if level.ratchet and level.expected is None:
        yield f"{place}.ratchet", "needs expected: there is no target to move.", (f"{place}.expected",)
    if level.expected is None or level.minimum is None:
        return
    better = level.minimum < level.expected if level.lower_is_better else level.minimum > level.expected
    if better:
        message = (
            f"the minimum ({level.minimum:f} {unit}) is a harder target than expected ({level.expected:f} {unit})."
        )
        yield f"{place}.minimum", message, (f"{place}.expected", f"{place}.measure")


def _check_targets(place: str, level: levels.ServiceLevel) -> Iterator[Wrong]:
    if level.targets and level.expected is None:
        yield (
            f"{place}.targets",
            f"needs {place}.expected, which holds until the first of them.",
            (f"{place}.expected",),
        )
    for index, target in enumerate(level.targets):
        here = f"{place}.targets[{index}]"
        before = f"{place}.targets[{index - 1}].from"
        if index and target.starts_on <= level.targets[index - 1].starts_on:
            yield f"{here}.from", f"must be later than {before}.", (before,)
        as_level = replace(level, expected=target.expected, minimum=target.minimum, weight=None, ratchet=None)
        for _, message, _ in _check_target(here, as_level):
            yield here, message, (f"{place}.measure",)


_CARRIED: Mapping[str, levels.Rule] = {
    "weight": "at-risk",
    "credit": "fixed",
    "credit_amount": "fixed",
    "points": "points",
}


def _check_carried(place: str, level: levels.ServiceLevel, terms: levels.Credits | None) -> Iterator[Wrong]:
    """Look for what only means something under another rule of credits."""
    for key, rule in _CARRIED.items():
        if terms and terms.rule != rule and getattr(level, key):
            message = f"means nothing where credits.rule is {terms.rule}; it belongs to {rule}."
            yield f"{place}.{key}", message, ("credits.rule",)
        elif terms is None and getattr(level, key) and key != "weight":
            yield f"{place}.{key}", "means nothing without [credits].", ("credits",)
    if level.credit is not None and level.credit_amount is not None:
        yield f"{place}.credit_amount", f"there is {place}.credit too; take one of them out.", (f"{place}.credit",)
    if level.credit is not None and terms and level.credit > terms.cap:
        message = f"{level.credit:f} % is more than credits.cap ({terms.cap:f} %) ever lets through."
        yield f"{place}.credit", message, ("credits.cap", "credits.rule")
    if (level.credit or level.credit_amount) and level.expected is None:
        yield f"{place}.expected", f"is missing: nothing can be missed, so {place}.credit is never owed.", ()


def _check_stacking(place: str, level: levels.ServiceLevel, places: Places) -> Iterator[Wrong]:
    for index, name in enumerate(level.not_with):
        here = f"{place}.not_with[{index}]"
        if name == level.name or name not in places:
            yield here, f"there is no other service level {name}.", ("service_levels",)
        elif level.name in places[name][1].not_with:
            message = f"{places[name][0]}.not_with names this one too: if both were missed, neither would be owed."
            yield here, message, (f"{places[name][0]}.not_with",)


def _check_bonuses(places: Places, terms: levels.Credits | None) -> Iterator[Wrong]:
    paying = {f"{place}.bonus": level for place, level in places.values() if level.bonus}
    for here, level in paying.items():
        if (
            level.expected is None
            or not level.bonus
            or levels.falls_short(level, level.bonus.better_than, level.expected)
        ):
            where = here.replace(".bonus", ".expected")
            yield f"{here}.better_than", f"must be no easier than {where}; see there.", (where,)
    if paying and (terms is None or terms.bank is None):
        yield "credits.bank", f"is missing: {next(iter(paying))} pays into it.", tuple(paying)
    if terms and terms.bank is not None and not paying:
        yield "credits.bank", "no service level has a bonus that pays into it.", ("service_levels",)


def _check_weights(levels: Sequence[levels.ServiceLevel], terms: levels.Credits | None) -> Iterator[Wrong]:
    weights = {f"service_levels[{i}].weight": level.weight for i, level in enumerate(levels)}
    given = {place: weight for place, weight in weights.items() if weight is not None}
    if not terms:
        if given:
            yield next(iter(given)), "a weight means nothing without [credits].", ("credits",)
    elif terms.rule == "at-risk" and sum(given.values()) != 100:
        found = f"the weights add up to {sum(given.values()):f} %, not 100 %."
        yield next(iter(given), "credits"), found, (*weights, "credits.rule")


def _check_credits(terms: levels.Credits, levels: Sequence[levels.ServiceLevel]) -> Iterator[Wrong]:
    for name in ("at_risk", "cap") if terms.rule == "at-risk" else ("cap",):
        if not 0 < getattr(terms, name) <= 100:
            yield f"credits.{name}", "must be above 0 % and at most 100 % of the charges.", ("credits.rule",)
    if terms.rule == "at-risk" and not terms.pool:
        message = "is 0 %: no credit would ever be due. Take [credits] out instead."
        yield "credits.pool", message, ("credits.rule",)
    if terms.rule == "fixed" and not any(level.credit or level.credit_amount for level in levels):
        yield "credits.rule", "no service level has a credit, so nothing would ever be due.", ("service_levels",)
    if terms.rule == "points":
        yield from _check_points(terms, levels)
    for earlier, later in pairwise(enumerate(terms.repeat)):
        if later[1].months <= earlier[1].months:
            message = f"must be more than {earlier[1].months}, of the row before it."
            yield f"credits.repeat[{later[0]}].months", message, (f"credits.repeat[{earlier[0]}].months",)
    if terms.earn_back:
        yield from _check_earn_back(terms.earn_back.within_months, levels)


def _check_earn_back(within: int | None, agreed: Sequence[levels.ServiceLevel]) -> Iterator[Wrong]:
    here = "credits.earn_back.within"
    if within is None:
        message = 'is missing: credits.earn_back has no window; write one, such as within = "3 months".'
        yield here, message, ("credits.earn_back",)
    for number, level in enumerate(agreed):
        if within is not None and within < levels.months_of(level):
            message = f"is shorter than the {level.window} of service_levels[{number}].window: nothing ever comes back."
            yield here, message, (f"service_levels[{number}].window",)


def _check_points(terms: levels.Credits, levels: Sequence[levels.ServiceLevel]) -> Iterator[Wrong]:
    if bool(terms.table) == (terms.per_point is not None):
        yield "credits.table", "needs either table or per_point.", ("credits.rule", "credits.per_point")
    if terms.table and terms.cap_each is not None:
        yield (
            "credits.cap_each",
            "credits.table is of all levels together; it has no share of each.",
            ("credits.table",),
        )
    if not any(level.points for level in levels):
        yield "credits.rule", "no service level has points, so nothing would ever be due.", ("service_levels",)
    for index, (row, following) in enumerate(pairwise(terms.table)):
        if following.points <= row.points or following.credit < row.credit:
            message = "must ask for more points, and give no less, than the row before it."
            yield f"credits.table[{index + 1}]", message, (f"credits.table[{index}]",)
    if terms.table and terms.table[-1].credit > terms.cap:
        message = f"{terms.table[-1].credit:f} % is more than credits.cap ({terms.cap:f} %) ever lets through."
        yield f"credits.table[{len(terms.table) - 1}].credit", message, ("credits.cap",)


def _check_termination(place: str, end: levels.Termination, places: Places) -> Iterator[Wrong]:
    if end.misses > end.within_months:
        message = f"{end.misses} months do not fit into {place}.within ({end.within_months} months)."
        yield f"{place}.misses", message, (f"{place}.within",)
    for index, name in enumerate(end.of):
        here = f"{place}.of[{index}]"
        if name not in places:
            yield here, f"there is no service level {name}.", ("service_levels",)
        elif end.misses * levels.months_of(places[name][1]) > end.within_months + levels.months_of(places[name][1]) - 1:
            where = f"{places[name][0]}.window"
            message = f"{name} is judged by the {places[name][1].window}: {end.misses} do not fit into {place}.within."
            yield here, message, (where, f"{place}.within", f"{place}.misses")
        elif getattr(places[name][1], end.short_of) is None:
            where = f"{places[name][0]}.{end.short_of}"
            yield here, f"{name} has no {end.short_of} to be short of; see {where}.", (where, f"{place}.short_of")


# --- Checks ---
def check_currency(name: str, rates: Sequence[pricing.Exchange], own: str, starts_on: date) -> Iterator[Wrong]:
    """Yield what is wrong with the rates of another currency than the contract's `own`, from its first day on."""
    place = f"currencies.{name}"
    if name not in money.MINOR_UNITS:
        yield place, f"{name} is no currency of ISO 4217.", ()
    if name == own:
        yield place, f"{name} is the contract's own currency; take it out.", ("contract.currency",)
    if rates[0].starts_on > starts_on:
        message = f"the contract starts on {starts_on}, before the first rate holds."
        yield f"{place}.rates[0].from", message, ("contract.starts_on",)
    for index, (one, following) in enumerate(pairwise(rates)):
        if following.starts_on <= one.starts_on:
            here = f"{place}.rates[{index + 1}].from"
            yield here, f"must be later than {one.starts_on}.", (f"{place}.rates[{index}].from",)
    for index, one in enumerate(rates):
        if not one.rate:
            yield f"{place}.rates[{index}].rate", "is 0: nothing would be charged.", ()


def check_indexation(place: str, terms: pricing.Indexation) -> Iterator[Wrong]:
    """Yield what is wrong with an indexation."""
    if (terms.yearly is None) == (terms.base is None):
        yield place, "needs either yearly and from, or base and values.", (f"{place}.yearly", f"{place}.base")
    for index, (one, following) in enumerate(pairwise(terms.values)):
        if following.starts_on <= one.starts_on:
            here = f"{place}.values[{index + 1}].from"
            yield here, f"must be later than {one.starts_on}.", (f"{place}.values[{index}].from",)
    if terms.base == 0:
        yield f"{place}.base", "is 0; no index can be compared with it.", ()


# --- Checks across clauses --------------------------------------------------------------------------------------
def check_pricing(
    book: pricing.Book, prices: Sequence[pricing.Price], dispositions: Mapping[str, Container[str]]
) -> Iterator[Wrong]:
    """Yield what is wrong with prices, taxes and indexation that are each well-formed; `dispositions` go by queue."""
    for name, tax in book.taxes.items():
        if tax.rate and tax.category not in ("S", "L", "M"):
            message = f"category {tax.category} is never charged; its rate is 0 %."
            yield f"taxes.{name}.rate", message, (f"taxes.{name}.category",)
    for name, terms in book.indexation.items():
        yield from check_indexation(f"indexation.{name}", terms)
    for name, agreed in book.currencies.items():
        yield from check_currency(name, agreed, book.currency, book.starts_on)
    for number, price in enumerate(prices):
        place = f"prices[{number}]"
        yield from _check_rates(book, place, price)
        yield from _check_names(book, place, price, dispositions)
        yield from _check_baseline(place, price)


def _check_rates(book: pricing.Book, place: str, price: pricing.Price) -> Iterator[Wrong]:
    if price.unit == "pass-through":
        return
    if price.baseline and price.rate is None:
        yield f"{place}.rate", f"is missing: {place}.baseline is charged at it.", (f"{place}.baseline",)
    elif (price.rate is None) == (not price.tiers):
        yield place, "needs either a rate or tiers.", (f"{place}.rate", f"{place}.tiers")
    yield from _check_tiers(place, price.tiers)
    currency = price.currency or book.currency
    digits = money.MINOR_UNITS.get(currency, 4)
    if price.minimum is not None and price.minimum != round(price.minimum, digits):
        yield f"{place}.minimum", f"{currency} has {digits} decimals.", ("contract.currency", f"{place}.currency")
    for index, step in enumerate(price.ramp_up):
        if step.share > 100:
            yield f"{place}.ramp_up[{index}].share", f"{step.share:f} % is more than is committed.", ()
    committed = price.counts is None or price.minimum is not None or price.baseline
    if price.ramp_up and not committed:
        message = (
            "nothing here is committed; a ramp-up lowers a minimum, a baseline, an agreed quantity or a fixed amount."
        )
        yield f"{place}.ramp_up", message, (f"{place}.unit", f"{place}.minimum")


def _check_names(
    book: pricing.Book, place: str, price: pricing.Price, dispositions: Mapping[str, Container[str]]
) -> Iterator[Wrong]:
    if price.indexed_by and price.indexed_by not in book.indexation:
        message = f"there is no indexation {price.indexed_by}; there is {', '.join(book.indexation) or 'none'}."
        yield f"{place}.indexed_by", message, ("indexation",)
    if price.tax and price.tax not in book.taxes:
        yield f"{place}.tax", f"there is no tax {price.tax}; there is {', '.join(book.taxes) or 'none'}.", ("taxes",)
    if price.currency and price.currency != book.currency and price.currency not in book.currencies:
        message = f"no rate is agreed for {price.currency}: write [currencies.{price.currency}], or take it out."
        yield f"{place}.currency", message, ("contract.currency", "currencies")
    if book.taxes and not price.tax:
        yield f"{place}.tax", f"is missing: name one of {', '.join(book.taxes)}.", ("taxes",)
    for index, name in enumerate(price.dispositions):
        if not any(name in dispositions.get(queue, ()) for queue in price.of):
            message = f"no process of its queues has a disposition {name}."
            yield f"{place}.dispositions[{index}]", message, ("processes", f"{place}.of")


def _check_baseline(place: str, price: pricing.Price) -> Iterator[Wrong]:
    terms, here = price.baseline, f"{place}.baseline"
    if terms is None:
        return
    if price.minimum is not None:
        yield f"{place}.minimum", "a baseline is its own minimum; take one of them out.", (here,)
    if price.rate is not None and terms.reduced * terms.reduced_factor > price.rate:
        message = f"gives back more than the {price.rate:f} that was charged."
        yield f"{here}.reduced", message, (f"{place}.rate", f"{here}.reduced_factor")


def _check_tiers(place: str, tiers: Sequence[pricing.Tier]) -> Iterator[Wrong]:
    for index, (tier, following) in enumerate(pairwise(tiers)):
        here, after = f"{place}.tiers[{index}]", f"{place}.tiers[{index + 1}]"
        if tier.up_to is None:
            yield here, "only the last tier may leave up_to out; the tiers after it overlap it.", ()
        elif following.up_to is not None and following.up_to <= tier.up_to:
            message = f"overlaps the tier before it, which goes up to {tier.up_to}."
            yield f"{after}.up_to", message, (f"{here}.up_to",)
    if tiers and tiers[-1].up_to is not None:
        message = "the last tier must leave up_to out, or a larger quantity would have no rate."
        yield f"{place}.tiers[{len(tiers) - 1}].up_to", message, ()


_ENDPOINT = re.compile(r"[0-9A-Z]{2,4}:\S+")


def check_billing(billing: contracts_terms.Billing, countries: Container[str]) -> Iterator[Wrong]:
    """Yield what is wrong with the clause that no single key shows."""
    if billing.country not in countries:
        yield "billing.country", f"{billing.country} is no country of ISO 3166.", ()
    if billing.endpoint and not _ENDPOINT.fullmatch(billing.endpoint):
        yield "billing.endpoint", "write SCHEME:ADDRESS, such as 0088:5790000436057 or EM:bills@example.com.", ()
    if billing.electronic and billing.vat_id and not billing.vat_id[:2].isalpha():
        message = "begins with its country in an electronic invoice, such as DE136695976."
        yield "billing.vat_id", message, ("billing.electronic",)


# Checks across clauses
@dataclass(frozen=True, slots=True)
class Fault:
    """What no schema sees: `because` names the other places that it follows from."""

    place: str
    message: str
    because: tuple[str, ...] = ()


def check(contract: contracts_terms.Contract) -> list[Fault]:
    """Return everything that is wrong with a contract whose clauses are each well-formed."""
    first = (_check_head, _check_calendars, _check_processes)
    then = (_check_levels, _check_hours, _check_forecasts, _check_prices, _check_escalations)
    return [fault for one in first + then for fault in one(contract)]


def check_amendment(before: contracts_terms.Contract, after: contracts_terms.Contract) -> list[Fault]:
    """Return what an amendment may not change: every figure and every item of the past hangs on it."""
    found = [
        Fault(f"contract.{term}", f"cannot change in an amendment; it is {getattr(before, term)}.")
        for term in ("currency", "zone", "starts_on")
        if getattr(before, term) != getattr(after, term)
    ]
    home = {queue.name: process.name for process in before.processes for queue in process.queues}
    for i, process in enumerate(after.processes):
        for j, queue in enumerate(process.queues):
            if (old := home.get(queue.name, process.name)) != process.name:
                message = f"{queue.name} is a queue of {old}; give the new queue another name."
                found.append(Fault(f"processes[{i}].queues[{j}].name", message, (f"processes[{i}].name",)))
    return found


_FIRST_YEAR, _LAST_YEAR = 1900, 2200


def _check_head(contract: contracts_terms.Contract) -> Iterator[Fault]:
    days = {name: getattr(contract, name) for name in ("signed_on", "starts_on", "ends_on")}
    for name, day in days.items():
        if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
            yield Fault(f"contract.{name}", f"{day} is no year to have a contract in.")
    for earlier in ("starts_on", "signed_on"):
        if days[earlier] > contract.ends_on:
            message = f"the term ends on {contract.ends_on}, before {earlier} ({days[earlier]})."
            yield Fault("contract.ends_on", message, (f"contract.{earlier}",))
    if contract.currency not in money.MINOR_UNITS:
        yield Fault("contract.currency", f"{contract.currency} is no currency of ISO 4217.")
    if contract.zone not in calendars.zones():
        yield Fault("contract.zone", f"{contract.zone} is no time zone; write one such as Europe/Berlin.")
    if contract.country not in calendars.countries():
        yield Fault("contract.country", f"{contract.country} is no country of ISO 3166.")
    if contract.billing:
        yield from (Fault(*wrong) for wrong in check_billing(contract.billing, calendars.countries()))


def _check_calendars(contract: contracts_terms.Contract) -> Iterator[Fault]:
    for name, terms in contract.calendars.items():
        place = f"calendars.{name}"
        if terms.zone not in calendars.zones() and terms.zone != contract.zone:
            yield Fault(f"{place}.zone", f"{terms.zone} is no time zone; write one such as Europe/Berlin.")
        if terms.holidays and not calendars.holiday_calendar_exists(terms.holidays):
            yield Fault(f"{place}.holidays", f"there is no calendar of public holidays for {terms.holidays}.")
        for index, day in enumerate(terms.open_on):
            if day in terms.closed_on:
                yield Fault(f"{place}.open_on[{index}]", f"{day} is closed too.", (f"{place}.closed_on",))
            elif contracts_terms.WEEKDAYS[day.weekday()] not in terms.week:
                message = f"{day} is a {contracts_terms.WEEKDAYS[day.weekday()]}, for which the week has no hours."
                yield Fault(f"{place}.open_on[{index}]", message, (f"{place}.week",))
        yield from _check_spans(place, terms)
        if _never_open(contract, terms):
            because = ("contract.starts_on", "contract.ends_on", f"{place}.holidays", f"{place}.closed_on")
            yield Fault(f"{place}.week", "is never open within the term: nobody could ever work.", because)


def _check_spans(place: str, terms: contracts_terms.CalendarTerms) -> Iterator[Fault]:
    """Look for spans of the week that run into the next one; the last runs into the first."""
    day = 24 * 60
    found = []
    for weekday, spans in terms.week.items():
        for index, (opens, closes) in enumerate(spans):
            first = contracts_terms.WEEKDAYS.index(weekday) * day + opens.hour * 60 + opens.minute
            length = (closes.hour - opens.hour) * 60 + closes.minute - opens.minute
            found.append((first, first + (length if length > 0 else length + day), weekday, index))
    found.sort()
    for (_, end, weekday, before), (start, _, later, index) in pairwise(found):
        if end > start:
            message = f"overlaps a span of {weekday} that ends later."
            yield Fault(f"{place}.week.{later}[{index}]", message, (f"{place}.week.{weekday}[{before}]",))
    if len(found) > 1 and found[-1][1] - 7 * day > found[0][0]:
        (_, _, weekday, index), (_, _, last, before) = found[0], found[-1]
        message = f"overlaps a span of {last} that ends later."
        yield Fault(f"{place}.week.{weekday}[{index}]", message, (f"{place}.week.{last}[{before}]",))


def _never_open(contract: contracts_terms.Contract, terms: contracts_terms.CalendarTerms) -> bool:
    sensible = all(_FIRST_YEAR <= day.year <= _LAST_YEAR for day in (contract.starts_on, contract.ends_on))
    known = terms.holidays is None or calendars.holiday_calendar_exists(terms.holidays)
    if not (sensible and known and terms.zone in calendars.zones()):
        return False  # each of these is a fault of its own
    start = calendars.instant(contract.starts_on, time(0), terms.zone)
    end = calendars.instant(contract.ends_on + timedelta(days=1), time(0), terms.zone)
    try:
        return start < end < calendars.add_working(contracts_terms.calendar(terms), start, 1)
    except calendars.NeverOpen:
        return True


def _check_processes(contract: contracts_terms.Contract) -> Iterator[Fault]:
    queues = [
        (f"processes[{i}].queues[{j}]", queue)
        for i, process in enumerate(contract.processes)
        for j, queue in enumerate(process.queues)
    ]
    yield from _twice([(f"processes[{i}].name", one.name) for i, one in enumerate(contract.processes)])
    yield from _twice([(f"{place}.name", queue.name) for place, queue in queues])
    for i, process in enumerate(contract.processes):
        if process.calendar not in contract.calendars:
            message = f"there is no calendar {process.calendar}; there is {', '.join(contract.calendars)}."
            yield Fault(f"processes[{i}].calendar", message, ("calendars",))
        yield from _twice([(f"processes[{i}].dispositions[{j}]", d) for j, d in enumerate(process.dispositions)])
        yield from _check_letter(f"processes[{i}].letter", process.letter)
    for place, queue in queues:
        yield from _check_queue(place, queue)
    kinds = (process.kind for process in contract.processes for _ in process.queues)
    for kind, (place, queue) in zip(kinds, queues, strict=True):
        yield from _check_interruption(place, kind, queue)


# Nobody is left on the line for the sake of somebody else.
_ON_THE_LINE = ("inbound-voice", "outbound-voice", "chat", "technical-support")


def _check_interruption(place: str, kind: str, queue: contracts_terms.Queue) -> Iterator[Fault]:
    if queue.preemptible and kind in _ON_THE_LINE:
        message = f"cannot be for {kind}: a customer is on the line and is not preempted. Take it out."
        yield Fault(f"{place}.preemptible", message, (f"{place.rpartition('.')[0]}.kind",))
    if queue.preemptible and queue.preempts:
        yield Fault(f"{place}.preemptible", "contradicts preempts: keep one of the two.", (f"{place}.preempts",))


FILLED_IN = ("customer", "agent", "client", "case")


def _check_letter(place: str, letter: Mapping[str, str]) -> Iterator[Fault]:
    for part, text in letter.items():
        for name in re.findall(r"\{([^{}]*)\}", text):
            if name not in FILLED_IN:
                known = ", ".join(f"{{{one}}}" for one in FILLED_IN)
                yield Fault(f"{place}.{part}", f"nothing fills in {{{name}}}; there is {known}.")


def _twice(named: Sequence[tuple[str, str]]) -> Iterator[Fault]:
    first: dict[str, str] = {}
    for place, name in named:
        if name in first:
            yield Fault(place, f"{name} is there twice; the first is at {first[name]}.", (first[name],))
        first.setdefault(name, place)


def _check_queue(place: str, queue: contracts_terms.Queue) -> Iterator[Fault]:
    answer, resolve = queue.answer_within_seconds, queue.resolve_within_seconds
    for key, seconds in (("answer_within", answer), ("resolve_within", resolve)):
        if seconds == 0:
            yield Fault(f"{place}.{key}", "is no time at all: nobody could ever be that fast.")
    if answer and resolve and answer > resolve:
        message = "an item would be due resolved before it is due answered."
        yield Fault(f"{place}.resolve_within", message, (f"{place}.answer_within",))
    asked, waited = dict(queue.requires), -1
    for number, ring in enumerate(queue.relax):
        here = f"{place}.relax[{number}]"
        if ring.after_seconds <= waited:
            yield Fault(f"{here}.after", "must be later than the ring before it.", (f"{place}.relax",))
        for skill, level in ring.requires.items():
            if level >= asked.get(skill, 0):
                now = f"level {asked[skill]} is asked already" if skill in asked else "is not asked at all"
                message = f"a ring can only lower what is asked: {skill} {now}."
                yield Fault(f"{here}.{skill}", message, (f"{place}.requires",))
        asked, waited = asked | dict(ring.requires), ring.after_seconds


def _check_levels(contract: contracts_terms.Contract) -> Iterator[Fault]:
    levels = [(f"service_levels[{i}]", level) for i, level in enumerate(contract.service_levels)]
    yield from _twice([(f"{place}.name", level.name) for place, level in levels])
    for place, level in levels:
        yield from _check_of(contract, place, level.of)
        if level.threshold_seconds == 0:
            yield Fault(f"{place}.threshold", "is no time at all: nobody could ever be that fast.")
    for wrong in check_levels_and_credits(contract.service_levels, contract.credits, contract.terminations):
        yield Fault(*wrong)


def _check_hours(contract: contracts_terms.Contract) -> Iterator[Fault]:
    for number, level in enumerate(contract.service_levels):
        if level.hours and level.hours not in contract.calendars:
            message = f"there is no calendar {level.hours}; there is {', '.join(contract.calendars)}."
            yield Fault(f"service_levels[{number}].hours", message, ("calendars",))


def _check_forecasts(contract: contracts_terms.Contract) -> Iterator[Fault]:
    for number, forecast in enumerate(contract.forecasts):
        place = f"forecasts[{number}]"
        yield from _check_of(contract, place, forecast.of)
        if (forecast.month is None) == (not forecast.week):
            yield Fault(place, "needs either month or week.", (f"{place}.month", f"{place}.week"))
        for before, other in enumerate(contract.forecasts[:number]):
            if set(forecast.of) == set(other.of) and forecast.starts_on <= other.starts_on:
                here = f"forecasts[{before}].from"
                yield Fault(f"{place}.from", f"must be later than {here}, of the same queues.", (here,))
            elif set(forecast.of) != set(other.of) and (both := set(forecast.of) & set(other.of)):
                message = f"{min(both)} is in forecasts[{before}].of too, with other queues."
                yield Fault(f"{place}.of", message, (f"forecasts[{before}].of",))
    yield from _check_bands(contract)


def _check_bands(contract: contracts_terms.Contract) -> Iterator[Fault]:
    known = {queue for forecast in contract.forecasts for queue in forecast.of}
    banded = {queue for level in contract.service_levels if level.above_forecast is not None for queue in level.of}
    for number, level in enumerate(contract.service_levels):
        missing = [queue for queue in level.of if queue not in known]
        if level.above_forecast is not None and missing:
            message = f"there is no forecast of {', '.join(missing)}: write it under [[forecasts]]."
            yield Fault(f"service_levels[{number}].exclude", message, ("forecasts", f"service_levels[{number}].of"))
    for number, forecast in enumerate(contract.forecasts):
        if not banded.intersection(forecast.of):
            message = 'has no effect: no service level of its queues has exclude = ["volume-above-forecast(...)"].'
            yield Fault(f"forecasts[{number}]", message, ("service_levels",))


def _check_of(contract: contracts_terms.Contract, place: str, of: Sequence[str]) -> Iterator[Fault]:
    known = contract.queues()
    processes = enumerate(contract.processes)
    names = tuple(f"processes[{i}].queues[{j}].name" for i, one in processes for j in range(len(one.queues)))
    for index, name in enumerate(of):
        if name not in known:
            yield Fault(f"{place}.of[{index}]", f"there is no queue {name} in any process.", names)
    yield from _twice([(f"{place}.of[{index}]", name) for index, name in enumerate(of)])


# What an event cannot be without, and what says something of one event alone.
_NEEDED = {"word": "words", "customer": "customers", "at-risk": "before_seconds"}
_ALONE = {"words": "word", "customers": "customer", "before_seconds": "at-risk", "dispositions": "complaint"}


def _check_escalations(contract: contracts_terms.Contract) -> Iterator[Fault]:
    places = [(f"escalations[{i}]", one) for i, one in enumerate(contract.escalations)]
    yield from _twice([(f"{place}.title", one.title) for place, one in places])
    endings = {one for process in contract.processes for one in process.dispositions}
    for place, one in places:
        yield from _check_of(contract, place, one.of)
        yield from _check_event(place, one)
        yield from _check_mail(place, one)
        for number, disposition in enumerate(one.dispositions):
            if disposition not in endings:
                yield Fault(f"{place}.dispositions[{number}]", f"no process ends with {disposition}.", ("processes",))
        yield from _check_steps(place, one.steps)


def _check_event(place: str, one: contracts_terms.Escalation) -> Iterator[Fault]:
    needed = _NEEDED.get(one.event)
    if needed and not getattr(one, needed):
        yield Fault(f"{place}.{needed.removesuffix('_seconds')}", f"is missing: {one.event} needs it.", (place,))
    for term, event in _ALONE.items():
        if getattr(one, term) and one.event != event:
            message = f"has no effect: {one.event} does not look at it. Take it out."
            yield Fault(f"{place}.{term.removesuffix('_seconds')}", message, (f"{place}.event",))


def _check_mail(place: str, one: contracts_terms.Escalation) -> Iterator[Fault]:
    if one.mail == "never" and any(step.tell == "client" for step in one.steps):
        yield Fault(f"{place}.mail", "keeps it from the client, who is told by mail alone.", (f"{place}.steps",))


def _check_steps(place: str, steps: Sequence[contracts_terms.Step]) -> Iterator[Fault]:
    for number, step in enumerate(steps):
        here, is_last = f"{place}.steps[{number}]", number == len(steps) - 1
        if is_last and step.timeout_seconds is not None:
            yield Fault(f"{here}.timeout", "has no effect: nobody is told after the last step. Take it out.")
        if not is_last and not step.timeout_seconds:
            yield Fault(f"{here}.timeout", 'is missing: after which time is the next told? Such as "10 min".')
        if step.email and step.tell != "client":
            yield Fault(f"{here}.email", f"has no effect: {step.tell}s are told at their own addresses.")
        if step.email and not re.fullmatch(r"[^@\s]+@[^@\s]+", step.email):
            yield Fault(f"{here}.email", f"{step.email} is no mail address.")


def _check_prices(contract: contracts_terms.Contract) -> Iterator[Fault]:
    prices = [(f"prices[{i}]", price) for i, price in enumerate(contract.prices)]
    yield from _twice([(f"{place}.title", price.title) for place, price in prices])
    for place, price in prices:
        yield from _check_of(contract, place, price.of)
    known = {queue.name: process.dispositions for process in contract.processes for queue in process.queues}
    for wrong in check_pricing(contract.book, contract.prices, known):
        yield Fault(*wrong)
    if contract.credits and len(contract.taxes) > 1 and not contract.credits.tax:
        message = f"is missing: name the tax whose base credits lessen: {', '.join(contract.taxes)}."
        yield Fault("credits.tax", message, ("taxes",))
    elif contract.credits and contract.credits.tax and contract.credits.tax not in contract.taxes:
        message = f"there is no tax {contract.credits.tax}; there is {', '.join(contract.taxes) or 'none'}."
        yield Fault("credits.tax", message, ("taxes",))
