"""Closing months, deciding disputes, and issuing invoices: each proposed by one person and approved by another."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, TypedDict, Unpack

from django.db.models import F
from django.utils.translation import gettext as _

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.core.access.declaring import action
from workfloor.core.clients.models import Client
from workfloor.core.contracts.terms import Billing
from workfloor.core.event_log import actions as event_log
from workfloor.core.people.models import Person
from workfloor.core.periods import actions as periods
from workfloor.core.periods import months as period_months
from workfloor.core.periods import queries as periods_queries
from workfloor.core.periods.actions import Refused
from workfloor.core.periods.models import Adjustment, Close, Dispute
from workfloor.kit import extras
from workfloor.kit.database import jobs, locks
from workfloor.kit.declarations import field
from workfloor.kit.time import calendars
from workfloor.kit.web import live as web_live
from workfloor.ops.billing import closing, einvoice, invoices, invoicing
from workfloor.ops.billing import events as billing_events
from workfloor.ops.billing import gateway as billing_gateway
from workfloor.ops.billing import models as billing_models
from workfloor.ops.billing import queries as billing_queries
from workfloor.ops.billing.closing import Progress

LONGEST_WORDS = 2000


class NotYet(Refused):
    """The month cannot be closed yet; `reasons` says why, each with what to do."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = list(reasons)


# --- Steps of closing, done by a worker -------------------------------------------------------------------------
TAKE_STEP = "billing.take_closing_step"
TRIES = 5  # that end without a word, before a step counts as failed


def ask_for_step(*, client: Client, period: str, step: str, by: Person, now: datetime) -> billing_models.ClosingStep:
    """Let a worker propose or approve (`step`) a month. Where a step of the month goes on, it is that which goes on.

    No fact says so, for nothing has happened to the month yet. Raises Refused where the person may not.
    """
    close = periods_queries.close(client.id, period) if step == "approve" else None
    already = [close.proposed_by_id] if close else []
    permissions.admit(by, f"periods.{step}", client_id=client.id, already=already)
    try:
        calendars.period_bounds(period, "UTC")
    except ValueError as fault:
        raise Refused(str(fault)) from None
    asked, is_new = billing_models.ClosingStep.objects.select_for_update().get_or_create(
        client=client, period=period, defaults={"step": step, "asked_by": by, "asked_at": now}
    )
    if asked.error:
        asked.step, asked.asked_by, asked.asked_at, asked.error, asked.tries, asked.percent = step, by, now, "", 0, 0
        asked.save()
    elif not is_new:
        return asked
    ask_to_take(asked.id)
    _name(client.id)
    return asked


def ask_to_take(step_id: int) -> None:
    """Let a worker take a step of closing; nothing where one waits already that was asked for."""
    jobs.ask_for(TAKE_STEP, once=f"{TAKE_STEP}/{step_id}", step_id=step_id)


def begin_step(*, step: billing_models.ClosingStep) -> bool:
    """Note that somebody tries; False, and a step that has failed, where too many have and none came to an end."""
    if step.tries >= TRIES:
        fail_step(
            step=step,
            error=_("It was begun {tries} times and never ended. The worker's log says more.").format(tries=step.tries),
        )
        return False
    billing_models.ClosingStep.objects.filter(id=step.id).update(tries=F("tries") + 1, percent=0)
    return True


def take_step(*, step: billing_models.ClosingStep, now: datetime, progress: Progress = closing.unseen) -> Close:
    """Do what was asked for; what keeps it from being done is raised as `propose` and `approve` raise it."""
    if step.step == "propose":
        return propose(client=step.client, period=step.period, by=step.asked_by, now=now, progress=progress)
    return approve(client=step.client, period=step.period, by=step.asked_by, now=now)


def tell_progress(*, step: billing_models.ClosingStep, percent: int) -> None:
    """Say on open pages how far a step is."""
    billing_models.ClosingStep.objects.filter(id=step.id).update(percent=percent)
    _name(step.client_id)


def fail_step(*, step: billing_models.ClosingStep, error: str) -> None:
    """Keep why a step was not done, until somebody asks for one again."""
    billing_models.ClosingStep.objects.filter(id=step.id).update(error=error)
    _name(step.client_id)


def _done(client: Client, period: str) -> None:
    """Forget what was asked for or had failed: the month is somewhere else."""
    billing_models.ClosingStep.objects.filter(client=client, period=period).delete()
    _name(client.id)


