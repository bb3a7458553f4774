"""Presales: past work imported, contracts tried on it, and quotes."""

from django.apps import AppConfig


class PresalesConfig(AppConfig):
    name = "workfloor.ops.presales"
    label = "presales"
