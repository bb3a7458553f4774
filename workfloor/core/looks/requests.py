"""What a page or a call shows to whoever asks for it, as looks."""

import re
from datetime import datetime
from typing import Final

from django.http import HttpRequest

from workfloor.core.access.actors import Actor
from workfloor.core.looks import actions as looks

# What a page that is open sends when it reads itself again because it was told of something new (ui/live.js).
BY_ITSELF: Final = "X-By-Itself"
_FILLED_IN: Final = re.compile(r"<[^<>]*>")  # of an address: numbers and names, which the look has or may not have


def note(request: HttpRequest, *seen: looks.Seen, by: Actor, now: datetime) -> None:
    """Record that whoever asks sees these. A page that reads itself again was asked for by nobody: that is no look."""
    if BY_ITSELF in request.headers or not seen:
        return
    route = request.resolver_match.route if request.resolver_match else request.path
    looks.look(seen=seen, place=_FILLED_IN.sub("…", route), by=by, now=now)
