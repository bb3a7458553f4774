"""Clients that take their time: a head, a body and an idle connection are bounded; who goes on steadily is served."""

import asyncio

import pytest
from django.test import Client as Browser

from tests import make
from tests.visits import Visit
from workfloor.runtime import connections

HEAD = b"GET /accounts/login/ HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /api/work HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


async def says_nothing(port):
    visit = await Visit.to(port)
    await visit.end()
    assert visit.heard == b""


async def drips_a_head(port):
    visit = await Visit.to(port)
    await visit.drips(HEAD * 20)
    await visit.end()
    assert visit.heard.startswith(b"HTTP/1.1 408 ")


async def asks_and_stays(port):
    visit = await Visit.to(port)
    await visit.says(HEAD + b"\r\n")
    await visit.hears(b"HTTP/1.1 200 ")
    await visit.end()


async def asks_and_sends_empty_lines(port):
    visit = await Visit.to(port)
    await visit.says(HEAD + b"\r\n")
    await visit.hears(b"</html>")
    await visit.drips(b"\r\n" * 150)
    await visit.end()
    assert b"HTTP/1.1 408 " in visit.heard


async def asks_and_drips_the_next_head_behind_it(port):
    visit = await Visit.to(port)
    await visit.says(HEAD + b"\r\n" + HEAD)
    await visit.hears(b"HTTP/1.1 200 ")
    await visit.drips(b"X-More: " + b"x" * 300)
    await visit.end()


async def drips_a_body(port):
    visit = await Visit.to(port)
    await visit.says(POST % 900_000)
    await visit.drips(b"x" * 300)
    await visit.end()
    assert visit.heard == b""


async def sends_a_large_body_steadily(port):
    """For longer than a body may take that does not come on."""
    visit, pieces = await Visit.to(port), 2 * int(connections.BODY_SECONDS)
    await visit.says(POST % (pieces * 20_000))
    for _ in range(pieces):
        await visit.says(b"x" * 20_000)
        await asyncio.sleep(0.75)
    await visit.hears(b"HTTP/1.1 401 ")  # of nobody who has a token, but looked at


async def sends_a_head_in_pieces(port):
    visit = await Visit.to(port)
    for _ in range(2):  # twice on one connection
        for piece in (HEAD[:10], HEAD[10:], b"\r\n"):
            await visit.says(piece)
            await asyncio.sleep(1)
    await visit.hears(b"HTTP/1.1 200 ", times=2)


async def follows_a_stream(port, cookie):
    """For longer than all of the limits."""
    visit = await Visit.to(port)
    await visit.says(b"GET /live/?topic=floor HTTP/1.1\r\nHost: localhost\r\nCookie: %b\r\n\r\n" % cookie.encode())
    await visit.hears(b": still here", times=2)


CLIENTS = (
    says_nothing,
    drips_a_head,
    asks_and_stays,
    asks_and_sends_empty_lines,
    asks_and_drips_the_next_head_behind_it,
    drips_a_body,
    sends_a_large_body_steadily,
    sends_a_head_in_pieces,
)


@pytest.mark.installation
def test_slow_clients_are_ended_and_steady_ones_are_served(web):
    """All at once, for each of them mostly waits."""
    port = web()
    leader = make.person("leader")
    browser = Browser()
    browser.force_login(leader.account)
    [key] = [morsel.value for morsel in browser.cookies.values() if morsel.key.startswith("workfloor_session")]

    async def together():
        await asyncio.gather(
            follows_a_stream(port, f"workfloor_session_{port}={key}"), *(client(port) for client in CLIENTS)
        )

    asyncio.run(together())
