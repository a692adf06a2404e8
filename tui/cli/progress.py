"""Progress of a job on stderr: a moving bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from rich.text import Text

from core.phrases import count, duration, percent, visible
from tui.cli.output import console, say

if TYPE_CHECKING:
    from core.worker.events import Event
    from core.worker.state import JobState

SECONDS_BETWEEN_LINES = 5.0


class Narrator(Protocol):
    """Shows how far a job is."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, state: JobState) -> None:
        """Show where the job stands; called after every event."""
        ...

    def tell(self, sentence: str) -> None:
        """Say something that stays on the screen."""
        ...


class Lines:
    """Plain lines, at most one every few seconds: for logs and pipes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def show(self, state: JobState) -> None:
        """Print a line if the last one is a while ago."""
        now = self._clock()
        if state.step and now - self._last >= SECONDS_BETWEEN_LINES:
            self._last = now
            say(f"{activity(state)} {amount(state)}")

    def tell(self, sentence: str) -> None:
        """Print a line."""
        say(sentence)


SHORTEST = 0.1
"""Seconds after which there is a rate worth telling."""


class Bar:
    """A bar with rate and time left, drawn in place; sentences go above it."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

        self._progress = Progress(
            SpinnerColumn("line"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[amount]}", markup=False),
            console=console(sys.stderr),
            transient=True,
        )
        self._task = self._progress.add_task("starting", total=None, amount="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, state: JobState) -> None:
        """Move the bar."""
        self._progress.update(
            self._task,
            description=activity(state),
            total=state.total or None,
            completed=state.step,
            amount=amount(state) if state.total else "",
        )

    def tell(self, sentence: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(Text(visible(sentence)), soft_wrap=True)


def narrator() -> Narrator:
    """What suits the stream: a bar for a person, lines for a file."""
    return Bar() if sys.stderr.isatty() else Lines()


@contextmanager
def watching() -> Iterator[Callable[[str, int, int], None]]:
    """Progress of work in this process; gives the function that is told what is done, how much, and of how much."""
    from core.worker.events import Progressed
    from core.worker.state import JobState, fold

    began = time.monotonic()
    now = ""
    with narrator() as shown:

        def report(doing: str, done: int, total: int) -> None:
            nonlocal began, now
            if doing != now:
                began, now = time.monotonic(), doing
            elapsed = time.monotonic() - began
            rate = done / elapsed if elapsed > SHORTEST else 0.0
            left = (total - done) / rate if rate else 0.0
            shown.show(fold(JobState(job=doing), Progressed(doing, done, total, rate, left)))

        yield report


def activity(state: JobState) -> str:
    """What is being done, in a word."""
    from core.worker.state import Phase

    words = {
        Phase.STARTING: "starting",
        Phase.TRAINING: "training",
        Phase.STOPPING: "stopping",
        Phase.WORKING: {
            "export": "exporting",
            "train": "suggesting",
            "suggest": "suggesting",
            "rehearse": "rehearsing",
        }.get(state.job, state.job),
    }
    return words.get(state.phase, state.phase.value)


def amount(state: JobState) -> str:
    """How much is done, how fast, and how long the rest takes."""
    training = state.phase.value == "training"
    parts = [f"{'step ' if training else ''}{state.step:,} of {state.total:,}"]
    if training and state.loss is not None:
        parts += [f"epoch {state.epoch:.1f}", f"loss {state.loss:.3f}"]
    if state.phase.value == "stopping":
        return parts[0]
    if state.per_second:
        parts.append(f"{state.per_second:,.0f} reviews/s")
    if state.seconds_left:
        parts.append(f"{duration(state.seconds_left)} left")
    return ", ".join(parts)


def told(event: Event) -> str:
    """The sentence that an event is worth; empty for those that only move the bar."""
    from core.worker import events

    if isinstance(event, events.Loaded):
        cut = f" {count(event.truncated, 'longer one')} cut at {event.max_length} tokens." if event.truncated else ""
        kept = f", {event.validation:,} kept back to watch it" if event.validation else ""
        return (
            f"{event.base_model} from {event.source}, on {event.device} in {event.precision}: "
            f"{count(event.total_steps, 'step')} over {count(event.train, 'review')}{kept}.{cut}"
        )
    if isinstance(event, events.Evaluated):
        best = ", the best so far" if event.best else ""
        return (
            f"epoch {event.epoch:.1f}: validation loss {event.loss:.3f}, accuracy {percent(event.accuracy, 1)}{best}"
        )
    if isinstance(event, events.Noticed):
        return event.message
    if isinstance(event, events.Rehearsed):
        accuracy = percent(event.scores["accuracy"], 1)
        return f"{event.method}: {count(event.labels, 'label')}, seed {event.seed}: accuracy {accuracy}"
    return ""
