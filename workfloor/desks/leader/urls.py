"""The addresses of the leader's pages."""

from django.urls import path

from workfloor.desks.leader import views

app_name = "leader"
urlpatterns = [
    path("", views.floor, name="floor"),
    path("items/<int:item_id>/", views.item, name="item"),
]
