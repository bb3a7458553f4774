"""Who is answered when: in order, a few at once, not behind what is slow, and not after more than a while."""

import asyncio

from workfloor.runtime import requests


async def begun(turns: requests.Turns, name: str, running: list[str], ends: asyncio.Event) -> None:
    async with turns.turn():
        running.append(name)
        await ends.wait()


def test_few_are_answered_at_once_in_the_order_in_which_they_came():
    async def told() -> tuple[list[str], list[str]]:
        turns, running, ends = requests.Turns(2, 9), list[str](), asyncio.Event()
        tasks = [asyncio.create_task(begun(turns, name, running, ends)) for name in "abcd"]
        await asyncio.sleep(0)
        first = list(running)
        ends.set()
        await asyncio.gather(*tasks)
        return first, running

    assert asyncio.run(told()) == (["a", "b"], ["a", "b", "c", "d"])


def test_nobody_waits_for_what_is_slow_until_all_threads_are_taken(monkeypatch):
    monkeypatch.setattr(requests, "SLOW_SECONDS", 0.01)

    async def told() -> list[str]:
        turns, running, never = requests.Turns(1, 3), list[str](), asyncio.Event()
        tasks = [asyncio.create_task(begun(turns, name, running, never)) for name in "abcd"]
        while len(running) < 3:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
        return running

    assert asyncio.run(told()) == ["a", "b", "c"]


def test_whoever_comes_is_turned_away_only_while_somebody_waits_for_too_long(monkeypatch):
    monkeypatch.setattr(requests, "PATIENCE_SECONDS", 0.05)

    async def told() -> list[bool]:
        turns, ends = requests.Turns(1, 1), asyncio.Event()
        tasks = [asyncio.create_task(begun(turns, name, [], ends)) for name in "ab"]
        await asyncio.sleep(0)
        found = [turns.are_too_many()]
        await asyncio.sleep(0.2)
        found.append(turns.are_too_many())
        ends.set()
        await asyncio.gather(*tasks)
        return [*found, turns.are_too_many()]

    assert asyncio.run(told()) == [False, True, False]


def test_whoever_is_turned_away_is_told_that_nothing_was_done_and_may_send_it_again(monkeypatch):
    application, told = requests.WholeRequests(), []
    monkeypatch.setattr(application._turns, "are_too_many", lambda: True)

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        told.append(message)

    asyncio.run(application.handle({"type": "http", "path": "/desk/available/", "method": "POST"}, receive, send))

    assert told[0]["status"] == 503
    assert {name.decode(): value.decode() for name, value in told[0]["headers"]} == {
        "content-type": "application/json",
        "retry-after": "5",
        "x-turned-away": "busy",
    }
