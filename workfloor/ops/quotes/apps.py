"""What a contract would cost and pay, as Django knows it."""

from django.apps import AppConfig


class QuotesConfig(AppConfig):
    name = "workfloor.ops.quotes"
