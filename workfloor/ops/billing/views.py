"""The pages of statements, of closing and disputes, and of invoices."""

from collections.abc import Callable
from datetime import date
from functools import wraps
from itertools import islice
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from workfloor.core.access import offering
from workfloor.core.clients import queries as clients_queries
from workfloor.core.clients.models import Client
from workfloor.core.people.middleware import Request
from workfloor.core.people.models import Person
from workfloor.core.people.pages import opened_by
from workfloor.core.periods import actions as periods
from workfloor.core.periods import queries as periods_queries
from workfloor.core.work import queries as work_queries
from workfloor.kit import declarations
from workfloor.kit.time import clock
from workfloor.ops.billing import actions as billing
from workfloor.ops.billing import gateway as billing_gateway
from workfloor.ops.billing import invoices, statements
from workfloor.ops.billing import presenting as billing_presenting
from workfloor.ops.billing import queries as billing_queries
from workfloor.ops.billing.models import Invoice
from workfloor.ops.billing.statements import NoStatement
from workfloor.ui import kept_words

ITEMS_A_PAGE = 100
CLAIMING = ("claims.claim_event", "claims.claim_delivery", "claims.refuse")
View = Callable[..., HttpResponse]


def _of_statements(view: View) -> View:
    """Show something of a statement; what cannot be stated is not found, with the reason."""

    @require_GET
    @opened_by("statements.read")
    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except (statements.NoStatement, statements.NoFigure) as reason:
            raise Http404(str(reason)) from reason

    return shown


def _client(slug: str) -> Client:
    found = clients_queries.by_slug(slug)
    if found is None:
        raise Http404(_("No such client."))
    return found


@_of_statements
def statement_list(request: HttpRequest) -> HttpResponse:
    """List the months in which each client's work arrived."""
    found = [{"client": client, "months": statements.months(client)} for client in clients_queries.clients()]
    return render(request, "billing/statements.html", {"found": found})


@_of_statements
def statement(request: Request, slug: str, period: str) -> HttpResponse:
    """Show a month; each figure leads to its items."""
    client = _client(slug)
    made = billing_presenting.stated(client, period, now=clock.now())
    shown = {
        "statement": kept_words.translated_within(made.printed, but=billing_presenting.NAMES),
        "link": request.path,
        "claims": billing_presenting.worded_claims(client, request.person, request.path),
        "claiming": offering.offers(request.person, *CLAIMING, back=request.path, client=slug),
    }
    return render(request, "billing/statement.html", shown)


@_of_statements
def statement_paper(request: HttpRequest, slug: str, period: str) -> HttpResponse:
    """Give a month as PDF."""
    with translation.override(None):  # a paper for the client is in English
        made = billing_presenting.stated(_client(slug), period, now=clock.now())
        paper = billing_gateway.statement_pdf(made.printed)
    name = f"statement-{slug}-{period}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(paper, content_type="application/pdf", headers=headers)


@_of_statements
def items(request: HttpRequest, slug: str, period: str, figure: str) -> HttpResponse:
    """List what a figure counts, a page at a time."""
    client = _client(slug)
    subject = statements.subject(client, period, figure, now=clock.now())
    page = _page(request)
    first = (page - 1) * ITEMS_A_PAGE
    found = list(islice(statements.items_behind(subject), first, first + ITEMS_A_PAGE + 1))
    rows = [billing_presenting.worded_counted(item, subject.zone) for item in found[:ITEMS_A_PAGE]]
    more = page + 1 if len(found) > ITEMS_A_PAGE else None
    shown = {"subject": subject, "rows": rows, "page": page, "more": more, "slug": slug, "period": period}
    shown |= {"client": client, "month": date.fromisoformat(f"{period}-01")}
    shown["nothing"] = billing_presenting.worded_nothing(subject)
    shown["how"] = billing_presenting.worded_how(subject.id, subject.how, period) if subject.how else None
    shown["definition"] = billing_presenting.definition(subject)
    return render(request, "billing/items.html", shown)


