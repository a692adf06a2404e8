"""A worker that plays back given events: what the screens are tried out and tested with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable

from core.worker.events import Cancelled, Event
from core.worker.requests import Question, Request

Scripted = Event | Callable[[], None]
"""An event to send, or something to do between two events, such as storing suggestions."""


class ScriptedWorker:
    """Plays a script, one entry each time `advance` allows it; all of it at once by default."""

    def __init__(self, request: Request, script: Iterable[Scripted], step_by_step: bool = False) -> None:
        self.request = request
        self.stopped = False
        self.asked: list[Question] = []
        """What it was asked; a script holds the answers."""
        self._script = list(script)
        self._allowed = asyncio.Semaphore(0 if step_by_step else len(self._script))

    def advance(self, entries: int = 1) -> None:
        """Let the next entries be played."""
        for _ in range(entries):
            self._allowed.release()

    async def events(self) -> AsyncIterator[Event]:
        """Play the script. After `stop`, a Cancelled takes the place of what is left."""
        for entry in self._script:
            await self._allowed.acquire()
            if self.stopped:
                yield Cancelled(None, "Stopped as asked.")
                return
            if callable(entry):
                entry()
            else:
                yield entry

    async def ask(self, question: Question) -> None:
        """Remember what was asked."""
        self.asked.append(question)

    async def stop(self) -> None:
        """End the script."""
        self.stopped = True
        self.advance()


def scripted(script: Iterable[Scripted], step_by_step: bool = False) -> Callable[[Request], ScriptedWorker]:
    """A `StartWorker` whose workers all play the same script."""
    entries = list(script)
    return lambda request: ScriptedWorker(request, entries, step_by_step)
