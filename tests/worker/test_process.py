"""The worker process keeps to its protocol whatever is printed, sent to it, or lies in the user's folder."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.worker import client, requests
from core.worker.client import Worker
from core.worker.events import (
    Cancelled,
    Event,
    Exported,
    Finished,
    Progressed,
    Started,
)
from core.worker.requests import Export, Train
from tests.conftest import MakeProject

from .conftest import all_of

NOISY = """
import importlib.abc, os, subprocess, sys

class Noisy(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.startswith(("core.worker.jobs", "core.files", "pandas")):
            print("loading", name, "...", flush=True)
            os.write(1, b'{"event": "Finished", "run_id": 9, "seconds": 0}\\n')
            os.write(2, b"a warning without a newline")
            subprocess.run(["echo", "from a child process"])

sys.meta_path.insert(0, Noisy())
"""


async def test_libraries_that_print_cannot_break_the_protocol(
    project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They print through Python, straight to the descriptors and from a child process."""
    (tmp_path / "noise").mkdir()
    (tmp_path / "noise" / "sitecustomize.py").write_text(NOISY)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "noise"), prepend=os.pathsep)
    database = project(reviews=["one", "two"])
    heard, _ = await all_of(Export(str(database.path), str(tmp_path / "out.csv"), "all"))
    assert [type(event) for event in heard if not isinstance(event, Progressed)] == [Started, Exported, Finished]
    assert isinstance(heard[0], Started)
    log = Path(heard[0].log).read_text()
    assert "loading core.worker.jobs" in log
    assert "from a child process" in log


async def test_an_export_in_the_background(project: MakeProject, tmp_path: Path) -> None:
    database = project(reviews=["one", "two"])
    target = tmp_path / "out.csv"
    heard, _ = await all_of(Export(str(database.path), str(target), "all"))
    assert Exported(str(target), 2, f"{target}.md") in heard
    steps = [event for event in heard if isinstance(event, Progressed)]
    assert (steps[-1].done, steps[-1].total, steps[-1].what) == (2, 2, "exporting")
    with target.open(encoding="utf-8", newline="") as file:
        assert [row["text"] for row in csv.DictReader(file)] == ["one", "two"]


async def test_a_folder_named_core_in_the_users_place_is_not_picked_up(
    project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "__init__.py").write_text("raise SystemExit('the wrong core')")
    monkeypatch.chdir(tmp_path)
    heard, _ = await all_of(Export(str(project(reviews=["a"]).path), str(tmp_path / "out.csv"), "all"))
    assert isinstance(heard[-1], Finished)


def test_a_line_that_is_no_job_is_answered_in_the_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    for line in ("", "hello\n", '{"job": "dance"}\n'):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "core.worker"],
            input=line,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 1
        answer = json.loads(done.stdout)
        assert (answer["event"], answer["kind"]) == ("Failed", "WorkerError")
        assert done.stderr == ""


def test_the_worker_leaves_by_itself_when_its_job_is_done(project: MakeProject, tmp_path: Path) -> None:
    """Its input is still open: the screen has not gone."""
    request = Export(str(project(reviews=["a"]).path), str(tmp_path / "out.csv"), "all")
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "core.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(requests.to_line(request) + "\n")
    process.stdin.flush()
    said = [json.loads(line) for line in process.stdout]
    assert process.wait(timeout=20) == 0
    assert said[-1]["event"] == "Finished"
    assert "Fatal" not in Path(said[0]["log"]).read_text()
    process.stdin.close()
    process.stdout.close()


async def test_stop_before_there_is_a_process_does_nothing(project: MakeProject) -> None:
    worker = Worker(Export(str(project().path), "out.csv"))
    await worker.stop()
    assert worker.process_id is None


SLOW_TO_SAVE = """#!/bin/sh
read request
echo '{"event": "Started", "job": "train", "run_id": 1, "log": ""}'
read stop
echo '{"event": "StopHeard"}'
sleep 3
echo '{"event": "Cancelled", "run_id": 1, "message": "Stopped."}'
"""


@pytest.mark.skipif(os.name == "nt", reason="a shell script plays the worker")
async def test_a_worker_that_has_heard_the_stop_is_given_the_time_to_write_its_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "slow"
    slow.write_text(SLOW_TO_SAVE)
    slow.chmod(0o700)
    monkeypatch.setattr(client, "PATIENCE", 1.5)
    monkeypatch.setattr("core.worker.client.sys.executable", str(slow))
    worker = Worker(Train("p.db"))
    heard: list[Event] = []
    async for event in worker.events():
        heard.append(event)
        if isinstance(event, Started):
            stopping = asyncio.create_task(worker.stop())
    await stopping
    assert isinstance(heard[-1], Cancelled), "it was neither terminated nor killed"
