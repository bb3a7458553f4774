"""The addresses of invoices and of the documents that they are sent as."""

from django.urls import path

from workfloor.ops.invoicing import views

app_name = "invoicing"
_INVOICE = "clients/<slug:slug>/invoices/<str:number>/"
urlpatterns = [
    path("invoices/", views.invoices, name="invoices"),
    path(_INVOICE, views.invoice, name="invoice"),
    path(f"{_INVOICE}invoice.pdf", views.paper, name="paper"),
    path(f"{_INVOICE}factur-x.pdf", views.facturx, name="facturx"),
    path(f"{_INVOICE}ubl.xml", views.ubl, name="ubl"),
    path(f"{_INVOICE}cii.xml", views.cii, name="cii"),
]
