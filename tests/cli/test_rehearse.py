"""`labelloop rehearse` on generated reviews."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command
from tests.conftest import learnable, write_csv

ROOT = Path(__file__).parents[2]

USUAL = ("--text", "text", "--label", "label", "--against", "random", "--no-train")


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "labelled.csv", ["text", "label"], learnable(120))


def test_a_table_of_two_methods_and_the_curve(labelled: Path, labelloop: Command, tiny_bert: Path) -> None:
    done = labelloop("rehearse", labelled, *USUAL, "--base", tiny_bert, "--budgets", "16,64", "--seeds", 2, "--draw")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert "96 reviews to label, 24 to measure on" in lines[0]
    for method in ("auto", "random"):
        shown = [line.split() for line in lines if line.split()[:1] == [method]]
        assert [line[1] for line in shown] == ["16", "64"]
        assert all("±" in " ".join(line) for line in shown)
    assert "Mean ± standard deviation over 2 sessions" in done.stdout
    assert "● auto  ○ random" in done.stdout
    assert "└──" in done.stdout


def test_one_document_with_every_session(
    labelled: Path, document: Callable[..., Any], tiny_bert: Path, tmp_path: Path
) -> None:
    test = write_csv(
        tmp_path / "test.csv", ["text", "label"], [*learnable(150)[120:], ("odd", "neither"), ("no", "")]
    )
    many = (labelled, *USUAL, "--base", tiny_bert, "--budgets", "16,500", "--seeds", 1, "--test", test)
    found = document("rehearse", *many)
    assert (found["reviews"], found["test_reviews"]) == (120, 31)
    assert found["labels"] == ["negative", "neither", "positive"]
    assert [(row["method"], row["labels"]) for row in found["results"]] == [
        ("auto", 16),
        ("auto", 120),
        ("random", 16),
        ("random", 120),
    ]
    assert len(found["sessions"]) == 4
    assert {"accuracy", "macro_f1", "micro_f1", "calibration_error", "log_loss"} == set(found["results"][0]["scores"])
    assert found["stopped"] is False


def test_several_labels_a_cell(document: Callable[..., Any], tiny_bert: Path, tmp_path: Path) -> None:
    rows = [(text, f"{label}|long" if number % 3 else label) for number, (text, label) in enumerate(learnable(80))]
    file = write_csv(tmp_path / "several.csv", ["text", "label"], rows)
    found = document("rehearse", file, *USUAL[:4], "--against", "none", "--no-train", "--base", tiny_bert,
                     "--budgets", "32", "--seeds", 1)  # fmt: skip
    assert found["multi"] is True
    assert found["labels"] == ["long", "negative", "positive"]
    assert [row["method"] for row in found["results"]] == ["auto"]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("--label", "stars"), 1, "has no column “stars”. Its columns are: text, label."),
        (("--strategy", "best"), 2, "There is no strategy “best”"),
        (("--strategy", "label"), 2, "There is no strategy “label”"),
        (("--budgets", "many"), 2, "“many” are no numbers of labels"),
        (("--budgets", "2,64"), 2, "Write whole numbers from 4"),
        (("--seeds", "0"), 2, "“0” is no number of seeds"),
        (("--against", "guessing"), 2, "Nothing called “guessing” can be compared with"),
        (("--test", "missing.csv"), 1, "missing.csv"),
        (("--base", "no/such-model"), 1, "no/such-model"),
    ],
)
def test_wrong_input_is_answered_with_a_sentence(
    arguments: tuple[str, ...], code: int, sentence: str, labelled: Path, labelloop: Command
) -> None:
    done = labelloop("rehearse", labelled, "--no-train", "--budgets", "8", "--against", "none", *arguments)
    assert done.exit_code == code, done.output
    told = " ".join(done.output.replace("│", " ").split())
    assert sentence in told


def test_one_class_alone_is_refused(labelloop: Command, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "same.csv", ["text", "label"], [(text, "good") for text, _ in learnable(60)])
    done = labelloop("rehearse", file, "--no-train", "--against", "none")
    assert done.exit_code == 1
    assert "have the same label: good." in done.output


def test_a_test_file_of_other_labels_is_refused(labelled: Path, labelloop: Command, tmp_path: Path) -> None:
    other = write_csv(tmp_path / "other.csv", ["text", "label"], [(text, "spam") for text, _ in learnable(60)])
    done = labelloop("rehearse", labelled, "--test", other, "--no-train", "--against", "none")
    assert done.exit_code == 1
    assert "No label of other.csv is one of labelled.csv." in done.output


def test_without_accelerate_the_plain_trainer_is_said_to_be_missing(
    labelled: Path, labelloop: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.rehearsal_plan.find_spec", lambda _name: None)
    done = labelloop("rehearse", labelled, "--against", "trainer")
    assert done.exit_code == 1
    assert "accelerate is not installed. Install it with" in done.output


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C is a signal of its own there")
def test_ctrl_c_prints_what_is_measured_by_then(labelled: Path, tiny_bert: Path) -> None:
    command = [sys.executable, "-m", "tui.cli.main", "rehearse", str(labelled), "--budgets", "8,96", "--seeds", "100"]
    command += ["--base", str(tiny_bert), "--against", "none", "--no-train"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stderr is not None
    told = ""
    for line in process.stderr:
        told += line
        if line.startswith("auto: 8 labels"):
            break
    process.send_signal(signal.SIGINT)
    out, more = process.communicate(timeout=120)
    assert process.returncode == 1, told + more
    assert "The rehearsal was stopped, as asked. This is what was measured by then." in more
    assert "One session:" in out or "sessions" in out
    assert any(line.split()[:2] == ["auto", "8"] for line in out.splitlines())


def test_a_projects_own_reviews(project: Path, document: Callable[..., Any], tiny_bert: Path) -> None:
    found = document("rehearse", project, "--base", tiny_bert, "--budgets", "16", "--seeds", 1, "--against", "none",
                     "--no-train")  # fmt: skip
    assert found["reviews"] + found["test_reviews"] == 40
    assert found["labels"] == ["bad", "good"]
