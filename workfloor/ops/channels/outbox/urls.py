"""The addresses of replies on their way out."""

from django.urls import path

from workfloor.ops.channels.outbox import views

app_name = "outbox"
urlpatterns = [path("<int:message_id>/again/", views.again, name="again")]
