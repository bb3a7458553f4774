"""The addresses of chat: what visitors' pages call, and the page to try a widget on."""

from django.urls import path

from workfloor.ops.channels.chat import api, views

app_name = "chat"
urlpatterns = [
    path("widget.js", views.program, name="program"),
    path("demo/<str:widget_key>/", views.demo, name="demo"),
    path("of/<str:widget_key>/", api.widget, name="widget"),
    path("of/<str:widget_key>/begin/", api.begin, name="begin"),
    path("of/<str:widget_key>/word/", api.leave_word, name="leave-word"),
    path("my/stream/", api.stream, name="stream"),
    path("my/messages/", api.say, name="say"),
    path("my/files/", api.send_file, name="send-file"),
    path("my/files/<int:attachment_id>/", api.file, name="file"),
    path("my/typing/", api.typing, name="typing"),
    path("my/read/", api.read, name="read"),
    path("my/end/", api.end, name="end"),
    path("my/rating/", api.rate, name="rate"),
]