def _name(client_id: int) -> None:
    web_live.publish({f"closing:{client_id}"})


# --- Months -----------------------------------------------------------------------------------------------------
Month = Annotated[str, field("Month", "Such as 1999-02.", most=7)]


@action(
    "Propose to close a month",
    permission="periods.propose",
    command="billing period propose",
    says="{period} of {client.slug} is proposed: somebody else approves it.",
    example="workfloor billing period propose first-bank 1999-02",
    ask=partial(ask_for_step, step="propose"),
)
def propose(*, client: Client, period: Month, by: Person, now: datetime, progress: Progress = closing.unseen) -> Close:
    """Propose to close a month with the figures that it has now.

    What late facts have changed in earlier months comes into this one first. Refused, with everything that is in the
    way, while the month is not over, items of it are unfinished, state and facts differ, or a month before it is open.
    Its facts are replayed, which takes its time: the command does that itself, pages and calls let a worker do it.
    """
    _refuse_unless_open(client, period)
    # Replaying a month's facts takes its time: others may close, correct and dispute meanwhile.
    if found := closing.hindrances(client, period, now=now, progress=closing.part(progress, 0, 60)):
        raise NotYet(found)
    periods.hold(client)
    _refuse_unless_open(client, period)
    _restated(client, by, now, closing.part(progress, 60, 75))
    statement = closing.frozen(client, period, now=now, progress=closing.part(progress, 75, 100))
    close = periods.propose(client=client, period=period, statement=statement, by=by, now=now)
    _done(client, period)
    return close


def _refuse_unless_open(client: Client, period: str) -> None:
    if (state := periods_queries.state(client.id, period)) != "open":
        raise Refused(
            _("{period} is {state} already. See: workfloor billing period list {client}").format(
                period=period, state=_(state), client=client.slug
            )
        )


@action(
    "Approve a month",
    permission="periods.approve",
    command="billing period approve",
    says="{period} of {client.slug} is closed. Its statement stays as it is.",
    example="workfloor billing period approve first-bank 1999-02",
    ask=partial(ask_for_step, step="approve"),
)
def approve(*, client: Client, period: Month, by: Person, now: datetime) -> Close:
    """Close a month as it was proposed; somebody other than who proposed it does.

    Its figures are computed once more, and it is refused where they have moved.
    """
    periods.hold(client)
    close = periods_queries.close(client.id, period)
    if close and close.state == "provisional":
        if found := _undecided(client, period):
            raise NotYet(found)
        if closing.has_moved(close, now=now):
            again = f"workfloor billing period reopen {client.slug} {period} --reason 'figures have changed'"
            raise Refused(
                _("The figures of {period} have changed since they were proposed. Propose it anew: {again}").format(
                    period=period, again=again
                )
            )
    approved = periods.approve(client=client, period=period, by=by, now=now)
    _done(client, period)
    return approved


@action(
    "Reopen a month",
    permission="periods.propose",
    command="billing period reopen",
    says="{period} of {client.slug} is open again.",
    example="workfloor billing period reopen first-bank 1999-02 --reason 'two calls were missing'",
)
def reopen(
    *,
    client: Client,
    period: Month,
    reason: Annotated[str, field("Reason", "Kept with the fact.", most=LONGEST_WORDS, as_option=True)],
    by: Person,
    now: datetime,
) -> None:
    """Take a proposal back. A month that is closed stays closed: dispute a figure instead."""
    periods.reopen(client=client, period=period, reason=_said(reason), by=by, now=now)
    _done(client, period)


@action(
    "Restate closed months",
    permission="periods.propose",
    command="billing period restate",
    says="Late facts have changed in closed months of {client.slug}: {result}.",
    example="workfloor billing period restate first-bank",
)
def restate(*, client: Client, by: Person, now: datetime, progress: Progress = closing.unseen) -> list[Adjustment]:
    """Bring what late facts have changed in closed months into the next open statement.

    Proposing a month does this by itself; until then the lines are not on anybody's statement.
    """
    periods.hold(client)
    return _restated(client, by, now, progress)


