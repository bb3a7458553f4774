"""A client whose site chats, as most of these tests need it."""

from typing import Any

import pytest

SETTINGS = """
title = { en = "Lisbon Light" }
questions = [
  { name = "name", kind = "name", required = true },
  { name = "email", kind = "email" },
  { name = "card", label = { en = "Your card" } },
]
instead = { email = "mail", callback = "calls" }
max_wait = "60s"
"""
ORIGIN = "https://www.lisbon-light.example"


@pytest.fixture
def widget(everyone: None) -> Any:
    from tests import make
    from workfloor.core.access import actors
    from workfloor.ops.channels.chat import actions as chats

    make.client(chats=True)
    return chats.add_widget(queue=make.queue("chats"), origins=[ORIGIN], source=SETTINGS, by=actors.ROOT, now=make.NINE)


@pytest.fixture
def begin(widget: Any) -> Any:
    """Begin a chat: begin("secret letter", message="...")."""
    from tests import make
    from workfloor.ops.channels.chat import actions as chats

    def begun(letter: str = "a", message: str = "My bill is wrong", **more):
        given = {
            "widget": widget,
            "secret": letter * 43,
            "key": f"first-{letter}",
            "answers": {"name": "Rui"},
            "address": "192.0.2.1",
            "now": make.NINE,
        }
        return chats.begin(message=message, **(given | more))

    return begun
