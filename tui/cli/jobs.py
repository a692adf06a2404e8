"""Having the worker do a job, with its progress shown, until it is done, stopped or failed."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core import errors
from core.worker import events, requests
from core.worker.client import StartWorker, Worker, WorkerLike
from core.worker.state import JobState, begin, fold, stopping
from tui.cli.progress import Narrator, narrator, told

if TYPE_CHECKING:
    from core.worker.events import Event


class JobStopped(errors.LabelloopError):
    """The job was stopped with Ctrl+C."""


@dataclass(frozen=True)
class Outcome:
    """What a job has led to."""

    state: JobState
    seconds: float = 0.0
    saved: events.ModelSaved | None = None
    stored: events.SuggestionsStored | None = None


def carry_out(
    request: requests.Request, start: StartWorker = Worker, follow: Callable[[JobState], None] = lambda _state: None
) -> Outcome:
    """Do a job in the worker; `follow` is told its state after every event.

    Raises JobStopped after Ctrl+C, and for a job that failed the error that the worker told, or WorkerError.
    """
    job = type(request).__name__.casefold()
    with narrator() as shown:
        return asyncio.run(_Job(start(request), job, request.project, shown, follow).run())


class _Job:
    """One job and the order to stop it."""

    def __init__(
        self, worker: WorkerLike, job: str, project: str, shown: Narrator, follow: Callable[[JobState], None]
    ) -> None:
        self._worker = worker
        self._follow = follow
        self._project = shlex.quote(project)
        self._shown = shown
        self._outcome = Outcome(begin(job))
        self._stopping: asyncio.Task[None] | None = None

    async def run(self) -> Outcome:
        """Follow the events to the last one."""
        with _interrupts(self._ask_to_stop):
            async for event in self._worker.events():
                self._take(event)
                if self._stopping is not None and isinstance(event, events.Started):
                    self._order_stop()  # the first order may have come before there was a process
            if self._stopping is not None:
                await self._stopping
        return self._outcome

    def _take(self, event: Event) -> None:
        outcome = replace(self._outcome, state=fold(self._outcome.state, event))
        self._follow(outcome.state)
        if isinstance(event, events.ModelSaved):
            outcome = replace(outcome, saved=event)
        elif isinstance(event, events.SuggestionsStored):
            outcome = replace(outcome, stored=event)
        elif isinstance(event, events.Finished):
            outcome = replace(outcome, seconds=event.seconds)
        elif isinstance(event, events.Cancelled):
            raise JobStopped(event.message, self._kept())
        elif isinstance(event, events.Failed):
            raise self._failure(event)
        self._outcome = outcome
        if sentence := told(event):
            self._shown.tell(sentence)
        self._shown.show(outcome.state)

    def _ask_to_stop(self) -> None:
        first = self._stopping is None
        self._shown.tell("Stopping at the next batch …" if first else "Still stopping; a moment …")
        self._outcome = replace(self._outcome, state=stopping(self._outcome.state))
        self._shown.show(self._outcome.state)
        if first:
            self._order_stop()

    def _order_stop(self) -> None:
        self._stopping = asyncio.get_running_loop().create_task(self._worker.stop())

    def _failure(self, event: events.Failed) -> errors.LabelloopError:
        if self._stopping is not None and event.kind == "killed":
            return JobStopped("Stopped before it had come to a batch.", self._kept())
        kind = getattr(errors, event.kind, None)
        if isinstance(kind, type) and issubclass(kind, errors.LabelloopError):
            return kind(event.message, event.remedy)
        log = event.log or self._outcome.state.log
        remedy = event.remedy if not log or log in event.remedy else f"{event.remedy} Its log is {log}."
        return errors.WorkerError(event.message, remedy)

    def _kept(self) -> str:
        state, saved = self._outcome.state, self._outcome.saved
        if state.job == "export":
            return "Nothing was written."
        if state.job == "rehearse":
            return ""
        if saved is not None:
            again = f"labelloop suggest {self._project} --run {saved.run_id}"
            return f"Run {saved.run_id} has its model; “{again}” goes on from there."
        kept = "Labels, earlier runs and their suggestions are as they were."
        if not state.checkpoint_step:
            return kept
        again = f"labelloop train {self._project} --resume --run {state.run_id}"
        return f"{kept} To go on from step {state.checkpoint_step:,}: {again}"


@contextlib.contextmanager
def _interrupts(ask: Callable[[], None]) -> Iterator[None]:
    """Ctrl+C calls `ask` instead of ending this process, where the system can do that."""
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signal.SIGINT, ask)
    except (NotImplementedError, RuntimeError, ValueError):
        yield  # Windows, or no main thread: Ctrl+C ends us, and the worker leaves when we are gone
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
