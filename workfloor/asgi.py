"""The web server's entry point."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "workfloor.settings")
django.setup(set_prefix=False)

from workfloor.core.event_log import events as event_log_events  # noqa: E402
from workfloor.runtime import requests, statics  # noqa: E402

event_log_events.register.learn()  # now, so that no request waits for it
application = requests.Named(requests.Bounded(statics.Packing(requests.WholeRequests())))
