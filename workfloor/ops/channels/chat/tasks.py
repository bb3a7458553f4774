"""What time brings to chats."""

from django.db import transaction
from procrastinate.contrib.django import app

from workfloor.kit import clock, rls
from workfloor.ops.channels.chat import actions


@app.periodic(cron="* * * * * */20")
@app.task(queueing_lock="chat.sweep", pass_context=False)
def sweep(timestamp: int) -> None:
    """Every twenty seconds, end the chats whose visitors have left."""
    with transaction.atomic():
        rls.enter_every_client()
        actions.sweep(now=clock.now())
