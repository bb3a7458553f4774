"""The addresses of mail that became no work, and of replies on their way out."""

from django.urls import path

from workfloor.ops.channels.email import views as email_views

app_name = "email"
urlpatterns = [
    path("", email_views.mail, name="mail"),
    path("<int:arrival_id>/", email_views.raw, name="raw"),
    path("<int:arrival_id>/again/", email_views.again, name="again"),
    path("<int:arrival_id>/discard/", email_views.discard, name="discard"),
    path("replies/<int:message_id>/again/", email_views.send_again, name="send-again"),
]
