"""What is quick, and what is said without a terminal."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.locations import last_project_file
from tests.cli.conftest import Command, in_process
from tui.cli import listing
from tui.cli.exporting import What

HEAVY = {"torch", "transformers", "tokenizers", "safetensors", "sklearn", "pandas", "numpy", "textual", "sqlmodel"}


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_load_nothing_heavy(option: str) -> None:
    script = (
        "import sys\nfrom tui.cli.main import app\n"
        f"try:\n    app([{option!r}])\nexcept SystemExit as end:\n    assert not end.code\n"
        "print('LOADED', *{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert HEAVY.isdisjoint(done.stdout.partition("LOADED")[2].split())


def test_version(labelloop: Command) -> None:
    assert re.fullmatch(r"labelloop \d+\.\d+\.\d+\n", labelloop("--version").stdout)


def test_without_a_terminal_it_tells_what_to_type() -> None:
    done = in_process()
    assert done.returncode == 2
    assert done.stdout == ""
    assert "labelloop demo" in done.stderr


def test_open_without_a_terminal(labelloop: Command, project: Path) -> None:
    result = labelloop("open", project)
    assert result.exit_code == 2
    assert "needs a terminal" in result.stderr


def test_open_of_something_else(labelloop: Command, reviews: Path) -> None:
    result = labelloop("open", reviews)
    assert result.exit_code == 1
    assert f"{reviews} is not a labelloop project. Give a project file (.db)" in result.stderr


@pytest.mark.parametrize("remembered", ["nothing", "missing", "there"])
def test_alone_in_a_terminal_it_opens_the_last_project(
    remembered: str, labelloop: Command, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if remembered != "nothing":
        last = project if remembered == "there" else project.with_name("gone.db")
        last_project_file().write_text(f"{last}\n", encoding="utf-8")
    opened: list[Path | None] = []
    monkeypatch.setattr("tui.cli.main.in_terminal", lambda: True)
    monkeypatch.setattr("tui.cli.projects.run_app", opened.append)
    assert labelloop().exit_code == 0
    assert opened == [project if remembered == "there" else None]


def test_unknown_command_and_missing_argument_are_wrong_use(labelloop: Command) -> None:
    assert labelloop("lable").exit_code == 2
    assert labelloop("status").exit_code == 2
    assert labelloop("export", "a.db", "b.csv", "--what", "everything").exit_code == 2


def test_listing_has_every_command_with_its_arguments() -> None:
    text = "\n".join(listing.rows())
    assert "| `labelloop new PROJECT.db --labels a,b,c [--multi]` |" in text
    assert "[--what labelled/suggested/all]" in text
    for name in ("demo", "open", "import", "status", "train", "suggest", "evaluate", "undo", "redo", "doctor"):
        assert f"`labelloop {name}" in text
    assert all(row.count("|") == 3 for row in listing.rows())


def test_export_offers_what_core_knows() -> None:
    from core.files import exporting

    assert [what.value for what in What] == [what.value for what in exporting.What]


def test_an_unexpected_error_is_a_sentence_and_a_log(
    labelloop: Command, project: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("wires crossed")

    monkeypatch.setattr("core.storage.browse.counts", broken)
    result = labelloop("status", project)
    assert result.exit_code == 1
    assert "RuntimeError: wires crossed. Please report it with the log" in result.stderr
    (log,) = (home / "logs").glob("command-*.log")
    assert str(log) in result.stderr.replace("\n", "")
    written = log.read_text(encoding="utf-8")
    assert "in broken" in written
    assert "RuntimeError" in written
    assert "RuntimeError: wires crossed" not in written, "what an error says may quote a review"
