"""The addresses of transcripts."""

from django.urls import path

from workfloor.ops.channels.transcripts import api

app_name = "transcripts"
urlpatterns = [path("my/transcript/", api.transcript, name="transcript")]
