"""The addresses of mail that became no work."""

from django.urls import path

from workfloor.ops.channels.email import views

app_name = "email"
urlpatterns = [
    path("", views.mail, name="mail"),
    path("<int:arrival_id>/", views.raw, name="raw"),
    path("<int:arrival_id>/again/", views.again, name="again"),
    path("<int:arrival_id>/discard/", views.discard, name="discard"),
]
