"""Email: mailboxes, mail as it came, and replies on their way out."""

from django.apps import AppConfig
from django.utils.translation import gettext_noop

from workfloor.ui.places import Place

MAIL = Place(gettext_noop("Mail"), "mail", "email:mail", "mail.look-after", rank=42)


class EmailConfig(AppConfig):
    name = "workfloor.ops.channels.email"
    label = "email"
    places = (MAIL,)
