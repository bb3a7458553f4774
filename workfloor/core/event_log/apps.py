"""The event log: one append-only table of facts, and the followers that read it."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class EventLogConfig(AppConfig):
    name = "workfloor.core.event_log"
    label = "event_log"

    def ready(self) -> None:
        """Learn every package's followers, so that any process can run them."""
        autodiscover_modules("followers")
