"""Steps of any mail on its way out, and the installation's own mail: stored with what it tells of, sent by a job."""

from datetime import datetime
from typing import Final

from workfloor.core.access import actors
from workfloor.core.access.actors import Actor
from workfloor.core.event_log import actions as event_log
from workfloor.core.outgoing import events as outgoing_events
from workfloor.core.outgoing import queries as outgoing_queries
from workfloor.core.outgoing.models import Mail, OnItsWay
from workfloor.kit.database import jobs
from workfloor.kit.mail import sending

DELIVER: Final = "outgoing.deliver"
WORKER: Final = actors.engine("worker")

# --- Any mail ---------------------------------------------------------------------------------------------------------


def change(*, way: OnItsWay, state: str, now: datetime, answer: str = "") -> None:
    """Say how far a mail has come; `answer` is what the server said, if it said something."""
    way.state, way.changed_at = state, now
    way.answer = answer or way.answer
    way.save(update_fields=["state", "changed_at", "answer", "tries", "began_at", "in_doubt", "due_at"])


def begin_try(*, way: OnItsWay, now: datetime) -> None:
    """Begin a try to send a mail; if one before got as far as its last line, the server may have it already."""
    way.in_doubt += way.state == "handing-over"
    way.tries, way.began_at = way.tries + 1, way.began_at or now
    change(way=way, state="sending", now=now)


def hand_over(*, way: OnItsWay, now: datetime) -> bool:
    """All but the last line is with the server: from here until it answers nobody knows. False if another has begun."""
    mine = type(way)._default_manager.filter(pk=way.pk, state="sending", tries=way.tries)
    return bool(mine.update(state="handing-over", changed_at=now))


def refuse(*, way: OnItsWay, answer: str, is_final: bool, in_doubt: bool, now: datetime) -> datetime | None:
    """The server did not take a mail; when it is tried again, None where it has failed for good.

    In doubt: the line broke before the server's word, so that it may have the mail, and another try doubles it.
    """
    way.in_doubt += in_doubt
    again = None if is_final else sending.next_try(way.tries, way.began_at or now, now)
    way.due_at = again or way.due_at
    change(way=way, state="waiting" if again else "failed", now=now, answer=answer)
    return again


# --- The installation's own -------------------------------------------------------------------------------------------


def post(*, kind: str, about: int, to: str, by: Actor, now: datetime, person_id: int | None = None) -> Mail:
    """Put a mail on its way, in the transaction of what it tells of; where none can be sent it has failed at once."""
    mail = Mail.objects.create(kind=kind, about=about, to=to, person_id=person_id, due_at=now, changed_at=now)
    if fault := outgoing_queries.missing():
        _fail(mail, fault, by, now)
    else:
        ask_to_deliver(mail_id=mail.id, at=None)
    return mail


def ask_to_deliver(*, mail_id: int, at: datetime | None) -> None:
    """Let a job deliver a mail, at the earliest at `at`."""
    after = outgoing_queries.under_way_before(mail_id)
    jobs.ask_for(DELIVER, once=f"{DELIVER}/{mail_id}", at=at, after=after, lane=jobs.OUTSIDE, mail_id=mail_id)


def begin(*, mail_id: int, now: datetime) -> Mail | None:
    """Begin a try to deliver a mail; None where there is nothing to be done now. The caller keeps others from it."""
    mail = Mail.objects.select_for_update().filter(id=mail_id).first()
    if mail is None or mail.state not in Mail.UNDER_WAY or mail.due_at > now:
        return None
    begin_try(way=mail, now=now)
    return mail


def mark_sent(*, mail: Mail, answer: str, now: datetime) -> None:
    """The server has taken a mail."""
    change(way=mail, state="sent", now=now, answer=answer)
    sent = outgoing_events.OwnMailSent(mail.id, mail.kind)
    event_log.record(sent, at=now, person_id=mail.person_id, by=WORKER)


def mark_refused(*, mail: Mail, answer: str, is_final: bool, now: datetime, in_doubt: bool = False) -> None:
    """The server did not take a mail: it is tried again later, until it has lasted too long or is refused for good."""
    again = refuse(way=mail, answer=answer, is_final=is_final, in_doubt=in_doubt, now=now)
    if again:
        ask_to_deliver(mail_id=mail.id, at=again)
    else:
        _fail(mail, answer, WORKER, now)


def withdraw(*, mail: Mail, now: datetime) -> None:
    """What a mail is about is over: it is not sent any more."""
    change(way=mail, state="withdrawn", now=now)


def _fail(mail: Mail, reason: str, by: Actor, now: datetime) -> None:
    change(way=mail, state="failed", now=now, answer=reason)
    undelivered = outgoing_events.OwnMailUndelivered(mail.id, mail.kind, reason)
    event_log.record(undelivered, at=now, person_id=mail.person_id, by=by)
