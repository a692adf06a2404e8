"""What was acknowledged is on disk: in order, through failures, other writers and sudden death."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel import Session

from core.errors import LabelloopError, ProjectBusy, SchemeError
from core.storage import browse, decisions, sqlite
from core.storage.database import Database, annotator_id, open_project, project_of
from core.storage.states import labelled, states
from core.storage.writer import OrderedWriter
from tests.conftest import MakeProject

LABEL_FAST = """
import sys
from pathlib import Path
from core.labelling.session import LabellingSession
from core.storage.database import open_project

session = LabellingSession(open_project(Path(sys.argv[1])), "ann")
given = []
submit = session.writer.submit
def told(work, done=lambda _: None, failed=lambda _: None):
    submit(work, lambda result, review=given[-1]: print(review, flush=True), failed)
session.writer.submit = told
while session.current is not None:
    given.append(session.current.review_id)
    session.give([1 + len(given) % 2])
"""


def test_jobs_run_in_the_order_they_were_handed_in(project: MakeProject) -> None:
    writer = OrderedWriter(project())
    ran: list[int] = []
    told: list[int] = []

    def job(number: int) -> Callable[[Session], int]:
        def run(_session: Session) -> int:
            ran.append(number)
            return number

        return run

    for number in range(100):
        writer.submit(job(number), told.append)
    writer.close()
    assert ran == told == list(range(100))


def test_a_failing_job_is_reported_rolled_back_and_stops_no_other(project: MakeProject) -> None:
    database = project()
    writer = OrderedWriter(database)
    failures: list[LabelloopError] = []

    def name_it(session: Session, name: str) -> None:
        row = project_of(session)
        row.name = name
        session.add(row)
        session.flush()

    def half_way(session: Session) -> None:
        name_it(session, "half")
        raise SchemeError("No such label.")

    def by_surprise(session: Session) -> None:
        raise ZeroDivisionError

    writer.submit(lambda session: name_it(session, "first"))
    writer.submit(half_way, failed=failures.append)
    writer.submit(by_surprise, failed=failures.append)
    assert writer.flush()
    with database.reading() as session:
        assert project_of(session).name == "first"
    writer.submit(lambda session: name_it(session, "last"))
    writer.close()
    with database.reading() as session:
        assert project_of(session).name == "last"
    assert str(failures[0]) == "No such label."
    assert "ZeroDivisionError" in str(failures[1])


def test_a_listener_that_fails_does_not_keep_later_labels_from_the_disk(project: MakeProject) -> None:
    database = project(reviews=["a", "b"])
    writer = OrderedWriter(database)

    def gone(_: object) -> None:
        raise RuntimeError("the screen is gone")

    def label(session: Session, review_id: int) -> None:
        person = annotator_id(session, "ann")
        decisions.decide(session, person, "label", {review_id: labelled(person, [1])})

    writer.submit(lambda session: label(session, 1), gone)
    writer.submit(lambda _session: 1 // 0, failed=gone)
    writer.submit(lambda session: label(session, 2))
    assert writer.flush(5)
    with database.reading() as session:
        assert set(states(session, [1, 2])) == {1, 2}
    writer.close()


def test_every_acknowledged_label_survives_kill_9(project: MakeProject) -> None:
    database = project(reviews=[f"review {number}" for number in range(3_000)])
    process = subprocess.Popen(
        [sys.executable, "-c", LABEL_FAST, str(database.path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(150)]
    os.kill(process.pid, signal.SIGKILL)
    acknowledged += [int(line) for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    assert len(acknowledged) == len(set(acknowledged))
    database.close()
    reopened = open_project(database.path)
    try:
        with reopened.reading() as session:
            found = states(session, acknowledged)
            assert set(found) == set(acknowledged)
            for place, review_id in enumerate(acknowledged, start=1):
                assert found[review_id].label_ids == (1 + place % 2,)
            counted = browse.counts(session)
            assert len(acknowledged) <= counted.labelled < 3_000, "it was killed in the middle"
            assert sqlite.integrity(session.connection()) == []
    finally:
        reopened.close()


def test_two_processes_writing_at_once_both_succeed(project: MakeProject) -> None:
    database = project(reviews=[f"review {number}" for number in range(120)])
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from core.storage.database import open_project, annotator_id\n"
        "from core.storage.decisions import decide\nfrom core.storage.states import labelled\n"
        "database = open_project(Path(sys.argv[1]))\nprint('ready', flush=True)\nsys.stdin.readline()\n"
        "for review_id in range(int(sys.argv[2]), 121, 2):\n"
        "    with database.writing() as session:\n"
        "        person = annotator_id(session, 'p' + sys.argv[2])\n"
        "        decide(session, person, 'x', {review_id: labelled(person, [1])})\n"
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(database.path), str(first)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for first in (1, 2)
    ]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.communicate("go\n", timeout=60)
    assert [process.returncode for process in both] == [0, 0]
    with database.reading() as session:
        assert len(states(session, range(1, 121))) == 120


def test_a_lock_held_too_long_becomes_a_sentence(project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    path = project(reviews=["a"]).path
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    impatient = open_project(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(ProjectBusy, match=r"Another program has held .*reviews\.db for more than 0\.05 seconds"):
            label_one(impatient)
        told: list[LabelloopError] = []
        writer = OrderedWriter(impatient)
        writer.submit(lambda _session: None, failed=told.append)
        writer.close()
        assert [type(error) for error in told] == [ProjectBusy]
        with impatient.reading() as session:
            assert browse.counts(session).reviews == 1, "reading goes on"
    finally:
        other.execute("ROLLBACK")
        other.close()
    label_one(impatient)
    impatient.close()


def test_a_decision_outlasts_a_long_import_by_another_program(
    project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project(reviews=["a"]).path
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.02)
    database = open_project(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    failed: list[LabelloopError] = []
    writer = OrderedWriter(database)
    written = threading.Event()
    writer.submit(lambda session: annotator_id(session, "late"), lambda _id: written.set(), failed.append)
    assert not written.wait(0.5), "ten times as long as one attempt"
    other.execute("ROLLBACK")
    other.close()
    assert written.wait(30)
    assert not failed
    writer.close()
    database.close()


def test_a_writer_waits_for_another_to_finish(project: MakeProject) -> None:
    database = project(reviews=["a"])
    other = sqlite3.connect(database.path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    writer = OrderedWriter(database)
    done = threading.Event()
    writer.submit(lambda session: decisions.amend(session, annotator_id(session, "ann"), "flag", 1, flagged=True),
                  lambda _batch: done.set())  # fmt: skip
    assert not done.is_set()
    other.execute("COMMIT")
    other.close()
    assert done.wait(5)
    writer.close()


def label_one(database: Database) -> None:
    with database.writing() as session:
        person = annotator_id(session, "ann")
        decisions.decide(session, person, "label", {1: labelled(person, [1])})
