"""The addresses of statements and of the items behind their figures."""

from django.urls import path

from workfloor.ops.billing import views

app_name = "billing"
_STATEMENT = "clients/<slug:slug>/statements/<str:period>/"
urlpatterns = [
    path("statements/", views.statements, name="statements"),
    path(_STATEMENT, views.statement, name="statement"),
    path(f"{_STATEMENT}statement.pdf", views.paper, name="paper"),
    path(f"{_STATEMENT}items/<path:figure>/facts/<int:item>/", views.facts, name="facts"),
    path(f"{_STATEMENT}items/<path:figure>/", views.items, name="items"),
]
