"""Email: mailboxes, mail as it came, and replies on their way out."""

from django.apps import AppConfig

from workfloor.ui.places import Place

MAIL = Place("Mail", "mail", "email:mail", "mail.look-after", rank=42)


class EmailConfig(AppConfig):
    name = "workfloor.ops.channels.email"
    label = "email"
    places = (MAIL,)
