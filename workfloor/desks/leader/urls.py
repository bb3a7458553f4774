"""The addresses of the leader's pages."""

from django.urls import path

from workfloor.desks.leader import views as leader_views

app_name = "leader"
urlpatterns = [
    path("", leader_views.floor, name="floor"),
    path("failures/", leader_views.failures, name="failures"),
    path("items/<int:item_id>/", leader_views.item, name="item"),
]
