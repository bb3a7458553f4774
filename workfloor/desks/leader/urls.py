"""The addresses of the leader's pages."""

from django.urls import path

from workfloor.desks.leader import views as leader_views

app_name = "leader"
urlpatterns = [
    path("", leader_views.floor, name="floor"),
    path("wallboard/", leader_views.wallboard, name="wallboard"),
    path("satisfaction/", leader_views.satisfaction, name="satisfaction"),
    path("failures/", leader_views.failures, name="failures"),
    path("queues/<int:queue_id>/", leader_views.queue, name="queue"),
    path("people/<int:person_id>/", leader_views.person, name="person"),
    path("people/<int:person_id>/state/", leader_views.set_state, name="set-state"),
    path("message/", leader_views.message_floor, name="message-floor"),
    path("messages/<int:team_message_id>/", leader_views.message, name="message"),
    path("people/<int:person_id>/message/", leader_views.message_person, name="message-person"),
    path("people/<int:person_id>/move/", leader_views.move, name="move"),
    path("people/<int:person_id>/end-move/", leader_views.end_move, name="end-move"),
    path("items/<int:item_id>/", leader_views.item, name="item"),
    path("items/<int:item_id>/monitor/", leader_views.monitor, name="monitor"),
    path("items/<int:item_id>/whisper/", leader_views.whisper, name="whisper"),
    path("items/<int:item_id>/stop-monitoring/", leader_views.stop_monitoring, name="stop-monitoring"),
    path("items/<int:item_id>/end/", leader_views.end, name="end"),
    path("items/<int:item_id>/wrap-up/", leader_views.wrap_up, name="wrap-up"),
    path("items/<int:item_id>/answer-call/", leader_views.answer_call, name="answer-call"),
    path("items/<int:item_id>/put-back/", leader_views.put_back, name="put-back"),
    path("items/<int:item_id>/assign/", leader_views.assign, name="assign"),
    path("items/<int:item_id>/take-over/", leader_views.take_over, name="take-over"),
    path("items/<int:item_id>/cancel/", leader_views.cancel, name="cancel"),
    path("items/<int:item_id>/customer-answered/", leader_views.customer_answered, name="customer-answered"),
    path("items/<int:item_id>/answer/", leader_views.answer, name="answer"),
    path("items/<int:item_id>/prioritise/", leader_views.prioritise, name="prioritise"),
    path("items/<int:item_id>/key-twice/", leader_views.key_twice, name="key-twice"),
    path("items/<int:item_id>/key-once/", leader_views.key_once, name="key-once"),
]
