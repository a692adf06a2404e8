"""The double behaves as the real worker does: plays, waits when told to, stops."""

from __future__ import annotations

import asyncio

from core.worker.events import Cancelled, Event, Finished, Noticed, Started
from core.worker.requests import Train
from core.worker.scripted import ScriptedWorker, scripted

REQUEST = Train("p.db")
START, LAST = Started("train", 1, ""), Finished(1, 2.0)


async def test_it_plays_its_script_and_does_things_in_between() -> None:
    done: list[str] = []
    worker = ScriptedWorker(REQUEST, [START, lambda: done.append("stored"), LAST])
    heard = []
    async for event in worker.events():
        heard.append((event, list(done)))
    assert heard == [(START, []), (LAST, ["stored"])]
    assert worker.request == REQUEST


async def test_step_by_step_it_waits_to_be_allowed() -> None:
    worker = scripted([START, Noticed("x"), LAST], step_by_step=True)(REQUEST)
    heard: list[Event] = []

    async def listen() -> None:
        async for event in worker.events():
            heard.append(event)

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0)
    assert heard == []
    worker.advance()
    await asyncio.sleep(0)
    assert heard == [START]
    worker.advance(2)
    await listening
    assert heard == [START, Noticed("x"), LAST]


async def test_stopped_it_ends_with_cancelled_wherever_it_stood() -> None:
    for allowed in (0, 1, 2):
        worker = ScriptedWorker(REQUEST, [START, Noticed("x"), LAST], step_by_step=True)
        worker.advance(allowed)
        await worker.stop()
        heard = [event async for event in worker.events()]
        assert isinstance(heard[-1], Cancelled)
        assert not any(isinstance(event, Finished) for event in heard)
        assert worker.stopped


async def test_each_worker_of_a_script_plays_it_from_the_beginning() -> None:
    start = scripted([START, LAST])
    for _ in range(2):
        assert [event async for event in start(REQUEST).events()] == [START, LAST]
