"""The addresses of escalations."""

from django.urls import path

from workfloor.ops.escalation import views as escalation_views

app_name = "escalation"
urlpatterns = [
    path("", escalation_views.inbox, name="inbox"),
    path("<int:escalation_id>/acknowledge/", escalation_views.acknowledge, name="acknowledge"),
    path("<int:escalation_id>/answer/", escalation_views.answer, name="answer"),
]
