"""Processes of mail killed at random: each mail is one item, each reply arrives, what nobody can know is counted."""

import sys

import pytest

from benchmarks import databases, mail, mail_storm


@pytest.mark.installation
def test_a_storm_loses_and_doubles_no_mail(real_database, capsys):
    databases.sign_example()
    mail.open_mailbox()

    told = mail_storm.storm(real_database, mails=150, replies=40, kills=15)

    with capsys.disabled():
        sys.stdout.write(f"\n{told}\n")
    assert told.faults == []
    assert told.kills.total() == 15
    assert told.doubled <= told.in_doubt
