"""Who may do what with work: by a permission of the table, and by having it in hand where the table says so.

What is in somebody's hands was inside their walls when they got it, so that a press of theirs asks the database nothing
more; whoever leads and has it not in hand is asked for the clearance.
"""

from collections.abc import Callable, Sequence

from django.db.models import Q

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.core.work import models as work_models
from workfloor.core.work import queries as work_queries

NotYours = permissions.NotYours


def locked(item: work_models.Item, by: Actor, permission: str = "work.handle") -> work_models.Item:
    """The item, locked until the transaction ends, for whoever may do that with it."""
    item = work_queries.locked(item.id)
    admit(by, permission, item)
    return item


def admit(by: Actor, permission: str, item: work_models.Item) -> None:
    """Refuse whoever may not do that with an item. Raises Refused, and NotYours where it is for who has it in hand."""
    own = by.person_id is not None and item.person_id == by.person_id
    permissions.admit(by, permission, client_id=None if own else item.client_id, own=own)


def admit_if(by: Actor, permission: str, client_id: int, is_own: Callable[[], bool]) -> None:
    """The same of what is somebody's own in another way, which is only looked up where it matters."""
    leads = permissions.may(by, permission, own=False)
    permissions.admit(by, permission, client_id=client_id if leads else None, own=leads or is_own())


def admit_to_cases(by: Actor, permission: str, cases: Sequence[work_models.Case], *, in_hand: bool = False) -> None:
    """The same of cases, which are for those who have or had work of one of them; with `in_hand`, who have it now."""
    theirs = Q(person=by.person_id) if in_hand else Q(person=by.person_id) | Q(done_by=by.person_id)
    work_of_them = work_models.Item.objects.filter(theirs, case__in=cases)
    admit_if(by, permission, cases[0].client_id, work_of_them.exists)


def admit_sender(by: Actor, client_id: int, case: work_models.Case | None) -> None:
    """The same of work that is sent in: by customers and systems, and by whoever agrees with a customer of theirs."""
    if by.person_id is not None and case is not None:
        admit_to_cases(by, "work.send-in", [case], in_hand=True)
    else:
        permissions.admit(by, "work.send-in", client_id=client_id, own=False)


def has_had(by: Actor, item: work_models.Item) -> bool:
    """Whether somebody has an item in hand, or had it."""
    who = by.person_id
    return who is not None and (who in (item.person_id, item.done_by_id) or work_queries.had_it(item, who))