def _restated(client: Client, by: Person, now: datetime, progress: Progress) -> list[Adjustment]:
    shut = [period for period, state in periods_queries.states(client.id).items() if state in period_months.SHUT]
    made = []
    for number, period in enumerate(shut, 1):
        made += [
            periods.adjust(
                client=client, period=period, correction=each, because=period_months.LATE_FACTS, by=by, now=now
            )
            for each in closing.late(client, period, now=now)
        ]
        progress(number, len(shut))
    return made


# --- Disputes ---------------------------------------------------------------------------------------------------
Number = Annotated[Dispute, field("Dispute", "Its number.")]
Why = Annotated[str, field("Why", "Kept with the decision.", most=LONGEST_WORDS, as_option=True, flag="reason")]


@action(
    "Dispute a figure",
    permission="disputes.raise",
    command="billing dispute raise",
    says="Dispute {made} of {period} {figure} is raised. Somebody else decides it.",
    example="workfloor billing dispute raise first-bank 1999-02 l1 --reason 'two calls were tests'",
)
def raise_dispute(
    *,
    client: Client,
    period: Month,
    figure: Annotated[str, field("Figure", "Its id on the statement: m1, l2, c1, a1, total ...")],
    words: Annotated[str, field("Why", "What is held to be wrong.", most=LONGEST_WORDS, as_option=True, flag="reason")],
    by: Person,
    now: datetime,
) -> Dispute:
    """Hold a figure of a proposed or closed month to be wrong: one of the client's people, or somebody for it."""
    close = periods_queries.close(client.id, period)
    if close is None:
        raise Refused(
            _("{period} is open: its figures still follow the facts. Dispute them once they are proposed.").format(
                period=period
            )
        )
    if figure not in (names := closing.figures(close)):
        listed = ", ".join(name for name in names if "/" not in name)
        raise Refused(
            _("The statement of {period} has no figure {figure!r}. It has: {listed}; and such as m1/QUEUE.").format(
                period=period, figure=figure, listed=listed
            )
        )
    return periods.raise_dispute(client=client, period=period, figure=figure, words=_said(words), by=by, now=now)


@action(
    "Uphold a dispute",
    permission="disputes.decide",
    command="billing dispute uphold",
    says="The dispute is upheld. Into the next open statement comes {result}.",
    example="workfloor billing dispute uphold 1 --figure 26600 --reason 'recounted'",
)
def uphold(
    *,
    dispute: Number,
    words: Why,
    by: Person,
    now: datetime,
    amount: Annotated[
        str | None,
        field("Amount", "What to correct by, in the contract's currency; negative is in the client's favour.", most=40),
    ] = None,
    figure: Annotated[
        Decimal | None,
        field(
            "Figure as it should be",
            "What a line should have counted, in its unit, or what a level attained, in percent or seconds; "
            "the amount follows from the contract.",
        ),
    ] = None,
) -> list[Adjustment]:
    """Say that the client is right: by an amount, or by the figure as it should be.

    What that comes to goes into a line of the next open statement. Somebody other than who raised it decides.
    """
    _may_decide(dispute, by)
    if (amount is None) == (figure is None):
        raise Refused(_("Say what is right: either the amount to correct by, or the figure as it should be."))
    if periods_queries.frozen(dispute.client_id, dispute.period) is None:
        raise Refused(
            _("{period} is only proposed. Reopen it and put it right in it, or reject the dispute and approve.").format(
                period=dispute.period
            )
        )
    found = _corrections(dispute, amount, figure, now)
    periods.uphold(dispute=dispute, words=_said(words), by=by, now=now)
    return [
        periods.adjust(
            client=dispute.client,
            period=dispute.period,
            correction=each,
            because=period_months.DISPUTE,
            by=by,
            now=now,
            dispute=dispute,
        )
        for each in found
    ]


def _corrections(
    dispute: Dispute, amount: str | None, figure: Decimal | None, now: datetime
) -> Sequence[period_months.Correction]:
    if amount is not None:
        return [closing.correction(dispute, amount, now=now)]
    found = closing.supposed(dispute, figure or Decimal(0), now=now)
    if not found:
        raise Refused(
            _("With {figure} instead, nothing on the invoice of {period} changes. Reject it, saying so.").format(
                figure=figure, period=dispute.period
            )
        )
    return found


