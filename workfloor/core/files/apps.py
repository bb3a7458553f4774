"""Files: what customers sent and we keep outside the database, each client's under a key of its own."""

from django.apps import AppConfig


class FilesConfig(AppConfig):
    name = "workfloor.core.files"
    label = "files"
