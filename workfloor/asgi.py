"""The web server's entry point."""

import os

import django
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "workfloor.settings")
django.setup(set_prefix=False)

from workfloor.runtime import requests  # noqa: E402

application = requests.Named(requests.Bounded(ASGIStaticFilesHandler(requests.WholeRequests())))
