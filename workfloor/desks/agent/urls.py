"""The addresses of the agent's desk."""

from django.urls import path

from workfloor.desks.agent import views as agent_views

app_name = "agent"
urlpatterns = [
    path("", agent_views.desk, name="desk"),
    path("available/", agent_views.available, name="available"),
    path("away/", agent_views.away, name="away"),
    path("leave/", agent_views.leave, name="leave"),
    path("items/<int:item_id>/talk/", agent_views.talk, name="talk"),
    path("items/<int:item_id>/reply/", agent_views.reply, name="reply"),
    path("items/<int:item_id>/note/", agent_views.note, name="note"),
    path("take-back/", agent_views.take_back, name="take-back"),
    path("items/<int:item_id>/draft/", agent_views.draft, name="draft"),
    path("items/<int:item_id>/keep-draft/", agent_views.keep_draft, name="keep-draft"),
    path("items/<int:item_id>/seen/", agent_views.seen, name="seen"),
    path("items/<int:item_id>/typing/", agent_views.typing, name="typing"),
    path("items/<int:item_id>/articles/", agent_views.articles, name="articles"),
    path("articles/<int:article_id>/", agent_views.article, name="article"),
    path("items/<int:item_id>/accept/", agent_views.accept, name="accept"),
    path("items/<int:item_id>/decline/", agent_views.decline, name="decline"),
    path("items/<int:item_id>/hold/", agent_views.hold, name="hold"),
    path("items/<int:item_id>/resume/", agent_views.resume, name="resume"),
    path("items/<int:item_id>/await-customer/", agent_views.set_pending_customer, name="await-customer"),
    path("items/<int:item_id>/customer-answered/", agent_views.customer_answered, name="customer-answered"),
    path("items/<int:item_id>/transfer/", agent_views.transfer, name="transfer"),
    path("items/<int:item_id>/colleagues/", agent_views.colleagues, name="colleagues"),
    path("items/<int:item_id>/consult/", agent_views.consult, name="consult"),
    path("items/<int:item_id>/join/", agent_views.join, name="join"),
    path("items/<int:item_id>/decline-to-join/", agent_views.decline_to_join, name="decline-to-join"),
    path("items/<int:item_id>/end-consult/", agent_views.end_consult, name="end-consult"),
    path("items/<int:item_id>/hand-over/", agent_views.hand_over, name="hand-over"),
    path("items/<int:item_id>/leave/", agent_views.leave_item, name="leave-item"),
    path("items/<int:item_id>/key-again/", agent_views.key_again, name="key-again"),
    path("items/<int:item_id>/keyed-again/", agent_views.keyed_again, name="keyed-again"),
    path("items/<int:item_id>/come-back/", agent_views.come_back, name="come-back"),
    path("items/<int:item_id>/snooze/", agent_views.snooze, name="snooze"),
    path("items/<int:item_id>/classify/", agent_views.classify, name="classify"),
    path("items/<int:item_id>/confirm-customer/", agent_views.confirm_customer, name="confirm-customer"),
    path("items/<int:item_id>/merge/", agent_views.merge, name="merge"),
    path("items/<int:item_id>/split/", agent_views.split, name="split"),
    path("items/<int:item_id>/escalate/", agent_views.escalate, name="escalate"),
    path("items/<int:item_id>/end/", agent_views.end, name="end"),
    path("items/<int:item_id>/wrap-up/", agent_views.wrap_up, name="wrap-up"),
    path("items/<int:item_id>/finish/", agent_views.finish, name="finish"),
]