@action(
    "Reject a dispute",
    permission="disputes.decide",
    command="billing dispute reject",
    says="Dispute {made} is rejected.",
    example="workfloor billing dispute reject 2 --reason 'the log shows it'",
)
def reject(*, dispute: Number, words: Why, by: Person, now: datetime) -> Dispute:
    """Say that the figure is right. Somebody other than who raised it decides."""
    _may_decide(dispute, by)
    return periods.reject(dispute=dispute, words=_said(words), by=by, now=now)


def _may_decide(dispute: Dispute, by: Person) -> None:
    permissions.admit(by, "disputes.decide", client_id=dispute.client_id, already=[dispute.raised_by_id])


def _undecided(client: Client, period: str) -> list[str]:
    return [
        _("Dispute {id} of {figure} is undecided: workfloor billing dispute reject {id}, or reopen it").format(
            id=each.id, figure=each.figure
        )
        for each in periods_queries.disputes(client.id, period, (period_months.RAISED,))
    ]


def _said(words: str) -> str:
    words = words.strip()
    if not words or len(words) > LONGEST_WORDS:
        raise Refused(_("Say in words why, in at most {most:,} letters.").format(most=LONGEST_WORDS))
    return words


class Terms(TypedDict, total=False):
    """What invoices say of a legal entity."""

    name: Annotated[str | None, field("Name", "In law.")]
    street: Annotated[str | None, field("Street", "And number.")]
    city: Annotated[str | None, field("City")]
    postcode: Annotated[str | None, field("Postal code")]
    region: Annotated[str | None, field("State or province")]
    country: Annotated[str | None, field("Country", "Two letters of ISO 3166-1.", most=2)]
    vat_id: Annotated[str | None, field("VAT number", "With its country in front: PT501964843.")]
    legal_id: Annotated[str | None, field("Registration number", "In the register of companies.")]
    endpoint: Annotated[str | None, field("Electronic address", "SCHEME:ADDRESS of the EAS list.")]
    contact: Annotated[str | None, field("Contact", "Whom the client asks about an invoice.")]
    email: Annotated[str | None, field("Mail address", "Of the contact.")]
    phone: Annotated[str | None, field("Telephone", "Of the contact.")]
    account: Annotated[str | None, field("Bank account", "IBAN, or the account number where there is none.")]
    bic: Annotated[str | None, field("BIC", "Of the bank.")]


