"""What people change of their own accounts, on pages that are not ours, is told as well: that, and no secret."""

import time

import pytest
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY, format_hotp_value, hotp_value
from django.core.cache import cache

from tests import make
from workfloor.core.audit import queries as audit_queries
from workfloor.core.event_log.models import Fact
from workfloor.core.people.models import Person
from workfloor.kit.database import rls

OLD, NEW = "correct horse", "battery staple, then"


@pytest.fixture
def olga(client, everyone) -> Person:
    """Somebody who has just signed in with their password."""
    cache.clear()
    found = make.person("administrator", name="Olga")
    said = {"login": found.account.email, "password": OLD}
    assert client.post("/accounts/login/", said).status_code == 302
    return found


def told() -> list[tuple[str, dict]]:
    rls.enter_every_client()
    facts = Fact.objects.filter(event__regex=r"^person\.(password|second|recovery)").order_by("id")
    return [(fact.event, fact.details) for fact in facts if fact.by_id == fact.person_id]


def test_another_password(client, olga):
    answer = client.post("/accounts/password/change/", {"oldpassword": OLD, "password1": NEW, "password2": NEW})

    assert answer.status_code == 302
    assert told() == [("person.password-chosen", {"by_way_of": "own-account", "ended_sign_ins": 0})]
    assert (
        audit_queries.changes(audit_queries.Asked(who="olga"))[0].says == "Olga chose their own password (own-account)"
    )


def test_a_second_factor_its_recovery_codes_and_that_it_is_removed(client, olga):
    client.post("/accounts/reauthenticate/", {"password": OLD})
    client.get("/accounts/2fa/totp/activate/")
    secret = client.session[SECRET_SESSION_KEY]
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    assert client.post("/accounts/2fa/totp/activate/", {"code": code}).status_code == 302
    client.post("/accounts/2fa/recovery-codes/generate/", {})
    client.post("/accounts/2fa/totp/deactivate/", {})

    assert told() == [
        ("person.second-factor-added", {"factor": "totp"}),
        ("person.recovery-codes-made", {}),
        ("person.recovery-codes-made", {}),
        ("person.second-factor-removed", {"factor": "totp"}),
    ]
