"""Clients: the companies that outsource, and the tokens with which their systems call."""

from django.apps import AppConfig


class ClientsConfig(AppConfig):
    name = "workfloor.core.clients"
    label = "clients"
