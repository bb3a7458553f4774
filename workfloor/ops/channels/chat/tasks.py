"""What time brings to chats."""

from django.db import transaction
from procrastinate.contrib.django import app

from workfloor.core.access.actors import CLOCK
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.channels.chat import actions as chats


@app.periodic(cron="* * * * * */20")
@app.task(queueing_lock="chat.sweep", pass_context=False)
def sweep(timestamp: int) -> None:
    """Every twenty seconds, end the chats whose visitors have left."""
    with transaction.atomic():
        rls.enter_every_client()
        chats.sweep(by=CLOCK, now=clock.now())
