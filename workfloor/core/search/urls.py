"""The address at which customers, cases and messages are looked for."""

from django.urls import path

from workfloor.core.search import views as search_views

app_name = "search"
urlpatterns = [path("", search_views.search, name="search")]