@_of_statements
def facts(request: HttpRequest, slug: str, period: str, figure: str, item: int) -> HttpResponse:
    """Show the facts of an item that a figure counts."""
    subject = statements.subject(_client(slug), period, figure, now=clock.now())
    if not statements.counts_item(subject, item):
        raise Http404(_("{figure} does not count {item}.").format(figure=subject.id, item=item))
    behind = statements.facts_behind(subject, item)
    # Of what was written the work tells by itself: a reply was sent, the customer answered.
    rows = work_queries.in_words([fact for fact in behind if not fact.event.startswith("message.")])
    shown = {"subject": subject, "rows": rows, "item": item, "slug": slug, "period": period}
    return render(request, "billing/facts.html", shown)


def _page(request: HttpRequest) -> int:
    text = request.GET.get("page", "")
    return max(int(text), 1) if text.isdecimal() and len(text) < 7 else 1


def _client_to_close(slug: str) -> Client:
    found = clients_queries.by_slug(slug)
    if found is None:
        raise Http404(_("No such client."))
    return found


@require_GET
@opened_by("periods.read")
def closing_clients(request: HttpRequest) -> HttpResponse:
    """List the clients, each with how far it is closed."""
    found = [{"client": each, **billing_presenting.summary(each)} for each in clients_queries.clients()]
    return render(request, "billing/closing/clients.html", {"found": found})


@require_GET
@opened_by("periods.read")
def months(request: Request, slug: str) -> HttpResponse:
    """Show a client's months, disputes and adjustments."""
    client = _client_to_close(slug)
    return render(
        request,
        "billing/closing/months.html",
        {"client": client, **billing_presenting.worded_months(client, request.person, request.path)},
    )


def _step(do: Callable[[Client, str, Person, HttpRequest], str]) -> View:
    """Make a handler of one step of closing: it leads back to the months and says there what came of it."""

    @require_POST
    @opened_by("periods.read")
    @wraps(do)
    def handler(request: Request, slug: str, period: str) -> HttpResponse:
        client = _client_to_close(slug)
        try:
            with transaction.atomic():
                messages.success(request, do(client, period, request.person, request))
        except (periods.Refused, NoStatement) as reason:
            messages.error(request, str(reason))
        return redirect("billing:months", slug)

    return handler


@_step
def propose(client: Client, period: str, by: Person, request: HttpRequest) -> str:
    """Have a month proposed by a worker."""
    billing.ask_for_step(client=client, period=period, step="propose", by=by, now=clock.now())
    return _("{period} is being worked on. Below it says how far it is; you may leave this page.").format(period=period)


@_step
def approve(client: Client, period: str, by: Person, request: HttpRequest) -> str:
    """Have a month closed by a worker, as it was proposed."""
    billing.ask_for_step(client=client, period=period, step="approve", by=by, now=clock.now())
    return _("{period} is being worked on. Below it says how far it is; you may leave this page.").format(period=period)


@_step
def reopen(client: Client, period: str, by: Person, request: HttpRequest) -> str:
    """Take a proposal back."""
    billing.reopen(client=client, period=period, reason=request.POST.get("reason", ""), by=by, now=clock.now())
    return _("{period} is open again.").format(period=period)


