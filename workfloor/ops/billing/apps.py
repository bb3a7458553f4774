"""Billing: measures, attainment, credits, invoices."""

from django.apps import AppConfig

from workfloor.ui.rules import Place


class BillingConfig(AppConfig):
    """Statements and the items behind their figures; has no tables."""

    name = "workfloor.ops.billing"
    label = "billing"
    place = Place("Statements", "receipt", "billing:statements", frozenset({"leader", "manager"}), rank=40)
