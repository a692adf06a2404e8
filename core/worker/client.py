"""Starting the worker, listening to it, and ending it. Used by the screens and by the commands alike."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from core.errors import WorkerError
from core.worker import events, requests
from core.worker.events import LAST, Event, Failed

PATIENCE = 5.0
"""Seconds between asking a worker to stop, terminating it, and killing it."""

SAVING = 60.0
"""Seconds more for a worker that has said that it stops: it may be writing a checkpoint of gigabytes."""

QUICKLY = 2.0
"""Seconds that the quick learner has instead of both: what it keeps is whole at any moment, so it holds nobody up."""

LONGEST_LINE = 1 << 20
"""Bytes of an event; anything large travels through the database."""


class WorkerLike(Protocol):
    """What the screens know of a worker. The real one is `Worker`, the double `scripted.ScriptedWorker`."""

    def events(self) -> AsyncIterator[Event]:
        """Start the job and give its events; the last is Finished, Cancelled or Failed. Call once."""
        ...

    async def stop(self) -> None:
        """Ask for an end, and see to it that there is one."""
        ...

    async def ask(self, question: requests.Question) -> None:
        """Ask a running job something; the answer is an event. Nothing happens when it has ended."""
        ...


StartWorker = Callable[[requests.Request], WorkerLike]


class Worker:
    """A job in a process of its own.

    The process is started as `python -P -m core.worker`, in a session of its own, so that Ctrl+C in the
    terminal reaches us alone. Its end of input is its order to leave: it goes when we are gone, however.
    """

    def __init__(self, request: requests.Request) -> None:
        self._request = request
        self._process: asyncio.subprocess.Process | None = None
        self._stop_asked = False
        self._stop_heard = False

    @property
    def process_id(self) -> int | None:
        """The id of the process while there is one."""
        return self._process.pid if self._process else None

    async def events(self) -> AsyncIterator[Event]:
        """See `WorkerLike.events`. A worker that dies without a last event is reported as Failed."""
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "core.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=LONGEST_LINE,
            start_new_session=True,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        log = ""
        try:
            with contextlib.suppress(ConnectionError):
                process.stdin.write(requests.to_line(self._request).encode() + b"\n")
                if self._stop_asked:
                    process.stdin.write(b"stop\n")
                await process.stdin.drain()
            async for line in process.stdout:
                try:
                    event = events.from_line(line.decode())
                except (WorkerError, UnicodeDecodeError) as error:
                    yield Failed("WorkerError", str(error), "See the log.", log)
                    return
                if isinstance(event, events.Started):
                    log = event.log
                elif isinstance(event, events.StopHeard):
                    self._stop_heard = True
                yield event
                if isinstance(event, LAST):
                    return
            yield _died(await process.wait(), log)
        finally:
            await self._end(process)

    async def stop(self) -> None:
        """Ask the worker to stop at its next batch; insist if it does not, see `PATIENCE`, `SAVING`, `QUICKLY`."""
        process, self._stop_asked = self._process, True
        if process is None or process.returncode is not None:
            return
        assert process.stdin is not None
        with contextlib.suppress(ConnectionError):
            process.stdin.write(b"stop\n")
            await process.stdin.drain()
        await self._end(process)

    async def ask(self, question: requests.Question) -> None:
        """See `WorkerLike.ask`."""
        process = self._process
        if process is None or process.returncode is not None or process.stdin is None:
            return
        with contextlib.suppress(ConnectionError, RuntimeError):
            process.stdin.write(requests.question_to_line(question).encode() + b"\n")
            await process.stdin.drain()

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """Wait for the process to leave; then insist."""
        saves = not isinstance(self._request, requests.Assist)
        for insist in (process.terminate, process.kill, lambda: None):
            try:
                await asyncio.wait_for(asyncio.shield(process.wait()), PATIENCE if saves else QUICKLY)
                return
            except TimeoutError:
                if self._stop_heard and saves:
                    self._stop_heard = False
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(asyncio.shield(process.wait()), SAVING)
                        return
                with contextlib.suppress(ProcessLookupError):
                    insist()


def _died(code: int, log: str) -> Failed:
    how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
    return Failed(
        "killed",
        f"The worker {how} before its job was done.",
        "Nothing that was labelled is lost; start it again. If it happens again, close other programs: the "
        "system ends processes when memory runs out.",
        log,
    )
