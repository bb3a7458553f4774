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
    """Somebody is told of escalations, all that one mail is about; None where they are answered or over by now."""
    found = Notice.objects.select_related(
        "client", "person__site", "escalation__item__queue", "escalation__item__person"
    )
    mail_id = Notice.objects.filter(id=notice_id).values_list("mail_id", flat=True).first()
    same = found.filter(mail_id=mail_id) if mail_id else found.filter(id=notice_id)
    still_open = same.filter(escalation__closed_at=None).order_by("id")
    notices = list({each.escalation_id: each for each in still_open}.values())  # who is in two steps reads the later
    if not notices:
        return None
    first = notices[0]
    subject = _("Escalation: {title} ({client})")
    if len(notices) > 1:
        subject = _("{count} escalations: {title} ({client}), and more")
    subject = subject.format(count=len(notices), title=_(first.escalation.title), client=first.client.title)
    return Written(subject, "\n\n\n".join(map(_text, notices)) + "\n")


def _text(notice: Notice) -> str:
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
    if raised.acknowledged_at is None and notice.step > 1:
        parts.append(_("Nobody has acknowledged it so far, so you are told as well."))
    if ours:
        where = f"{people_letters.site()}{reverse('escalation:inbox')}#escalation-{raised.id}"
        parts += [_("Acknowledge or answer it here:"), where]
    return "\n\n".join(parts)
