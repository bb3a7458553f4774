"""Billing: statements, months closed by two people, invoices and credit notes."""

from django.apps import AppConfig

from workfloor.ui.places import Place

STATEMENTS = Place("Statements", "receipt", "billing:statements", "statements.read", rank=40)
CLOSING = Place("Closing", "lock", "billing:closing", "periods.read", rank=43)
INVOICES = Place("Invoices", "file-invoice", "billing:invoices", "invoices.read", rank=45)


class BillingConfig(AppConfig):
    name = "workfloor.ops.billing"
    label = "billing"
    places = (
        STATEMENTS,
        CLOSING,
        INVOICES,
    )
