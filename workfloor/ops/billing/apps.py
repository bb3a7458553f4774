"""Billing: statements, months closed by two people, invoices and credit notes."""

from django.apps import AppConfig
from django.utils.translation import gettext_noop

from workfloor.ui.places import Place

STATEMENTS = Place(gettext_noop("Statements"), "receipt", "billing:statements", "statements.read", rank=40)
CLOSING = Place(gettext_noop("Closing"), "lock", "billing:closing", "periods.read", rank=43)
INVOICES = Place(gettext_noop("Invoices"), "file-invoice", "billing:invoices", "invoices.read", rank=45)


class BillingConfig(AppConfig):
    name = "workfloor.ops.billing"
    label = "billing"
    places = (
        STATEMENTS,
        CLOSING,
        INVOICES,
    )
