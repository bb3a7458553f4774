"""Clients are walls on every page and every call: another client's numbers, names and keys lead nowhere.

Pages come from the addresses, calls from the API's own description, so new ones are tested without being named here.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils.http import int_to_base36

from tests.house import two_clients
from tests.house.two_clients import SECRET, Side
from workfloor.kit.database import rls
from workfloor.urls import api

# What stands in an address: its value for a side, or the same for both where it names nothing of a client's.
BY_SIDE = {
    "slug": lambda side: side.client.slug,
    "item_id": lambda side: side.held.id,
    "item": lambda side: side.waiting.id,
    "key": lambda side: side.held.key,
    "number": lambda side: side.client.slug,  # two_clients.invoiced names it so
    "widget_key": lambda side: side.widget.key,
    "attachment_id": lambda side: side.file.id,
    "arrival_id": lambda side: side.arrival.id,
    "message_id": lambda side: side.reply.id,
    "team_message_id": lambda side: side.whispered.id,
    "case_id": lambda side: side.held.case_id,
    "customer_id": lambda side: side.held.case.customer_id,
    "invoice_id": lambda side: side.invoice.id,
    "article_id": lambda side: side.article.id,
    "queue_id": lambda side: side.waiting.queue_id,
    "person_id": lambda side: side.staff["agent"].id,
    "escalation_id": lambda side: side.escalation.id,
    "endpoint_id": lambda side: side.endpoint.id,
    "delivery_id": lambda side: side.delivery.id,
    "uidb36": lambda side: int_to_base36(side.own.account_id),
}
NEUTRAL = {
    "name": ["people.clear"],
    "period": ["2026-03"],
    "figure": ["received", "m1", "m1/calls", "Calls answered"],
    "form": ["pdf"],
    "rest": ["done/"],
}

# Open to people who have not signed in: the ways in, and what describes the API without telling of anyone.
PUBLIC = ("accounts/", "api/docs", "api/openapi.json", "api/", "chat/widget.js", "chat/of/", "chat/my/")
# Open to whoever names a widget by its key, which stands on a public page; the origins decide about browsers.
BY_PUBLIC_KEY = ("accounts/", "chat/of/")


@dataclass(frozen=True)
class Page:
    """One address of the product."""

    route: str
    name: str
    parameters: tuple[str, ...] = field(default=())
    view: Any = None

    def values(self, *sides: Side) -> Iterator[dict[str, Any]]:
        """Every way to fill the address in from these sides' things."""
        choices = [NEUTRAL.get(name) or [BY_SIDE[name](side) for side in sides] for name in self.parameters]
        for chosen in itertools.product(*choices):
            yield dict(zip(self.parameters, chosen, strict=True))

    def addresses(self, *sides: Side) -> list[str]:
        return [reverse(self.name, kwargs=values) for values in self.values(*sides)]


def pages(found: list[Any], route: str = "", spaces: str = "", passed: tuple[str, ...] = ()) -> Iterator[Page]:
    for each in found:
        here, names = route + str(each.pattern), (*passed, *each.pattern.converters, *each.pattern.regex.groupindex)
        names = tuple(dict.fromkeys(names))
        if isinstance(each, URLResolver):
            deeper = f"{spaces}{each.namespace}:" if each.namespace else spaces
            yield from pages(each.url_patterns, here, deeper, names)
        else:
            assert isinstance(each, URLPattern)
            assert each.name, f"{here} needs a name"
            yield Page(here, spaces + each.name, names, each.callback)


PAGES = list(pages(get_resolver().url_patterns))
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.route or "/")
CALLS = [
    (method, path)
    for path, methods in api.get_openapi_schema(path_prefix="/api/")["paths"].items()
    for method in methods
]
each_call = pytest.mark.parametrize(("method", "path"), CALLS)


def outsiders(north: Side) -> dict[str, Browser]:
    """Everybody who may see the north and not the south, signed in."""
    people = north.staff | {"client": north.own}
    return {role: signed_in(person.account) for role, person in people.items()}


def signed_in(account) -> Browser:
    browser = Browser(raise_request_exception=False)
    browser.force_login(account)
    return browser


def pointing_at(side: Side) -> dict[str, Any]:
    """What a form or a query could carry to name a side's things: numbers, which no page would repeat by itself."""
    items = [side.held.id, side.waiting.id]
    return {
        "client": side.client.id,
        "client_id": side.client.id,
        "queue": side.waiting.queue_id,
        "queue_id": side.waiting.queue_id,
        "item": items,
        "item_id": items,
        "case": side.held.case_id,
        "person": side.staff["agent"].id,
        "note": "help",
        "reason": "break",
        "disposition": "answered",
        "period": "2026-03",
        "topic": [f"client:{side.client.id}", *(f"item:{item}" for item in items), f"person:{side.own.id}"],
    }


def text_of(response) -> str:
    whole = b"".join(response.streaming_content) if response.streaming else response.content
    return (whole + str(response.headers).encode()).decode(errors="replace").lower()


