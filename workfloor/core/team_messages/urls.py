"""The addresses at which people on the floor read and answer what was written to them."""

from django.urls import path

from workfloor.core.team_messages import views as team_messages_views

app_name = "team-messages"
urlpatterns = [
    path("<int:team_message_id>/read/", team_messages_views.read, name="read"),
    path("<int:team_message_id>/answer/", team_messages_views.answer, name="answer"),
]
