"""No text of a review reaches a log, whatever goes wrong, and nobody but the owner reads one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core import locations, logs
from core.errors import FileError
from core.storage.tables import Review
from tests.conftest import MakeProject

SECRET = "my doctor told me in confidence"


def written() -> str:
    folder = locations.log_folder()
    return "".join(log.read_text(encoding="utf-8") for log in folder.glob("*.log")) if folder.exists() else ""


def test_the_lines_of_code_are_told_and_the_text_is_not() -> None:
    def fail(text: str) -> None:
        try:
            float(text)
        except ValueError as error:
            raise KeyError(text) from error

    with pytest.raises(KeyError) as caught:
        fail(SECRET)
    log = logs.write_error("command", caught.value)
    told = log.read_text()
    assert SECRET not in told
    assert "ValueError" in told
    assert "KeyError" in told
    assert "float(text)" in told, "the line of code"
    assert log.stat().st_mode & 0o777 == 0o600 or os.name == "nt"
    assert log.parent.stat().st_mode & 0o777 == 0o700 or os.name == "nt"


def test_messages_that_cannot_quote_a_review_are_told() -> None:
    for error in (
        FileError("reviews.csv is empty.", "Choose another."),
        FileNotFoundError(2, "No such file", "a.csv"),
    ):
        assert str(error) in logs.trace(error)


def test_an_error_of_the_database_hides_its_parameters(project: MakeProject) -> None:
    database = project(reviews=["a"])
    with pytest.raises(Exception) as caught, database.writing() as session:  # noqa: PT012
        session.add(
            Review(id=1, source_id=1, row=1, text=SECRET, fields=[], digest=b"", group_id=1, shuffle=1, audit=False)
        )
        session.flush()
    assert SECRET not in logs.trace(caught.value)
    assert "UNIQUE" in logs.trace(caught.value)


BROKEN = """
import logging, os, sys
from core import logs
os.umask(0)
logs.to_file("screen")
try:
    int(sys.argv[1])
except ValueError:
    logging.exception("It failed")
"""


def test_the_screen_logs_to_a_file_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BROKEN, SECRET], capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    assert done.stderr == ""
    (log,) = locations.log_folder().glob("screen-*.log")
    told = log.read_text()
    assert "It failed" in told
    assert "ValueError" in told
    assert SECRET not in told
    assert log.stat().st_mode & 0o777 == 0o600 or os.name == "nt"


async def test_a_job_that_fails_quotes_no_review_in_its_log(
    project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something in the export raises an error that quotes the text."""
    from core.worker.client import Worker
    from core.worker.events import Failed
    from core.worker.requests import Export

    (tmp_path / "spoilt").mkdir()
    (tmp_path / "spoilt" / "sitecustomize.py").write_text(
        "import csv\n"
        "class Spoilt:\n"
        "    def __init__(self, *_a, **_k): pass\n"
        "    def writerows(self, rows):\n"
        "        raise ValueError(f'cannot write {rows}')\n"
        "csv.writer = Spoilt\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "spoilt"), prepend=os.pathsep)
    database = project(reviews=[SECRET])
    heard = [event async for event in Worker(Export(str(database.path), str(tmp_path / "o.csv"), "all")).events()]
    assert isinstance(heard[-1], Failed)
    told = written()
    assert "writerows" in told
    assert SECRET not in told


def test_only_so_many_logs_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "KEPT", 3)
    folder = locations.log_folder()
    folder.mkdir(parents=True)
    for number in range(6):
        (folder / f"screen-2020010{number}-000000-1.log").touch()
    logs.write_error("screen", FileError("x"))
    assert len(list(folder.glob("screen-*"))) == 3
