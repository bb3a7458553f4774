"""Email: mailboxes, mail as it came, and replies on their way out."""

from django.apps import AppConfig


class EmailConfig(AppConfig):
    name = "workfloor.ops.channels.email"
    label = "email"
