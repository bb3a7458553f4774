"""Every address of the product."""

from typing import Final

from django.urls import include, path
from ninja import NinjaAPI
from ninja.openapi.docs import ABS_TPL_PATH, Swagger

from workfloor.core.clients import api as clients_api
from workfloor.core.people import middleware as people_middleware
from workfloor.core.people import views as people_views
from workfloor.ui import views as ui_views

ABOUT_THE_API: Final = """
Work in, work state out, statements and invoices out.

Every call carries a token of one client, `Authorization: Bearer wf_…`, and sees that client alone: what belongs to
another client, or what the token was not issued for, does not exist (404). Tokens are issued on the command line:
`workfloor admin token issue CLIENT --title "their system" --scope work:write --scope work:read`.

What administers the installation (`/actions/…`) and what searches it (`/search`) is called by people, with the token
that `workfloor sign-in EMAIL --print` gives.

Bodies are JSON in UTF-8. Times are instants in UTC. Whatever goes wrong is answered with `detail`, which says what to
do, and for a body or an address that is not understood with `fields`, place by place. Calls can be repeated safely: the
sender's `key` makes the same work arrive once.
"""


class Page(Swagger):
    """The API's page with its files from here, though ninja is no application (settings)."""

    template_cdn = str(ABS_TPL_PATH / "swagger.html")


api = NinjaAPI(
    title="Workfloor",
    version="1",
    description=ABOUT_THE_API,
    # The page of a hosted installation would otherwise show a badge from a validator elsewhere.
    docs=Page(settings={"validatorUrl": None}),
)
api.add_router("", "workfloor.core.work.api.router")
api.add_router("", "workfloor.core.search.api.router")
api.add_router("", "workfloor.ops.billing.api.router")
api.add_router("", "workfloor.desks.console.api.router")
clients_api.word_problems(api)

handler500 = "workfloor.ui.views.failed"

urlpatterns = [
    path("", ui_views.home, name="home"),
    path("live/", people_middleware.live, name="live"),
    path("language/", people_views.choose_language, name="language"),
    path("api/", api.urls),
    path("accounts/password/", include("workfloor.core.people.urls")),  # before the library's
    # What the library has and nobody here needs: addresses are given by whoever takes people on, and nobody signs up.
    path("accounts/email/", people_views.closed, name="closed"),
    path("accounts/confirm-email/", people_views.closed, name="closed"),
    path("accounts/confirm-email/<path:rest>", people_views.closed, name="closed"),
    path("accounts/signup/", people_views.closed, name="closed"),
    path("accounts/login/code/<path:rest>", people_views.closed, name="closed"),
    path("accounts/", include("allauth.urls")),
    path("chat/", include("workfloor.ops.channels.chat.urls")),
    path("mail/", include("workfloor.ops.channels.email.urls")),
    path("conversations/", include("workfloor.core.conversations.urls")),
    path("search/", include("workfloor.core.search.urls")),
    path("messages/", include("workfloor.core.team_messages.urls")),
    path("desk/", include("workfloor.desks.agent.urls")),
    path("floor/", include("workfloor.desks.leader.urls")),
    path("administration/", include("workfloor.desks.console.urls")),
    path("webhooks/", include("workfloor.ops.webhooks.urls")),
    path("escalations/", include("workfloor.ops.escalation.urls")),
    path("playbooks/", include("workfloor.ops.channels.playbooks.urls")),
    path("floor/why/", include("workfloor.ops.routing.urls")),
    path("", include("workfloor.ops.billing.urls")),
    path("", include("workfloor.ops.relationship.urls")),
]
