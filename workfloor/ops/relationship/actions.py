"""Agreeing on what is to be done, and saying that it is."""

from datetime import date, datetime
from typing import Annotated

from django.utils.translation import gettext as _

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.core.access.declaring import action
from workfloor.core.clients.models import Client
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.event_log import actions as event_log
from workfloor.kit.declarations import field
from workfloor.ops.relationship import events as relationship_events
from workfloor.ops.relationship import models as relationship_models

LONGEST = 500  # characters


Refused = permissions.Refused


@action(
    "Agree on an action item",
    permission="reviews.agree",
    command="relationship action-item add",
    says="Action item {made}: {who}, until {until}: {what}",
    example="workfloor relationship action-item add first-bank --who 'First Bank' --what 'Move the run' "
    "--until 1999-04-01",
)
def agree(
    *,
    client: Client,
    who: Annotated[str, field("Who", "Who will do it, on either side.", most=LONGEST, as_option=True)],
    what: Annotated[str, field("What", "What will be done.", most=LONGEST, as_option=True)],
    until: Annotated[date, field("Until", "The day by which it is done.", as_option=True)],
    by: Actor,
    now: datetime,
) -> relationship_models.ActionItem:
    """Record what somebody, on either side, will do until a day."""
    who, what = who.strip(), what.strip()
    faults = [
        _("Say {name}, in at most {most} characters.").format(name=name, most=LONGEST)
        for name, words in (("who", who), ("what", what))
        if not 0 < len(words) <= LONGEST
    ]
    if until < contracts_queries.today(client.id, now):
        faults.append(_("{until} is over: name a day to come.").format(until=until))
    if faults:
        raise Refused(" ".join(faults))
    made = relationship_models.ActionItem.objects.create(client=client, who=who, what=what, until=until, agreed_at=now)
    fact = relationship_events.ActionItemAgreed(made.id, who, what, until)
    event_log.record(fact, at=now, client_id=client.id, by=by)
    return made


@action(
    "Finish an action item",
    permission="reviews.agree",
    command="relationship action-item done",
    says="Action item {made} is done.",
    example="workfloor relationship action-item done 3 --note 'since 5 March'",
)
def finish(
    *,
    action_item: relationship_models.ActionItem,
    note: Annotated[str, field("Note", "What came of it.", most=LONGEST)] = "",
    by: Actor,
    now: datetime,
) -> relationship_models.ActionItem:
    """Record that what an action item says is done."""
    found = relationship_models.ActionItem.objects.select_for_update(of=("self",)).get(id=action_item.id)
    if found.done_at:
        raise Refused(_("It is done since {done_at:%Y-%m-%d}.").format(done_at=found.done_at))
    if len(note.strip()) > LONGEST:
        raise Refused(_("Keep the note to {most} characters.").format(most=LONGEST))
    found.done_at, found.note = now, note.strip()
    found.save(update_fields=["done_at", "note"])
    fact = relationship_events.ActionItemDone(found.id, found.note or None)
    event_log.record(fact, at=now, client_id=found.client_id, by=by)
    return found
