"""Invoicing: closed months as numbered invoices and credit notes."""

from django.apps import AppConfig

from workfloor.ui.rules import Place


class InvoicingConfig(AppConfig):
    """Legal entities, invoices and credit notes."""

    name = "workfloor.ops.invoicing"
    label = "invoicing"
    place = Place("Invoices", "file-invoice", "invoicing:invoices", frozenset({"leader", "manager"}), rank=45)
