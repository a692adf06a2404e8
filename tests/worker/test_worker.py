"""A real worker process trains, suggests and exports; it can be stopped, killed and orphaned without harm."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from sqlmodel import Session, col, func, select

from core.storage import browse, cards, learning, queue, runs
from core.storage.browse import Filter
from core.storage.database import Database, project_of
from core.storage.tables import Review, Run, RunStatus, Suggestion
from core.worker import events, requests
from core.worker.client import Worker
from core.worker.events import (
    Cancelled,
    Evaluated,
    Event,
    Failed,
    Finished,
    Loaded,
    ModelSaved,
    Progressed,
    Started,
    StepDone,
    SuggestionsStored,
)
from core.worker.requests import Export, Suggest, Train
from tests.conftest import MakeProject

from .conftest import LABELLED, OPEN, all_of

MakeTrain = Callable[..., Train]


def run_of(database: Database, run_id: int) -> Run:
    with database.reading() as session:
        run = session.get(Run, run_id)
    assert run is not None
    return run


def seen_by_a_person(session: Session) -> int | None:
    """How many suggestions are shown; none when no run is in use."""
    run_id = project_of(session).run_in_use
    if run_id is None:
        assert cards.suggestions(session, [LABELLED + 1, LABELLED + 2], multi=False) == {}
        return None
    return session.exec(select(func.count()).where(col(Suggestion.run_id) == run_id)).one()


async def test_killed_in_mid_training_nothing_is_lost_and_the_next_training_works(
    labelled_project: Database, training: MakeTrain
) -> None:
    database = labelled_project
    worker = Worker(training(database, endless=True))
    heard: list[Event] = []
    async for event in worker.events():
        if isinstance(event, StepDone) and not any(isinstance(one, StepDone) for one in heard):
            assert worker.process_id is not None
            os.kill(worker.process_id, signal.SIGKILL)
        heard.append(event)
    last = heard[-1]
    assert isinstance(last, Failed)
    assert last.kind == "killed"
    assert "signal 9" in last.message
    assert Path(last.log).exists()
    assert run_of(database, 1).status is RunStatus.RUNNING, "it had no time to say otherwise"
    with database.writing() as session:
        assert runs.running(session) is None
        assert runs.mark_interrupted(session) == [1]
        assert runs.mark_interrupted(session) == []
    assert run_of(database, 1).status is RunStatus.INTERRUPTED
    with database.reading() as session:
        assert browse.counts(session).labelled == LABELLED
        expected = learning.to_suggest_count(session)
        examples = learning.examples(session, audit=False)

    kinds: list[type[Event]] = []
    worker = Worker(training(database))
    async for event in worker.events():
        kinds.append(type(event))
        with database.reading() as session:
            assert seen_by_a_person(session) in (None, expected), "all at once or not at all"
    once = [kind for kind in kinds if kind not in (StepDone, Evaluated, Progressed)]
    assert once == [Started, Loaded, ModelSaved, SuggestionsStored, Finished]
    assert kinds[0] is Started
    assert kinds.index(Loaded) < kinds.index(StepDone) < kinds.index(ModelSaved) < kinds.index(Progressed)

    run = run_of(database, 2)
    assert (run.status, run.suggested, run.message) == (RunStatus.FINISHED, expected, "")
    assert run.train_size + run.validation_size == len(examples) < LABELLED
    assert run.annotations_digest == learning.digest(examples)
    assert run.finished_at is not None
    assert run.finished_at > run.started_at
    folder = database.models / run.folder
    assert hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest() == run.weights_sha256
    from core.training.device import choose_device
    from core.training.saved import load

    assert load(folder, choose_device("cpu")).label_names == ("positive", "negative")
    with database.reading() as session:
        assert seen_by_a_person(session) == expected
        assert runs.curve(session, 2, "loss")
        assert [step for step, _ in runs.curve(session, 2, "loss")] == list(
            range(1, len(runs.curve(session, 2, "loss")) + 1)
        )
        suggested = cards.suggestions(session, browse.page(session, Filter(), 0, LABELLED + OPEN), multi=False)
        texts = {review.id: review.text for review in session.exec(select(Review))}
        upcoming = queue.upcoming(session, [], 50)
        assert len(set(upcoming)) == 50
        assert all(one > LABELLED for one in upcoming), "what is labelled does not come up again"
    assert len(suggested) == expected
    for one in suggested.values():
        assert sum(one.scores.values()) == pytest.approx(1, abs=1e-4)
        assert one.probability == pytest.approx(max(one.scores.values()), abs=1e-6)
        assert one.scores[one.label_ids[0]] == max(one.scores.values())
    assert set(suggested) <= set(texts)


async def test_a_second_training_is_refused_and_stop_ends_the_first(
    labelled_project: Database, training: MakeTrain
) -> None:
    database = labelled_project
    first = Worker(training(database, endless=True))
    stopping: asyncio.Task[None] | None = None
    heard: list[Event] = []
    refused: list[Event] = []
    async for event in first.events():
        heard.append(event)
        if isinstance(event, StepDone) and stopping is None:
            refused, _ = await all_of(training(database))
            stopping = asyncio.create_task(first.stop())
    assert stopping is not None
    await stopping
    assert [type(event) for event in refused] == [Failed]
    assert isinstance(refused[0], Failed)
    assert refused[0].kind == "TrainingError"
    assert refused[0].sentence == "Run 1 of this project is training already. Wait for it, or stop it."
    last = heard[-1]
    assert isinstance(last, Cancelled)
    assert last.run_id == 1
    run = run_of(database, 1)
    assert (run.status, run.message, run.folder) == (RunStatus.CANCELLED, last.message, "")
    with database.reading() as session:
        assert len(runs.all_runs(session)) == 1, "the refused one left no run"
        assert project_of(session).run_in_use is None
        assert session.exec(select(func.count()).select_from(Suggestion)).one() == 0


PARENT = """
import asyncio, json, sys
from core.worker.client import Worker
from core.worker.events import StepDone
from core.worker.requests import from_line

