"""The pages of closing: who sees which step, and that each does what its command does."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client as Browser

from tests.ops.billing.test_closing_actions import APRIL, MARCH, close, disputed, events, office
from workfloor.core.periods import queries as periods_queries
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.billing import actions as billing
from workfloor.ops.billing import closing
from workfloor.ops.billing import tasks as billing_tasks
from workfloor.ops.billing.models import ClosingStep

__all__ = ["office"]  # a fixture
PAGE = "/clients/lisbon-light/closing/"


def signed_in(person: Any) -> Browser:
    browser = Browser()
    browser.force_login(person.account, backend="allauth.account.auth_backends.AuthenticationBackend")
    return browser


def text(browser: Browser, address: str = PAGE) -> str:
    return browser.get(address).content.decode()


def pressed(browser: Browser, step: str, period: str = MARCH) -> str:
    """The page after a step was asked for and a worker has taken it."""
    browser.post(f"{PAGE}{period}/{step}/")
    for asked in list(ClosingStep.objects.filter(error="")):
        billing_tasks.take_closing_step(asked.id)
    rls.enter_every_client()  # who takes a step enters its client alone
    return text(browser)


def test_one_proposes_and_another_approves_on_the_page(office):
    teresa, marta = signed_in(office.teresa), signed_in(office.marta)
    with clock.frozen(APRIL):
        assert f"{PAGE}{MARCH}/propose/" in text(teresa)
        told = pressed(teresa, "propose")
        assert "provisional" in told and "Proposed by Teresa on 2 April 2026" in told
        assert "/approve/" not in told and "/reopen/" in told
        assert f"{PAGE}{MARCH}/approve/" in text(marta)
        told = pressed(marta, "approve")

    assert "approved by Marta on 2 April 2026" in told
    assert periods_queries.state(office.client.id, MARCH) == "closed"


def test_what_is_in_the_way_is_said_at_the_head_of_the_page(office):
    teresa = signed_in(office.teresa)
    with clock.frozen(datetime(2026, 3, 20, tzinfo=UTC)):
        told = pressed(teresa, "propose")

        assert "2026-03 is not over: it ends on 31 March 2026" in told and f"{PAGE}{MARCH}/propose/" in told
    with clock.frozen(APRIL):
        assert "is not over" not in pressed(teresa, "propose")  # it can be pressed again
    assert periods_queries.state(office.client.id, MARCH) == "provisional"


def test_the_page_says_how_far_a_step_is_and_offers_no_other_meanwhile(office):
    teresa, marta = signed_in(office.teresa), signed_in(office.marta)
    with clock.frozen(APRIL):
        asked = teresa.post(f"{PAGE}{MARCH}/propose/", follow=True).content.decode()
        billing.tell_progress(step=ClosingStep.objects.get(), percent=40)
        told = text(teresa)
        marta.post(f"{PAGE}{MARCH}/propose/")

    assert "Proposing 2026-03: 0 %" in asked and "Proposing 2026-03: 40 %" in told
    assert f'data-live="closing:{office.client.id}"' in told
    assert "/propose/" not in told
    assert (ClosingStep.objects.get().asked_by, ClosingStep.objects.get().percent) == (office.teresa, 40)
    assert not events(office)  # nothing has happened to the month
    assert periods_queries.state(office.client.id, MARCH) == "open"


def test_what_a_person_may_not_do_is_refused_at_once(office):
    with clock.frozen(APRIL):
        billing.propose(client=office.client, period=MARCH, by=office.marta, now=APRIL)
        told = signed_in(office.teresa).post(f"{PAGE}{MARCH}/approve/", follow=True).content.decode()

        own = signed_in(office.marta).post(f"{PAGE}{MARCH}/approve/", follow=True).content.decode()

    assert "Teresa may not approve a month: that takes the role manager" in told
    assert "Marta did the other part of it" in own
    assert not ClosingStep.objects.exists()


def test_a_step_that_keeps_ending_without_a_word_fails_and_says_so(office):
    teresa = signed_in(office.teresa)
    with clock.frozen(APRIL):
        teresa.post(f"{PAGE}{MARCH}/propose/")
        step = ClosingStep.objects.get()
        for _ in range(billing.TRIES):
            step.refresh_from_db()
            assert billing.begin_step(step=step)
        told = pressed(teresa, "propose")
        assert "It was begun 5 times and never ended." in told
        assert periods_queries.state(office.client.id, MARCH) == "open"
        assert "never ended" not in pressed(teresa, "propose")
    assert periods_queries.state(office.client.id, MARCH) == "provisional"


def test_what_goes_wrong_unforeseen_is_said_at_its_month_and_nothing_of_it_is_kept(office, monkeypatch):
    def break_down(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a rate of nothing")

    monkeypatch.setattr(closing, "frozen", break_down)
    with clock.frozen(APRIL):
        told = pressed(signed_in(office.teresa), "propose")

    assert "It failed, and nothing of it was kept: ZeroDivisionError: a rate of nothing" in told
    assert not events(office)


def test_a_step_done_by_the_command_ends_what_the_page_said(office):
    teresa = signed_in(office.teresa)
    with clock.frozen(APRIL):
        teresa.post(f"{PAGE}{MARCH}/propose/")
        billing.propose(client=office.client, period=MARCH, by=office.teresa, now=APRIL)
        assert "Proposing" not in text(teresa)
        assert "provisional" in pressed(teresa, "propose")  # which is refused, and said
    assert events(office) == ["period.proposed"]


def test_a_proposal_is_taken_back_with_a_reason(office):
    teresa = signed_in(office.teresa)
    with clock.frozen(APRIL):
        pressed(teresa, "propose")
        assert "Say in words why" in teresa.post(f"{PAGE}{MARCH}/reopen/", follow=True).content.decode()
        told = teresa.post(f"{PAGE}{MARCH}/reopen/", {"reason": "a call is missing"}, follow=True).content.decode()

    assert "2026-03 is open again." in told


def test_disputes_and_adjustments_are_on_the_page_and_on_both_statements(office):
    close(office)
    billing.uphold(dispute=disputed(office), amount="-3.00", words="They were", by=office.marta, now=APRIL)
    marta = signed_in(office.marta)
    with clock.frozen(APRIL):
        page = text(marta)
        march = text(marta, f"/clients/lisbon-light/statements/{MARCH}/")
        april = text(marta, "/clients/lisbon-light/statements/2026-04/")
        paper = marta.get(f"/clients/lisbon-light/statements/{MARCH}/statement.pdf").content

    assert "Two were tests (Dana)" in page and "They were (Marta)" in page and "-3.00 EUR" in page
    assert "still open" not in march and "still open" in april
    assert "Restated." in march and "Corrected later" in march and "Two were tests" in march
    assert "2026-03: Calls answered, dispute" in april and "-3.00 EUR" in april
    assert paper.startswith(b"%PDF")


@pytest.mark.parametrize(("who", "status"), [("teresa", 200), ("marta", 200), ("rita", 403), ("dana", 403)])
def test_only_leaders_and_managers_come_in(office, who: str, status: int):
    browser = signed_in(getattr(office, who))

    assert browser.get(PAGE).status_code == browser.get("/closing/").status_code == status
    assert browser.post(f"{PAGE}{MARCH}/propose/").status_code == (302 if status == 200 else 403)


def test_the_list_says_how_far_each_client_is_closed_and_what_waits(office):
    teresa = signed_in(office.teresa)
    assert "no month" in text(teresa, "/closing/")
    close(office)
    disputed(office)

    told = text(teresa, "/closing/")

    assert MARCH in told and "1 undecided dispute" in told


def test_the_clients_own_person_and_a_leader_raise_disputes_on_a_page(office):
    close(office)
    with clock.frozen(APRIL):
        for who, figure in ((office.dana, "l1"), (office.teresa, "m1/calls")):
            page = f"{PAGE}{MARCH}/dispute/"
            assert "Calls answered (l1)" in text(signed_in(who), page)
            told = signed_in(who).post(page, {"figure": figure, "words": "Two were tests"}, follow=True)
            assert "is raised. Somebody else decides it." in told.content.decode()

    found = [(each.figure, each.raised_by.name) for each in periods_queries.disputes(office.client.id, MARCH)]
    assert sorted(found) == [("l1", "Dana"), ("m1/calls", "Teresa")]


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"figure": "l1", "words": " "}, "Say in words what is wrong."),
        ({"words": "Two were tests"}, "Choose the figure that is wrong."),
        ({"figure": "l9", "words": "Two were tests"}, "l9 is not one of the available choices"),
        ({"figure": "l1", "words": "x" * 2001}, "at most 2000 characters"),
    ],
)
def test_what_is_wrong_with_a_dispute_is_said_at_its_field_and_nothing_is_lost(office, sent: dict[str, str], says: str):
    close(office)

    told = signed_in(office.dana).post(f"{PAGE}{MARCH}/dispute/", sent).content.decode()

    assert says in told and "data-faulty" in told
    assert sent["words"].strip() in told
    assert not periods_queries.disputes(office.client.id).exists()


def test_nothing_of_an_open_month_and_nothing_by_an_agent_is_disputed_on_the_page(office):
    page = f"{PAGE}{MARCH}/dispute/"

    assert signed_in(office.dana).get(page).status_code == 404
    close(office)
    assert signed_in(office.rita).get(page).status_code == 403
    assert signed_in(office.rita).post(page, {"figure": "l1", "words": "No"}).status_code == 403
