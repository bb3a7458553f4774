"""The addresses of closing."""

from django.urls import path

from workfloor.ops.closing import views

app_name = "closing"
_CLIENT = "clients/<slug:slug>/closing/"
urlpatterns = [
    path("closing/", views.clients, name="clients"),
    path(_CLIENT, views.months, name="months"),
    path(f"{_CLIENT}<str:period>/propose/", views.propose, name="propose"),
    path(f"{_CLIENT}<str:period>/approve/", views.approve, name="approve"),
    path(f"{_CLIENT}<str:period>/reopen/", views.reopen, name="reopen"),
    path(f"{_CLIENT}<str:period>/dispute/", views.dispute, name="dispute"),
]
