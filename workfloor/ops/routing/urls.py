"""The addresses of the reasons for offers."""

from django.urls import path

from workfloor.ops.routing import views as routing_views

app_name = "routing"
urlpatterns = [path("<int:item_id>/", routing_views.why, name="why")]
