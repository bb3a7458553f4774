"""Email: mailboxes, and mail as it came."""

from django.apps import AppConfig

from workfloor.ui.rules import Place


class EmailConfig(AppConfig):
    """Mail, with the page of what became no work."""

    name = "workfloor.ops.channels.email"
    label = "email"
    place = Place("Mail", "mail", "email:mail", frozenset({"leader", "manager"}), rank=42)