def rows_of(client_id: int) -> dict[str, list[Any]]:
    """All that the database holds of a client, to be compared with later."""
    rls.enter_every_client()
    found = {}
    with connection.cursor() as cursor:
        for name, column in two_clients.walled_tables().items():
            cursor.execute(f'SELECT to_jsonb(t)::text FROM "{name}" t WHERE {column} = %s ORDER BY 1', [client_id])
            found[name] = cursor.fetchall()
    return found


# --- pages ------------------------------------------------------------------------------------------------------------


def test_every_address_can_be_filled_in():
    unknown = {name for page in PAGES for name in page.parameters} - BY_SIDE.keys() - NEUTRAL.keys()

    assert not unknown, f"say in BY_SIDE or NEUTRAL what stands for {', '.join(sorted(unknown))}"


@each_page
def test_a_page_shows_and_changes_nothing_of_another_client(page, sides):
    north, south = sides
    names_a_side = not BY_SIDE.keys().isdisjoint(page.parameters)
    of_north, before = set(page.addresses(north)), rows_of(south.client.id)

    for role, browser in outsiders(north).items():
        for address in page.addresses(north, south):
            for method in ("get", "post"):
                answer = getattr(browser, method)(address, pointing_at(south))
                told = f"{role} {method} {address}: {answer.status_code}"
                assert answer.status_code < 500, told
                if names_a_side and address not in of_north and not page.route.startswith(BY_PUBLIC_KEY):
                    assert answer.status_code in {401, 403, 404, 405}, told
                if not page.route.startswith("chat/of/"):
                    assert SECRET not in text_of(answer).replace(address.lower(), ""), told
    assert rows_of(south.client.id) == before


@pytest.mark.parametrize(
    "page", [page for page in PAGES if not page.route.startswith(PUBLIC)], ids=lambda page: page.route or "/"
)
def test_without_signing_in_a_page_leads_to_the_sign_in(page, sides):
    north, _ = sides

    for address in page.addresses(north):
        for method in ("get", "post"):
            answer = getattr(Browser(), method)(address, pointing_at(north))
            assert answer.status_code in {302, 405}, (method, address, answer.status_code)
            assert answer.status_code == 405 or answer["Location"].startswith(reverse("account_login"))


def test_to_those_who_may_enter_the_pages_are_there(sides):
    """What the tests above find missing is there for the south's own people: they look at real addresses."""
    _, south = sides
    leader, agent = signed_in(south.staff["leader"].account), signed_in(south.staff["agent"].account)
    statement = {"slug": south.client.slug, "period": "2026-03"}

    assert SECRET in text_of(leader.get(reverse("leader:floor")))
    assert SECRET in text_of(leader.get(reverse("billing:statement", kwargs=statement)))
    assert SECRET in text_of(agent.get(reverse("agent:desk")))
    assert agent.post(reverse("agent:hold", kwargs={"item_id": south.held.id}))["Location"] == reverse("agent:desk")


def test_the_live_stream_names_nothing_of_another_client(sides):
    north, south = sides
    mine, theirs = f"client:{north.client.id}", f"client:{south.client.id}"

    for browser in outsiders(north).values():
        assert browser.get(reverse("live"), {"topic": [mine, theirs]}).status_code == 403


# --- the API ----------------------------------------------------------------------------------------------------------


def call(method: str, path: str, side: Side, token: str | None) -> Any:
    """A call that names a side's things, with whichever token."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    known = {name: values[0] for name, values in NEUTRAL.items()} | {name: of(side) for name, of in BY_SIDE.items()}
    body = {"key": side.held.key, "queue": "mail", "title": "x"} if path.endswith("/work") else {"reason": "x"}
    if path.endswith("/events"):
        body = {"id": side.held.key, "event": "held", "at": "2026-03-04T09:00:00Z"}
    browser = Browser(headers=headers, raise_request_exception=False)
    return getattr(browser, method)(path.format(**known), body, "application/json")


@each_call
def test_a_call_with_another_clients_token_finds_nothing(method, path, sides):
    north, south = sides
    before = rows_of(south.client.id)

    answer = call(method, path, south, north.token)

    assert "{" not in path or answer.status_code == 404 or "{period}" in path
    assert answer.status_code < 500
    assert SECRET not in text_of(answer).replace(south.held.key, "")
    assert rows_of(south.client.id) == before


@each_call
def test_a_call_without_a_token_is_refused(method, path, sides):
    assert call(method, path, sides[1], None).status_code == 401


def test_to_the_clients_own_token_the_calls_are_there(sides):
    _, south = sides

    answers = {path: call(method, path, south, south.token).status_code for method, path in CALLS}

    assert answers == {
        "/api/work": 409,
        "/api/work/{key}": 200,
        "/api/work/{key}/cancel": 200,
        "/api/work/{key}/events": 409,  # it is offered here
        "/api/statements/{period}": 200,
        "/api/invoices": 200,
        "/api/invoices/{invoice_id}": 200,
        "/api/invoices/{invoice_id}/{form}": 200,
    } | {path: 401 for _, path in CALLS if path.startswith(("/api/actions/", "/api/search"))}  # people's
