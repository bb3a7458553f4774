"""Search: customers, cases and messages, by what was said and by who they are."""

from django.apps import AppConfig


class SearchConfig(AppConfig):
    name = "workfloor.core.search"
    label = "search"
