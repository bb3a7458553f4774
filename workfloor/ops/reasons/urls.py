"""The addresses of the reasons for offers."""

from django.urls import path

from workfloor.ops.reasons import views

app_name = "reasons"
urlpatterns = [path("<int:item_id>/", views.why, name="why")]
