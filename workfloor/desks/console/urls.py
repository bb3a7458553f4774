"""The addresses of the administration's pages."""

from django.urls import path

from workfloor.desks.console import views as console_views

app_name = "console"
urlpatterns = [
    path("", console_views.actions, name="actions"),
    path("do/<str:name>/", console_views.act, name="act"),
    path("people/", console_views.people_on_file, name="people"),
    path("permissions/", console_views.permissions_table, name="permissions"),
    path("audit/", console_views.audit, name="audit"),
    path("audit/audit.csv", console_views.audit_export, name="audit-export"),
]
