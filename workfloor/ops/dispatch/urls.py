"""The addresses of the reasons for offers."""

from django.urls import path

from workfloor.ops.dispatch import views

app_name = "dispatch"
urlpatterns = [path("<int:item_id>/", views.why, name="why")]
