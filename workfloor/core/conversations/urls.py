"""The addresses at which conversations are read."""

from django.urls import path

from workfloor.core.conversations import views

app_name = "conversations"
urlpatterns = [
    path("messages/<int:message_id>/", views.letter, name="letter"),
    path("messages/<int:message_id>/pictures/", views.allow_pictures, name="pictures"),
    path("files/<int:attachment_id>/", views.file, name="file"),
    path("cases/<int:case_id>/", views.case, name="case"),
    path("customers/<int:customer_id>/", views.customer, name="customer"),
]
