"""Reading the installation's own mail, and whether it can be sent at all."""

from datetime import datetime

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from workfloor.core.outgoing.models import Mail


def missing() -> str:
    """Why no mail of the installation's own can be sent, and what to do; "" where one can."""
    without_server, without_sender = not settings.WORKFLOOR_SMTP_URL, not settings.WORKFLOOR_MAIL_FROM
    if without_server and without_sender:
        return _(
            "No mail server is set up: whoever runs this installation sets WORKFLOOR_SMTP_URL and WORKFLOOR_MAIL_FROM "
            "and starts it again."
        )
    if without_server:
        return _(
            "No mail server is set up: whoever runs this installation sets WORKFLOOR_SMTP_URL and starts it again."
        )
    if without_sender:
        return _(
            "No address is set to send mail from: whoever runs this installation sets WORKFLOOR_MAIL_FROM and starts "
            "it again."
        )
    return ""


def overdue(now: datetime) -> list[int]:
    """The mails that should be on their way by now and are not there yet."""
    found = Mail.objects.filter(state__in=Mail.UNDER_WAY, due_at__lte=now)
    return list(found.order_by("due_at").values_list("id", flat=True))


def unsent(since: datetime) -> QuerySet[Mail]:
    """The mails that have failed since an instant, and those that could not go out yet and are tried again."""
    return Mail.objects.filter(Q(state="failed", changed_at__gt=since) | Q(state="waiting", tries__gt=0)).order_by(
        "-id"
    )


def under_way_before(mail_id: int) -> int:
    """How many mails are under way that were asked for before this one."""
    return Mail.objects.filter(state__in=Mail.UNDER_WAY, id__lt=mail_id).count()
