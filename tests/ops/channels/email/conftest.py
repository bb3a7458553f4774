"""A client's mailbox, and the collection of real mail."""

from pathlib import Path

import pytest

REAL_MAIL = Path(__file__).parents[5] / "shared" / "data" / "mail"


@pytest.fixture(scope="session")
def real_mail() -> Path:
    """The folder of mail that nobody here wrote."""
    if not REAL_MAIL.is_dir():
        pytest.skip("the real mails are not at ../shared/data/mail")
    return REAL_MAIL


@pytest.fixture
def post(everyone: None):
    """A mailbox, help@lisbon.example, whose mail waits in the queue "mail"."""
    from tests import mail

    return mail.Post()
