"""Every address of the product."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from ninja import NinjaAPI

from workfloor.core.clients.api import NoScope
from workfloor.core.people import views as people
from workfloor.ui import views as ui

api = NinjaAPI(title="Workfloor", version="1", description="Work in, work state out, statements out.")
api.add_router("", "workfloor.core.work.api.router")
api.add_router("", "workfloor.ops.billing.api.router")


@api.exception_handler(NoScope)
def _no_scope(request: HttpRequest, fault: NoScope) -> HttpResponse:
    # As if nothing were here: a token learns nothing about what it was not issued for.
    return api.create_response(request, {"detail": "Not Found"}, status=404)


handler500 = "workfloor.ui.views.failed"

urlpatterns = [
    path("", ui.home, name="home"),
    path("live/", people.live, name="live"),
    path("api/", api.urls),
    path("accounts/", include("allauth.urls")),
    path("desk/", include("workfloor.desks.agent.urls")),
    path("floor/", include("workfloor.desks.leader.urls")),
    path("", include("workfloor.ops.billing.urls")),
]
