"""Billing: measures, attainment, credits, invoices."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "workfloor.ops.billing"
    label = "billing"
