"""The terminal goes away, shrinks, has no colours, is stopped: nothing that was labelled is lost, and it goes on."""

from __future__ import annotations

import os
import re
import signal
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("pty", reason="pseudo-terminals are of POSIX")

from core.check.examine import examine
from core.storage import pending
from core.storage.database import Database, open_project
from core.storage.states import states
from tests.conftest import MakeProject, learnable
from tests.faults.terminal import App

COUNT = 60


@pytest.fixture
def path(project: MakeProject) -> Path:
    """A project of sixty reviews with an id each."""
    database = project(reviews=[text for text, _ in learnable(COUNT)])
    database.close()
    return database.path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    (folder / "settings.toml").touch(mode=0o600)
    (folder / "settings.toml").write_text("quick_learner = false\n")
    return folder


def labelled(path: Path) -> int:
    """How many reviews are labelled, once what was noted is entered as the app does when it opens a project."""
    database: Database = open_project(path)
    pending.recover(database)
    with database.reading() as session:
        number = len(states(session, range(1, COUNT + 1)))
    database.close()
    assert examine(path).is_whole
    return number


def label(app: App, times: int) -> None:
    """Press a label's key, each time after the count has gone up."""
    for number in range(1, times + 1):
        app.press("1")
        app.wait_for(f"{number} of 60 labelled")


def test_when_the_terminal_is_closed_all_is_saved_and_the_process_ends(path: Path, home: Path) -> None:
    with App(path, home) as app:
        app.wait_for("0 of 60 labelled")
        label(app, 5)
        app.hang_up()
        assert app.process.wait(30) in (129, -signal.SIGHUP)
    assert labelled(path) == 5
    assert not list(path.parent.glob(".*.pending"))


def test_asked_to_end_by_the_system_it_ends_as_if_it_was_quit(path: Path, home: Path) -> None:
    with App(path, home) as app:
        app.wait_for("0 of 60 labelled")
        label(app, 3)
        app.process.send_signal(signal.SIGTERM)
        app.until(lambda: app.process.poll() is not None, "ended")
        assert app.process.returncode == 0
        assert b"\x1b[?1049l" in app.painted, "the terminal is given back as it was"
    assert labelled(path) == 3


def test_stopped_and_continued_and_shrunk_to_one_cell_it_goes_on(path: Path, home: Path) -> None:
    with App(path, home) as app:
        app.wait_for("0 of 60 labelled")
        label(app, 2)
        app.process.send_signal(signal.SIGSTOP)
        app.press("1")
        app.process.send_signal(signal.SIGCONT)
        app.wait_for("3 of 60 labelled")
        for size in ((1, 1), (2, 3), (1, 200), (60, 1), (24, 80)):
            app.resize(*size)
            app.read(0.5)
        app.resize(40, 120)
        app.forget()
        app.press("1")
        # Only what has changed is painted: a digit of the count.
        app.until(lambda: labelled(path) == 4, "a fourth on the disk")
        app.press("\x1a")  # Ctrl-Z takes the last step back
        app.until(lambda: labelled(path) == 3, "taken back")
        assert app.leave() == 0
    assert labelled(path) == 3


def test_a_megabyte_pasted_into_a_note_stops_nobody_from_labelling(path: Path, home: Path) -> None:
    with App(path, home) as app:
        app.wait_for("0 of 60 labelled")
        label(app, 3)
        app.press("n")
        app.wait_for("Note on this review")
        app.press("\x1b[200~" + "x" * 1_000_000 + "\x1b[201~")
        app.forget()
        app.press("\r")
        app.wait_for("Help")
        app.press("2")
        app.until(lambda: labelled(path) == 4, "a fourth on the disk")


@pytest.mark.parametrize(
    "environment",
    [
        {"NO_COLOR": "1"},
        {"TERM": "dumb"},
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LANG": "C", "LC_ALL": "POSIX", "NO_COLOR": "1", "TERM": "vt100", "PYTHONIOENCODING": "ascii"},
    ],
    ids=["no colour", "dumb", "no unicode", "nothing at all"],
)
def test_without_colour_or_unicode_it_can_be_labelled(path: Path, home: Path, environment: dict[str, str]) -> None:
    with App(path, home, (40, 120), **environment) as app:
        app.wait_for("of 60 labelled")
        label(app, 2)
        assert app.leave() == 0
    assert labelled(path) == 2


def _six_labelled(app: App) -> bool:
    return re.search("[6-9]|1[0-2] of 60 labelled", app.text) is not None


def test_two_windows_on_one_project_lose_nothing(path: Path, home: Path) -> None:
    with App(path, home) as one, App(path, home) as other:
        for app in (one, other):
            app.wait_for("of 60 labelled")
        for number in range(1, 7):
            for app in (one, other):
                app.press("1" if number % 2 else "2")
        for app in (one, other):
            app.until(partial(_six_labelled, app), "six labelled")
        assert (one.leave(), other.leave()) == (0, 0)
    assert 6 <= labelled(path) <= 12


@pytest.mark.skipif(os.name == "nt", reason="permissions are others there")
def test_nothing_the_app_makes_can_be_read_by_others(path: Path, home: Path) -> None:
    before = os.umask(0o022)
    try:
        with App(path, home) as app:
            app.wait_for("0 of 60 labelled")
            label(app, 2)
            made = [
                one for folder in (path.parent, home) for one in folder.rglob("*") if one.name.count("reviews.db.")
            ]
            assert app.leave() == 0
    finally:
        os.umask(before)
    made += [*home.rglob("*"), *path.parent.glob(".*")]
    for one in made:
        if one.exists() and one.name != "reviews.db.first.csv":
            assert one.stat().st_mode & 0o077 == 0, one
