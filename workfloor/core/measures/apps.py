"""Measures: what items come to, added up by 15-minute buckets that the database itself keeps."""

from django.apps import AppConfig


class MeasuresConfig(AppConfig):
    name = "workfloor.core.measures"
    label = "measures"
