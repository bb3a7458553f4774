"""The address of the playbooks in force."""

from django.urls import path

from workfloor.ops.channels.playbooks import views as playbooks_views

app_name = "playbooks"
urlpatterns = [path("", playbooks_views.playbooks, name="playbooks")]
