"""What a mail says that tells somebody of an escalation."""

from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.translation import gettext as _

from workfloor.core.outgoing import letters as outgoing_letters
from workfloor.core.people import letters as people_letters
from workfloor.core.people import queries as people_queries
from workfloor.ops.escalation import actions as escalation
from workfloor.ops.escalation.models import Notice

Written = outgoing_letters.Written


@outgoing_letters.says(escalation.LETTER)
def told(notice_id: int) -> Written | None:
    """Somebody is told of an escalation; None where it was answered or is over by now."""
    found = Notice.objects.select_related(
        "client", "person__site", "escalation__item__queue", "escalation__item__person"
    )
    notice = found.filter(id=notice_id, escalation__closed_at=None).first()
    if notice is None:
        return None
    ours = notice.person is not None and notice.person.client_id is None
    raised, item = notice.escalation, notice.escalation.item
    zone = people_queries.zone_of(notice.person) if notice.person else ZoneInfo("UTC")
    since = raised.raised_at.astimezone(zone)
    about = _("{client}, {queue}, reference {key}, since {since:%Y-%m-%d %H:%M} ({zone}).").format(
        client=notice.client.title, queue=item.queue.name, key=item.key, since=since, zone=zone
    )
    title = _(raised.title)  # the usual one is ours, others are the contract's own words
    parts = [title, about]
    if ours and raised.said:  # what agents write among themselves is nobody else's
        asked = _("{who} asks: {said}") if raised.event == "help" else "{said}"
        parts.append(asked.format(who=item.person.name if item.person else _("An agent"), said=raised.said))
    if notice.step > 1:
        parts.append(_("Nobody has acknowledged it so far, so you are told as well."))
    if ours:
        where = f"{people_letters.site()}{reverse('escalation:inbox')}#escalation-{raised.id}"
        parts += [_("Acknowledge or answer it here:"), where]
    subject = _("Escalation: {title} ({client})").format(title=title, client=notice.client.title)
    return Written(subject, "\n\n".join(parts) + "\n")
