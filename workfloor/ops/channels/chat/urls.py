"""The addresses of chat: what visitors' pages call, and the page to try a widget on."""

from django.urls import path

from workfloor.ops.channels.chat import api as chat_api
from workfloor.ops.channels.chat import views as chat_views

app_name = "chat"
urlpatterns = [
    path("widget.js", chat_views.program, name="program"),
    path("demo/<str:widget_key>/", chat_views.demo, name="demo"),
    path("of/<str:widget_key>/", chat_api.widget, name="widget"),
    path("of/<str:widget_key>/begin/", chat_api.begin, name="begin"),
    path("of/<str:widget_key>/word/", chat_api.leave_word, name="leave-word"),
    path("my/stream/", chat_api.stream, name="stream"),
    path("my/messages/", chat_api.say, name="say"),
    path("my/files/", chat_api.send_file, name="send-file"),
    path("my/files/<int:attachment_id>/", chat_api.file, name="file"),
    path("my/typing/", chat_api.typing, name="typing"),
    path("my/read/", chat_api.read, name="read"),
    path("my/back/", chat_api.come_back, name="come-back"),
    path("my/end/", chat_api.end, name="end"),
    path("my/rating/", chat_api.rate, name="rate"),
    path("my/transcript/", chat_api.transcript, name="transcript"),
]
