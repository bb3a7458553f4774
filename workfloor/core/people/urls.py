"""The addresses at which people without a password get one."""

from django.urls import path

from workfloor.core.people import views as people_views

app_name = "people"
urlpatterns = [
    path("reset/", people_views.forgotten, name="forgotten"),
    path("reset/asked/", people_views.asked, name="asked"),
    path("choose/", people_views.choose, name="choose"),
    path("chosen/", people_views.chosen, name="chosen"),
    # The library's own way to reset a password, which sends mail within the request.
    path("reset/<path:rest>", people_views.otherwise, name="otherwise"),
]
