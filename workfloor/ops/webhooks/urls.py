"""The addresses of endpoints and of what is sent to them."""

from django.urls import path

from workfloor.ops.webhooks import views as webhooks_views

app_name = "webhooks"
urlpatterns = [
    path("", webhooks_views.endpoints, name="endpoints"),
    path("<int:endpoint_id>/", webhooks_views.deliveries, name="deliveries"),
    path("<int:endpoint_id>/pause/", webhooks_views.pause, name="pause"),
    path("<int:endpoint_id>/resume/", webhooks_views.resume, name="resume"),
    path("<int:endpoint_id>/test/", webhooks_views.send_test, name="test"),
    path("<int:endpoint_id>/rotate/", webhooks_views.rotate, name="rotate"),
    path("<int:endpoint_id>/remove/", webhooks_views.remove, name="remove"),
    path("deliveries/<int:delivery_id>/again/", webhooks_views.send_again, name="send-again"),
]