async def main():
    worker = Worker(from_line(sys.argv[1]))
    async for event in worker.events():
        if isinstance(event, StepDone):
            print(worker.process_id, flush=True)

asyncio.run(main())
"""


def test_a_worker_whose_screen_was_killed_leaves_too(labelled_project: Database, training: MakeTrain) -> None:
    line = requests.to_line(training(labelled_project, endless=True))
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, line], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert parent.stdout is not None
    worker = psutil.Process(int(parent.stdout.readline()))
    assert worker.is_running()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    gone, alive = psutil.wait_procs([worker], timeout=20)
    assert (gone, alive) == ([worker], [])
    with labelled_project.writing() as session:
        runs.mark_interrupted(session)
    assert run_of(labelled_project, 1).status in (RunStatus.CANCELLED, RunStatus.INTERRUPTED)


def test_the_end_of_its_input_alone_stops_a_worker(labelled_project: Database, training: MakeTrain) -> None:
    """Somebody may still hold the other end of its output: only the input tells that the screen is gone."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "core.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(requests.to_line(training(labelled_project, endless=True)) + "\n")
    process.stdin.flush()
    for line in process.stdout:
        if isinstance(events.from_line(line), StepDone):
            break
    process.stdin.close()
    try:
        process.wait(timeout=20)
    finally:
        process.kill()
    said = [events.from_line(line) for line in process.stdout]
    assert isinstance(said[-1], Cancelled)
    assert run_of(labelled_project, 1).status is RunStatus.CANCELLED
    process.stdout.close()


async def test_what_cannot_be_done_is_said_in_a_sentence(
    project: MakeProject, training: MakeTrain, tmp_path: Path
) -> None:
    database = project(reviews=["one", "two"])
    missing = tmp_path / "missing.db"
    told = await asyncio.gather(
        all_of(training(database)),
        all_of(Suggest(str(database.path), run_id=7)),
        all_of(Export(str(missing), str(tmp_path / "out.csv"))),
        all_of(Export(str(database.path), str(tmp_path / "no" / "out.csv"))),
    )
    failures = []
    for heard, _worker in told:
        assert isinstance(heard[-1], Failed)
        assert heard[-1].remedy
        assert Path(heard[-1].log).exists()
        failures.append((heard[-1].kind, heard[-1].message))
    assert failures == [
        ("TooFewLabels", "There are 0 labelled reviews to train on."),
        ("ModelError", "There is no run 7."),
        ("NotAProject", f"{missing} cannot be read: No such file or directory."),
        ("FileError", f"The folder {tmp_path / 'no'} does not exist."),
    ]
    with database.reading() as session:
        assert runs.all_runs(session) == []
