"""Training, suggesting, scoring and exporting with a tiny base model, by the real worker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.cli.conftest import Command, in_process

Document = Callable[..., Any]


def test_train_then_everything_after_it(
    project: Path, tiny_bert: Path, labelloop: Command, document: Document, tmp_path: Path
) -> None:
    done = in_process("train", project, "--base", tiny_bert, "--epochs", 10, "--learning-rate", 0.003, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["run"], result["in_use"]) == (1, True)
    assert Path(result["model"]).parent == project.with_suffix(".models")
    assert "validation loss" in done.stderr
    assert "Traceback" not in done.stderr

    status = document("status", project)
    assert status["run_in_use"] == 1
    assert status["runs"][0]["status"] == "finished"
    assert status["runs"][0]["suggested"] == result["suggested"] >= 20

    suggested = labelloop("suggest", project, "--run", 1)
    assert suggested.exit_code == 0
    assert "Suggestions come from run 1 now." in suggested.stdout

    target = tmp_path / "all.csv"
    assert document("export", project, target, "--what", "all") == {"path": str(target), "rows": 60, "what": "all"}
    frame = pd.read_csv(target, keep_default_na=False)
    assert list(frame["source"]) == ["imported"] * 40 + ["suggested"] * 20
    assert list(frame["labelloop_label"][:40]) == ["bad", "good"] * 20
    assert set(frame["labelloop_label"][40:]) <= {"good", "bad"}
    assert frame["labelloop_label"][40:].tolist() != frame["label"][40:].tolist()
    assert frame["text"][3].endswith(" [bold red]\x1b[31m")


def test_evaluate_shows_the_model_beside_what_it_has_to_beat(
    trained: Path, labelloop: Command, document: Document
) -> None:
    audit = document("status", trained)["audit_labelled"]
    assert audit > 0
    measured = document("evaluate", trained)
    assert measured["audit_size"] == audit
    for part in ("model", "keyword_rule", "majority_class"):
        assert measured[part]["accuracy_low"] <= measured[part]["accuracy"] <= measured[part]["accuracy_high"]
    assert sum(map(sum, measured["model"]["confusion"])) == audit
    shown = labelloop("evaluate", trained, "--run", 1)
    assert shown.exit_code == 0
    for part in ("run 1", "keyword rule", "majority class", "macro-F1", "precision", "recall", "Confusion matrix"):
        assert part in shown.stdout


@pytest.mark.parametrize("command", ["evaluate", "suggest"])
def test_a_run_that_does_not_exist_is_named(command: str, trained: Path, labelloop: Command) -> None:
    result = labelloop(command, trained, "--run", 7)
    assert result.exit_code == 1
    assert "There is no run 7. “labelloop status” lists the runs." in result.stderr


def test_suggest_before_any_training(project: Path, labelloop: Command) -> None:
    result = labelloop("suggest", project)
    assert result.exit_code == 1
    assert "no trained model yet. Train one with “labelloop train”." in result.stderr


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--epochs", "0", "epochs is 0.0. It must be a number above 0"),
        ("--learning-rate", "2", "learning_rate is 2.0. It must be a number above 0, at most 1"),
        ("--batch-size", "0", "batch_size is 0. It must be a whole number from 1 to 1024"),
        ("--max-length", "4", "max_length is 4."),
        ("--seed", "-1", "seed is -1."),
        ("--precision", "fp8", "precision is 'fp8'. It must be auto, fp32 or bf16."),
        ("--base", "./nowhere", "The base model './nowhere' was not found. Tried: the folder nowhere"),
    ],
)
def test_train_names_a_wrong_argument(
    option: str, value: str, sentence: str, project: Path, labelloop: Command, document: Document
) -> None:
    result = labelloop("train", project, option, value)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert sentence in result.stderr
    status = document("status", project)
    assert (status["labelled"], status["run_in_use"]) == (40, None)


def test_train_with_too_few_labels(labelloop: Command, document: Document, tiny_bert: Path, tmp_path: Path) -> None:
    (tmp_path / "two.csv").write_text("text,label\nfine,good\nworse,\n", encoding="utf-8")
    document("new", "two.db", "--labels", "good,bad")
    document("import", "two.db", "two.csv", "--label", "label")
    result = labelloop("train", "two.db", "--base", tiny_bert)
    assert result.exit_code == 1
    assert "label" in result.stderr.casefold()
    failure = document("train", "two.db", "--base", tiny_bert, code=1)
    assert failure["kind"] == "TooFewLabels"


def test_ctrl_c_stops_the_training_and_says_what_is_kept(project: Path, tiny_bert: Path, document: Document) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tui.cli.main", "train", str(project), "--base", str(tiny_bert), "--epochs", "1000"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "validation loss" in line or line.startswith("epoch"):
            break
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 1, rest
    assert "Stopping at the next batch" in rest
    assert "Stopped at step" in rest
    assert "Labels, earlier runs and their suggestions are as they were." in rest
    assert "Traceback" not in rest
    (run,) = document("status", project)["runs"]
    assert run["status"] == "cancelled"


def test_export_labelled_is_the_default_and_replaces_the_file(
    project: Path, labelloop: Command, tmp_path: Path
) -> None:
    target = tmp_path / "out.csv"
    target.write_text("old", encoding="utf-8")
    result = labelloop("export", project, target)
    assert result.exit_code == 0
    assert f"Wrote 40 reviews to {target}" in result.stdout
    frame = pd.read_csv(target, keep_default_na=False)
    assert list(frame.columns[:4]) == ["id", "text", "stars", "label"]
    assert list(frame["labelloop_label"]) == ["bad", "good"] * 20


@pytest.mark.parametrize(
    ("target", "sentence"),
    [("out.docx", "Exports to “.docx” cannot be written yet."), ("nowhere/out.csv", "nowhere does not exist.")],
)
def test_export_to_a_wrong_place(target: str, sentence: str, project: Path, labelloop: Command) -> None:
    result = labelloop("export", project, target)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert not Path(target).exists()


def test_export_with_nothing_to_write_says_so(project: Path, labelloop: Command, tmp_path: Path) -> None:
    result = labelloop("export", project, tmp_path / "out.csv", "--what", "suggested")
    assert result.exit_code == 0
    assert "Wrote 0 reviews" in result.stdout
    assert "“labelloop train” makes them" in result.stderr
