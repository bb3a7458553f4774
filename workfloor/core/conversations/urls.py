"""The addresses at which conversations are read."""

from django.urls import path

from workfloor.core.conversations import views as conversations_views

app_name = "conversations"
urlpatterns = [
    path("messages/<int:message_id>/", conversations_views.letter, name="letter"),
    path("messages/<int:message_id>/pictures/", conversations_views.allow_pictures, name="pictures"),
    path("files/<int:attachment_id>/", conversations_views.file, name="file"),
    path("cases/<int:case_id>/", conversations_views.case, name="case"),
    path("customers/<int:customer_id>/", conversations_views.customer, name="customer"),
]
