"""The address of the playbooks in force."""

from django.urls import path

from workfloor.ops.playbook import views

app_name = "playbook"
urlpatterns = [path("", views.playbooks, name="playbooks")]
