"""Every page and every call of the API with every role: each opens by a permission of the table, and to nobody else.

Pages are found in the configuration of addresses and calls in the API's routers, so that a new one is walked without
being named here, and one that says no permission fails.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import pytest
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import path, reverse
from ninja import NinjaAPI, Router

from tests import make
from tests.house.test_isolation_of_pages import NEUTRAL, PAGES, Page, call, pages, signed_in
from tests.house.two_clients import SCOPES, Side
from workfloor.core.access import actors, permissions
from workfloor.core.clients import actions as clients
from workfloor.core.clients.api import NOTHING_HERE, TokenAuth
from workfloor.core.people import actions as people
from workfloor.core.people import own_account
from workfloor.core.people.api import PersonAuth
from workfloor.core.people.models import Person
from workfloor.desks.console import queries as console_queries
from workfloor.kit.time import clock
from workfloor.ui import places as ui_places
from workfloor.urls import api

# What opens without a permission, and why.
ANYBODY = {
    "": "leads each to the place where they work",
    "language/": "is the language in which pages speak to oneself",
    "live/": "asks of every topic whether it is theirs to hear",
    "accounts/": "the ways in",
    "api/": "the calls, which are walked below, and their description",
    "chat/widget.js": "is loaded by the public pages of clients' sites",
    "chat/of/": "is for visitors of those pages",
    "chat/my/": "is for visitors, each with the secret of their own chat",
    "chat/demo/": "shows whoever has signed in what a visitor sees",
}


def is_anybodys(route: str) -> bool:
    return route == "" or any(each and route.startswith(each) for each in ANYBODY)


def silent_pages(found: Iterable[Page]) -> set[str]:
    """The pages that say no permission and are not anybody's."""
    return {page.route for page in found if not is_anybodys(page.route) and not hasattr(page.view, "opened_by")}


WALKED = [page for page in PAGES if hasattr(page.view, "opened_by")]


# The calls by which people read, and what they ask: they are no actions, which say their permission themselves.
READING = {"/api/search": ("conversations.read", "?words=x")}


class Call(NamedTuple):
    """One operation of the API, and how it knows who calls."""

    method: str
    path: str
    auth: Any

    @property
    def permission(self) -> str:
        action = console_queries.declared().get(self.path.rpartition("/")[2])
        return action.permission if action else READING[self.path][0]


def calls(found: NinjaAPI) -> Iterator[Call]:
    for prefix, router in found._routers:
        for route, view in router.path_operations.items():
            for operation in view.operations:
                for method in operation.methods:
                    auth = next(iter(operation.auth_callbacks), router.auth)
                    yield Call(method.lower(), f"/api{prefix}{route}".replace("path:", ""), auth)


def silent_calls(found: Iterable[Call]) -> set[str]:
    """The calls that neither a person's token nor a system's opens."""
    return {each.path for each in found if not isinstance(each.auth, PersonAuth | TokenAuth)}


CALLS = list(calls(api))
OF_PEOPLE = [each for each in CALLS if isinstance(each.auth, PersonAuth)]
OF_SYSTEMS = [each for each in CALLS if isinstance(each.auth, TokenAuth)]


def somebody(side: Side, role: str) -> Person:
    """A person of that role alone, cleared for the client."""
    if role == "client":
        return side.own
    found = side.staff.get(role) or make.person(role)
    if not found.clearances.exists():
        people.clear(person=found, client=side.client, by=actors.ROOT, now=make.NINE)
    return found


def test_every_page_says_which_permission_opens_it():
    assert silent_pages(PAGES) == set()
    assert all(page.view.opened_by in permissions.PERMISSIONS for page in WALKED)
    assert len(WALKED) > 60


def test_a_page_that_is_added_without_a_permission_is_found():
    def silent(request):
        return HttpResponse("for whom?")

    added = list(pages([path("new/<int:item_id>/", silent, name="new")]))

    assert silent_pages([*PAGES, *added]) == {"new/<int:item_id>/"}


def test_every_call_says_who_may_make_it():
    assert silent_calls(CALLS) == set()
    assert OF_PEOPLE and OF_SYSTEMS
    assert {each.permission for each in OF_PEOPLE} <= permissions.PERMISSIONS.keys()


def test_a_call_that_is_added_without_saying_who_may_make_it_is_found():
    router, added = Router(), NinjaAPI(urls_namespace="added")
    router.get("/open")(lambda request: "for whom?")
    added.add_router("", router)

    assert silent_calls(calls(added)) == {"/api/open"}


# The form of an action is opened by that action's own permission as well.
ALSO = {"console:act": console_queries.declared()[NEUTRAL["name"][0]].permission}


@pytest.mark.parametrize("role", permissions.ROLES)
@pytest.mark.parametrize("page", WALKED, ids=lambda page: page.route)
def test_a_page_opens_to_the_roles_of_its_permission_alone(page, role, sides):
    north, _ = sides
    browser = signed_in(somebody(north, role).account)
    wanted = [page.view.opened_by, *filter(None, [ALSO.get(page.name)])]
    opens = all(role in permissions.PERMISSIONS[each].roles for each in wanted)

    for address in list(page.addresses(north)):
        answers = {method: getattr(browser, method)(address).status_code for method in ("get", "post")}
        if opens:
            assert 403 not in answers.values(), (address, answers)
        else:
            assert set(answers.values()) <= {403, 405}, (address, answers)
            assert 403 in answers.values(), (address, answers)


@pytest.mark.parametrize("role", permissions.ROLES)
def test_the_menu_offers_what_opens_and_nothing_else(role, sides):
    north, _ = sides
    person = somebody(north, role)
    browser, offered = signed_in(person.account), ui_places.places(person)
    by_name = {page.name: page for page in PAGES}

    for place in ui_places.every():
        assert by_name[place.url_name].view.opened_by == place.permission
        answer = browser.get(reverse(place.url_name))
        assert (answer.status_code == 403) == (place not in offered), place.title


@pytest.mark.parametrize("role", permissions.ROLES)
@pytest.mark.parametrize("each", OF_PEOPLE, ids=lambda each: each.path)
def test_a_persons_call_opens_to_the_roles_of_its_permission_alone(each, role, sides):
    north, _ = sides
    _, token = own_account.sign_in(person=somebody(north, role), title="a machine", now=clock.now())

    asked = console_queries.declared().get(each.path.rpartition("/")[2])
    required = [one for one in asked.parameters if one.required] if asked else []
    empty = {one.name: [] if one.several else 1 if one.type is int else "x" for one in required}
    answer = Browser(headers={"Authorization": f"Bearer {token}"}).generic(
        each.method.upper(), each.path + ("" if asked else READING[each.path][1]), json.dumps(empty), "application/json"
    )

    assert (answer.status_code == 403) == (role not in permissions.PERMISSIONS[each.permission].roles)


@pytest.mark.parametrize("each", OF_SYSTEMS, ids=lambda each: f"{each.method} {each.path}")
def test_a_systems_call_opens_to_its_scope_alone_and_to_no_person(each, sides):
    north, _ = sides
    tokens = {
        scope: clients.issue_token(client=north.client, title=scope, scopes=[scope], by=actors.ROOT, now=make.NINE)
        for scope in SCOPES
    }
    _, of_person = own_account.sign_in(person=north.staff["manager"], title="a machine", now=clock.now())

    said = {scope: call(each.method, each.path, north, token).content for scope, token in tokens.items()}
    assert {scope for scope, answer in said.items() if NOTHING_HERE.encode() not in answer} == {each.auth.scope}
    assert call(each.method, each.path, north, of_person).status_code == 401
