"""Contracts: what was agreed with a client, as signed files and the terms that the engines read from them."""

from django.apps import AppConfig


class ContractsConfig(AppConfig):
    name = "workfloor.core.contracts"
    label = "contracts"