@require_http_methods(["GET", "POST"])
@opened_by("disputes.raise")
def dispute(request: Request, slug: str, period: str) -> HttpResponse:
    """Ask which figure of a month is wrong, and hold it to be; what was disputed already stands below."""
    client = _client_to_close(slug)
    close = periods_queries.close(client.id, period)
    if close is None:
        raise Http404(
            _("{period} is open: its figures still follow the facts. Dispute them once they are proposed.").format(
                period=period
            )
        )
    form = billing_presenting.DisputeForm(close, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            with transaction.atomic():
                made = billing.raise_dispute(
                    client=client, period=period, by=request.person, now=clock.now(), **form.cleaned_data
                )
        except periods.Refused as reason:
            form.add_error(None, str(reason))
        else:
            messages.success(request, _("Dispute {id} is raised. Somebody else decides it.").format(id=made.id))
            return redirect("billing:dispute", slug, period)
    shown = {"client": client, "period": period, "form": form, "disputes": billing_presenting.disputed(client, period)}
    return render(request, "billing/closing/dispute.html", shown)


def _known_invoice(slug: str, number: str) -> Invoice:
    client = clients_queries.by_slug(slug)
    found = billing_queries.named(client.id, number) if client else None
    if found is None:
        raise Http404(_("There is no invoice {number}.").format(number=number))
    return found


@require_GET
@opened_by("invoices.read")
def invoice_list(request: Request) -> HttpResponse:
    """List what was issued to each client."""
    found = [
        {
            "client": client,
            "rows": [invoices.worded_row(each) for each in billing_queries.invoices(client.id)],
            "offers": offering.offers(request.person, "billing.issue_invoice", back=request.path, client=client.slug),
        }
        for client in clients_queries.clients()
    ]
    return render(request, "billing/invoicing/invoices.html", {"found": found})


@require_GET
@opened_by("invoices.read")
def invoice(request: Request, slug: str, number: str) -> HttpResponse:
    """Show an invoice; its lines lead to the items that they count."""
    made = _known_invoice(slug, number)
    printed = invoices.printed(invoices.read(made.value))
    how = billing_presenting.worded_how_of_invoice(made.client_id, made.period)
    for row in [*printed["lines"], *printed["allowances"]]:
        row["address"] = _address(row["opens"])
        row["how"] = how.get(row.get("id") or row["opens"].rpartition("/")[2], {})
    printed["how"] = how.get("total", {})
    printed = kept_words.translated_within(printed, but=("opens", "address", "id"))
    shown = {"invoice": printed, "row": invoices.worded_row(made), "made": made, "slug": slug}
    if not billing_queries.is_credit(made) and not made.credited_by.exists():
        about = {"invoice": declarations.named(made)}
        shown["offers"] = offering.offers(request.person, "billing.credit_invoice", back=request.path, **about)
    return render(request, "billing/invoicing/invoice.html", shown)


def _address(opens: str) -> str:
    client, _, rest = opens.partition("/")
    period, _, figure = rest.partition("/")
    return reverse("billing:items", args=[client, period, figure]) if figure else ""


@require_GET
@opened_by("invoices.read")
def invoice_paper(request: HttpRequest, slug: str, number: str) -> HttpResponse:
    """Give an invoice as PDF."""
    made = _known_invoice(slug, number)
    written = billing_gateway.invoice_pdf(billing_presenting.paper_of_invoice(made))
    return _given(written, "application/pdf", f"{made.name}.pdf")


@require_GET
@opened_by("invoices.read")
def facturx(request: HttpRequest, slug: str, number: str) -> HttpResponse:
    """Give an invoice as PDF with its document for systems inside."""
    made = _electronic(slug, number)
    written = billing_gateway.invoice_pdf(billing_presenting.paper_of_invoice(made), made.cii.encode())
    return _given(written, "application/pdf", f"{made.name}-factur-x.pdf")


@require_GET
@opened_by("invoices.read")
def ubl(request: HttpRequest, slug: str, number: str) -> HttpResponse:
    """Give an invoice as UBL."""
    made = _electronic(slug, number)
    return _given(made.ubl.encode(), "application/xml", f"{made.name}-ubl.xml")


@require_GET
@opened_by("invoices.read")
def cii(request: HttpRequest, slug: str, number: str) -> HttpResponse:
    """Give an invoice as CII."""
    made = _electronic(slug, number)
    return _given(made.cii.encode(), "application/xml", f"{made.name}-cii.xml")


def _electronic(slug: str, number: str) -> Invoice:
    made = _known_invoice(slug, number)
    if not made.ubl:
        raise Http404(_("{name} was issued on paper alone.").format(name=made.name))
    return made


def _given(written: bytes, kind: str, name: str) -> HttpResponse:
    return HttpResponse(written, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
