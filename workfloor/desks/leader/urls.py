"""The address of the leader's page."""

from django.urls import path

from workfloor.desks.leader import views

app_name = "leader"
urlpatterns = [path("", views.floor, name="floor")]
