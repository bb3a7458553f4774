"""Retention: for how long what is kept stays, by kind and by client."""

from django.apps import AppConfig


class RetentionConfig(AppConfig):
    name = "workfloor.core.retention"
    label = "retention"