class InvoiceRefused(Refused):
    """It cannot be issued like this; `reasons` says why, each with what to do."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = list(reasons)


# --- Legal entities ---------------------------------------------------------------------------------------------
@action(
    "Add a legal entity",
    permission="legal-entities.change",
    command="billing legal-entity add",
    says="{name} is on file as {slug}.",
    example="workfloor billing legal-entity add lisbon --name 'Sample Lda' --street 'Rua Nova 1' --city Lisboa "
    "--postcode 1100-060 --country PT --vat-id PT501964843 --bic BCOMPTPL",
)
def register_entity(
    *,
    slug: Annotated[str, field("Short name", "By which contracts name it.", most=50)],
    by: Actor,
    now: datetime,
    **terms: Unpack[Terms],
) -> billing_models.LegalEntity:
    """Put a legal entity on file, as invoices name it: at least its name, street, city, postal code and country."""
    if billing_queries.entity(slug):
        raise InvoiceRefused(
            _("{slug} is on file already. Change it: workfloor billing legal-entity change {slug}").format(slug=slug)
        )
    entity = billing_models.LegalEntity(slug=slug, **_given(terms))
    _check(entity)
    entity.save()
    registered = billing_events.LegalEntityRegistered(
        slug, {name: each for name, each in _given(terms).items() if each}
    )
    event_log.record(registered, at=now, by=by)
    return entity


@action(
    "Change a legal entity",
    permission="legal-entities.change",
    command="billing legal-entity change",
    says="{legal_entity} is changed.",
    example="workfloor billing legal-entity change lisbon --street 'Rua Nova 2' --postcode 1100-100",
)
def change_entity(
    *,
    legal_entity: billing_models.LegalEntity,
    by: Actor,
    now: datetime,
    **terms: Unpack[Terms],
) -> billing_models.LegalEntity:
    """Change what invoices say of a legal entity from now on; what is not given stays, and so do issued invoices."""
    given = _given(terms)
    changed = [name for name, value in given.items() if getattr(legal_entity, name) != value]
    before = {name: getattr(legal_entity, name) for name in changed}
    for name in changed:
        setattr(legal_entity, name, given[name])
    _check(legal_entity)
    if changed:
        legal_entity.save(update_fields=changed)
        after = {name: given[name] for name in changed}
        event_log.record(billing_events.LegalEntityChanged(legal_entity.slug, changed, before, after), at=now, by=by)
    return legal_entity


def _given(terms: Terms) -> dict[str, str]:
    return {name: str(value) for name, value in terms.items() if value is not None}


def _check(entity: billing_models.LegalEntity) -> None:
    faults = [
        _("{name} is missing.").format(name=_(name))
        for name in ("name", "street", "city", "postcode", "country")
        if not getattr(entity, name)
    ]
    if entity.country and entity.country not in calendars.countries():
        faults.append(_("{country} is no country of ISO 3166.").format(country=entity.country))
    if entity.endpoint and ":" not in entity.endpoint:
        faults.append(_("The endpoint is written SCHEME:ADDRESS, such as 0088:5790000436057."))
    if einvoice.is_iban(entity.account) and not einvoice.iban_checks(entity.account):
        faults.append(
            _("{account} is no IBAN: its check digits, or its length for that country, do not fit.").format(
                account=entity.account
            )
        )
    if faults:
        raise InvoiceRefused(*faults)


# --- Invoices ---------------------------------------------------------------------------------------------------
@action(
    "Issue an invoice",
    permission="invoices.issue",
    command="billing invoice issue",
    says="Invoice {result} of {period} is issued.",
    example="workfloor billing invoice issue first-bank 1999-02",
)
def issue_invoice(
    *,
    client: Client,
    period: Month,
    by: Person,
    now: datetime,
    number_range: Annotated[
        str | None, field("Number range", "That it is numbered from; its year unless given.")
    ] = None,
) -> billing_models.Invoice:
    """Issue the invoice of a closed month, under the next number of its range.

    Refused with everything that is missing, or with the id of each rule of EN 16931 that the document breaks.
    """
    # The number is taken in the caller's transaction, last of all and from a range that is locked until it ends: one
    # that rolls back takes none.
    locks.hold("invoices", client.slug)  # nobody else invoices the month meanwhile
    month, billing, entity = _ready(client, period)
    today = _today(month, now)
    series = number_range or invoicing.series_of(einvoice.INVOICE, today)
    corrected = {each["period"] for each in month.plain["adjustments"]}
    made = invoicing.invoice(
        month,
        billing,
        billing_queries.party(entity),
        billing_queries.account(entity),
        number=_next(entity, series),
        issued_on=today,
        references=billing_queries.corrected(client.id, corrected),
    )
    if made.totals.gross != Decimal(month.plain["total"]):
        raise AssertionError(f"The invoice comes to {made.totals.gross}, the statement to {month.plain['total']}.")
    stored = _stored(client, entity, series, made, period, billing.electronic, by, now)
    gross, currency = made.totals.gross, made.currency
    issued = billing_events.InvoiceIssued(entity.slug, stored.name, period, gross, currency)
    event_log.record(issued, at=now, client_id=client.id, by=by)
    return stored


def _ready(client: Client, period: str) -> tuple[invoicing.Month, Billing, billing_models.LegalEntity]:
    month = billing_queries.month(client, period)
    if month is None:
        raise InvoiceRefused(
            _(
                "{period} is not closed: only what is frozen is invoiced. Close it: workfloor billing period "
                "propose {client} {period}"
            ).format(period=period, client=client.slug)
        )
    if known := billing_queries.standing(client.id, period):
        again = f"workfloor billing invoice credit {known.name}"
        raise InvoiceRefused(
            _("{period} is invoiced already, as {invoice}. To invoice it anew, take that back: {again}").format(
                period=period, invoice=known.name, again=again
            )
        )
    billing = billing_queries.billing(client)
    entities = {each.slug: each for each in billing_queries.entities()}
    if found := invoicing.missing(month, billing, list(entities)):
        raise InvoiceRefused(*found)
    assert billing is not None
    return month, billing, entities[billing.entity or next(iter(entities))]


Issued = Annotated[
    billing_models.Invoice, field("Invoice", "Its number; where two legal entities have it, as lisbon/1999-00001.")
]


@action(
    "Take an invoice back",
    permission="invoices.issue",
    command="billing invoice credit",
    says="Credit note {result} takes invoice {invoice} back.",
    confirm="A credit note cannot be taken back. Go on?",
    example="workfloor billing invoice credit 1999-00001 --reason 'wrong address'",
)
def credit_invoice(
    *,
    invoice: Issued,
    words: Annotated[str, field("Why", "The credit note says so.", most=LONGEST_WORDS, as_option=True, flag="reason")],
    by: Person,
    now: datetime,
) -> billing_models.Invoice:
    """Take a whole invoice back by a credit note that refers to it; the month can be invoiced anew after that."""
    if billing_queries.is_credit(invoice):
        raise InvoiceRefused(
            _("{invoice} is a credit note; what it took back is invoiced anew instead.").format(invoice=invoice.name)
        )
    locks.hold("invoices", invoice.client.slug)
    if not words.strip():
        raise InvoiceRefused(_("Say in words why the invoice is taken back."))
    of = invoices.read(invoice.value)
    month = billing_queries.month(invoice.client, invoice.period)
    assert month is not None  # what is closed stays closed
    today = _today(month, now)
    series = invoicing.series_of(einvoice.CREDIT_NOTE, today)
    if invoice.credited_by.exists():
        raise InvoiceRefused(
            _("{invoice} was taken back already, by {credit_note}.").format(
                invoice=invoice.name, credit_note=invoice.credited_by.get().name
            )
        )
    note = einvoice.credit_note(of, number=_next(invoice.entity, series), issued_on=today, why=words.strip())
    stored = _stored(
        invoice.client, invoice.entity, series, note, invoice.period, bool(invoice.ubl), by, now, credits=invoice
    )
    credited = billing_events.InvoiceCredited(invoice.entity.slug, invoice.name, stored.name, words.strip())
    event_log.record(credited, at=now, client_id=invoice.client_id, by=by)
    return stored


def _next(entity: billing_models.LegalEntity, series: str) -> str:
    """The number that would be taken now; somebody else may be quicker."""
    return invoicing.numbered(series, billing_queries.last_number(entity, series) + 1)


def _taken(entity: billing_models.LegalEntity, series: str) -> billing_models.NumberRange:
    """Take the series' next number; whoever else wants one waits until this transaction ends."""
    billing_models.NumberRange.objects.get_or_create(entity=entity, name=series)
    row = billing_models.NumberRange.objects.select_for_update().get(entity=entity, name=series)
    row.last += 1
    row.save(update_fields=["last"])
    return row


