"""The addresses of statements and the items behind their figures, of closing, and of invoices."""

from django.urls import path

from workfloor.ops.billing import views as billing_views

app_name = "billing"
_STATEMENT = "clients/<slug:slug>/statements/<str:period>/"
_CLOSING = "clients/<slug:slug>/closing/"
_INVOICE = "clients/<slug:slug>/invoices/<str:number>/"
urlpatterns = [
    path("statements/", billing_views.statement_list, name="statements"),
    path(_STATEMENT, billing_views.statement, name="statement"),
    path(f"{_STATEMENT}statement.pdf", billing_views.statement_paper, name="statement-paper"),
    path(f"{_STATEMENT}items/<path:figure>/facts/<int:item>/", billing_views.facts, name="facts"),
    path(f"{_STATEMENT}items/<path:figure>/", billing_views.items, name="items"),
    path("closing/", billing_views.closing_clients, name="closing"),
    path(_CLOSING, billing_views.months, name="months"),
    path(f"{_CLOSING}<str:period>/propose/", billing_views.propose, name="propose"),
    path(f"{_CLOSING}<str:period>/approve/", billing_views.approve, name="approve"),
    path(f"{_CLOSING}<str:period>/reopen/", billing_views.reopen, name="reopen"),
    path(f"{_CLOSING}<str:period>/dispute/", billing_views.dispute, name="dispute"),
    path("invoices/", billing_views.invoice_list, name="invoices"),
    path(_INVOICE, billing_views.invoice, name="invoice"),
    path(f"{_INVOICE}invoice.pdf", billing_views.invoice_paper, name="invoice-paper"),
    path(f"{_INVOICE}factur-x.pdf", billing_views.facturx, name="facturx"),
    path(f"{_INVOICE}ubl.xml", billing_views.ubl, name="ubl"),
    path(f"{_INVOICE}cii.xml", billing_views.cii, name="cii"),
]
