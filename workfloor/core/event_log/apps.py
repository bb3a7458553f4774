"""The event log: one append-only table of facts, and the followers that read it."""

from functools import partial

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class EventLogConfig(AppConfig):
    name = "workfloor.core.event_log"
    label = "event_log"

    def ready(self) -> None:
        """Let any process learn every package's followers, once it has facts to tell them of."""
        from workfloor.core.event_log import events as event_log_events

        event_log_events.register.learn = partial(autodiscover_modules, "followers")