def _stored(
    client: Client,
    entity: billing_models.LegalEntity,
    series: str,
    made: einvoice.Invoice,
    period: str,
    electronic: bool,
    by: Person,
    now: datetime,
    credits: billing_models.Invoice | None = None,
) -> billing_models.Invoice:
    """Check a document, which takes its time, and only then take its number, for which everybody else waits.

    Where somebody was quicker it is written anew under the next one. No rule asks more of a number than to be there.
    """
    if electronic:
        _check_document(made)
    row = _taken(entity, series)
    made = replace(made, number=invoicing.numbered(row.name, row.last))
    documents = {name: write(made).decode() if electronic else "" for name, write in einvoice.FORMS.items()}
    return billing_models.Invoice.objects.create(
        client=client,
        entity=entity,
        series=row.name,
        number=row.last,
        name=made.number,
        kind=made.kind,
        period=period,
        credits=credits,
        value=invoices.kept(made),
        currency=made.currency,
        gross=made.totals.gross,
        issued_on=made.issued_on,
        issued_at=now,
        issued_by=by,
        **documents,
    )


def _check_document(made: einvoice.Invoice) -> None:
    """Hold an invoice against the rules of each syntax; raises Refused with each that it breaks, once."""
    paper = _("If the client takes paper alone, say electronic = false under [billing].")
    try:
        found = [each for name, write in einvoice.FORMS.items() for each in billing_gateway.refusals(name, write(made))]
    except extras.Missing as fault:
        raise InvoiceRefused(_("{fault}.").format(fault=fault), paper) from fault
    if found:
        raise InvoiceRefused(*_unique([str(each) for each in found]), paper)


def _unique(reasons: Sequence[str]) -> list[str]:
    return list({each.partition(":")[0]: each for each in reversed(reasons)}.values())[::-1]


def _today(month: invoicing.Month, now: datetime) -> date:
    return calendars.day_of(now, month.basis["zone"])
