"""Following a worker: what is shown, and how its end is told; with the scripted double."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.errors import BaseModelNotFound, WorkerError
from core.worker import events
from core.worker.requests import Request, Train
from core.worker.scripted import Scripted, ScriptedWorker, scripted
from core.worker.state import begin, fold
from tui.cli import jobs
from tui.cli.progress import Bar, Lines, amount

REQUEST = Train("reviews.db")
STARTED = events.Started("train", 3, "/logs/worker.log")
LOADED = events.Loaded("tiny", "the folder tiny", "CPU", "fp32", 10, 40, 8, 2, 64, 30)
STEP = events.StepDone(12, 30, 1.5, 0.4321, 34.2, 75.0)
SAVED = events.ModelSaved(3, "/models/run-3", "00")


def test_the_outcome_holds_what_happened() -> None:
    stored = events.SuggestionsStored(3, 20, True, "Suggestions come from run 3 now.")
    script: list[Scripted] = [STARTED, LOADED, STEP, SAVED, stored, events.Finished(3, 9.5)]
    outcome = jobs.carry_out(REQUEST, scripted(script))
    assert (outcome.state.run_id, outcome.seconds, outcome.saved, outcome.stored) == (3, 9.5, SAVED, stored)


def test_a_failure_becomes_the_error_it_was() -> None:
    failed = events.Failed("BaseModelNotFound", "There is none.", "Get one.", "/logs/worker.log")
    with pytest.raises(BaseModelNotFound, match=r"There is none\. Get one\."):
        jobs.carry_out(REQUEST, scripted([STARTED, failed]))


def test_a_death_names_the_log() -> None:
    failed = events.Failed("killed", "The worker was ended by signal 9.", "Start it again.", "")
    with pytest.raises(WorkerError, match=r"signal 9\. Start it again\. Its log is /logs/worker\.log\."):
        jobs.carry_out(REQUEST, scripted([STARTED, failed]))


def test_stopping_after_the_model_was_saved_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    pressed: list[Callable[[], None]] = []
    monkeypatch.setattr(jobs, "_interrupts", lambda ask: _Interrupts(pressed, ask))

    def start(request: Request) -> ScriptedWorker:
        script: list[Scripted] = [STARTED, SAVED, lambda: pressed[0](), LOADED]  # noqa: PLW0108 (there is none yet)
        worker = ScriptedWorker(request, script, step_by_step=True)
        worker.advance(3)
        return worker

    with pytest.raises(
        jobs.JobStopped, match=r"Run 3 has its model; “labelloop suggest reviews\.db --run 3” goes on from there"
    ):
        jobs.carry_out(REQUEST, start)


def test_a_stopped_training_with_a_checkpoint_says_how_to_go_on() -> None:
    written = events.CheckpointWritten(3, 1_200, "2025-01-01T00:00:00+00:00")
    script: list[Scripted] = [STARTED, LOADED, STEP, written, events.Cancelled(3, "Stopped at step 1200, as asked.")]
    with pytest.raises(jobs.JobStopped) as raised:
        jobs.carry_out(Train("my reviews.db"), scripted(script))
    assert str(raised.value).endswith(
        "as they were. To go on from step 1,200: labelloop train 'my reviews.db' --resume --run 3"
    )


class _Interrupts:
    """Stands for the signal: keeps what Ctrl+C would call."""

    def __init__(self, pressed: list[Callable[[], None]], ask: Callable[[], None]) -> None:
        pressed.append(ask)

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def test_lines_come_at_most_every_few_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    lines = Lines(clock=lambda: now[0])
    state = fold(fold(begin("train"), LOADED), STEP)
    for second in range(12):
        now[0] = float(second)
        lines.show(state)
    printed = capsys.readouterr().err.splitlines()
    assert printed == ["training step 12 of 30, epoch 1.5, loss 0.432, 34 reviews/s, 1 min 15 s left"] * 2


def test_the_bar_shows_rate_and_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    state = fold(begin("suggest"), events.Progressed("suggesting", 1_000, 4_000, 250.0, 12.0))
    with Bar() as bar:
        bar.show(state)
        bar.tell("halved [red] the batch \x1b[2J")
    assert "halved [red] the batch ␛[2J" in capsys.readouterr().err
    assert amount(state) == "1,000 of 4,000, 250 reviews/s, 12 s left"
