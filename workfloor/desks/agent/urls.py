"""The addresses of the agent's desk."""

from django.urls import path

from workfloor.desks.agent import views

app_name = "agent"
urlpatterns = [
    path("", views.desk, name="desk"),
    path("available/", views.available, name="available"),
    path("away/", views.away, name="away"),
    path("leave/", views.leave, name="leave"),
    path("items/<int:item_id>/talk/", views.talk, name="talk"),
    path("items/<int:item_id>/reply/", views.reply, name="reply"),
    path("items/<int:item_id>/note/", views.note, name="note"),
    path("items/<int:item_id>/seen/", views.seen, name="seen"),
    path("items/<int:item_id>/typing/", views.typing, name="typing"),
    path("items/<int:item_id>/articles/", views.articles, name="articles"),
    path("articles/<int:article_id>/", views.article, name="article"),
    path("items/<int:item_id>/accept/", views.accept, name="accept"),
    path("items/<int:item_id>/decline/", views.decline, name="decline"),
    path("items/<int:item_id>/hold/", views.hold, name="hold"),
    path("items/<int:item_id>/resume/", views.resume, name="resume"),
    path("items/<int:item_id>/await-customer/", views.await_customer, name="await-customer"),
    path("items/<int:item_id>/customer-answered/", views.customer_answered, name="customer-answered"),
    path("items/<int:item_id>/transfer/", views.transfer, name="transfer"),
    path("items/<int:item_id>/come-back/", views.come_back, name="come-back"),
    path("items/<int:item_id>/snooze/", views.snooze, name="snooze"),
    path("items/<int:item_id>/classify/", views.classify, name="classify"),
    path("items/<int:item_id>/merge/", views.merge, name="merge"),
    path("items/<int:item_id>/split/", views.split, name="split"),
    path("items/<int:item_id>/escalate/", views.escalate, name="escalate"),
    path("items/<int:item_id>/end/", views.end, name="end"),
    path("items/<int:item_id>/wrap-up/", views.wrap_up, name="wrap-up"),
    path("items/<int:item_id>/finish/", views.finish, name="finish"),
]
