"""Training, suggesting, scoring and exporting with a tiny base model, by the real worker."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from core.training.arguments import PRESETS, preset
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
    assert "By 5-fold cross-validation run 1 labels" in done.stderr
    assert "Traceback" not in done.stderr

    status = document("status", project)
    assert status["run_in_use"] == 1
    assert status["runs"][0]["status"] == "finished"
    assert status["runs"][0]["suggested"] == result["suggested"] >= 20

    suggested = labelloop("suggest", project, "--run", 1)
    assert suggested.exit_code == 0
    assert "Suggestions come from run 1 now." in suggested.stdout

    target = tmp_path / "all.csv"
    exported = document("export", project, target, "--what", "all")
    assert (exported["path"], exported["rows"], exported["what"]) == (str(target), 60, "all")
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
    again = re.search(r"To go on from step [\d,]+: labelloop (.*)", rest)
    assert again is not None
    assert shlex.split(again[1]) == ["train", str(project), "--resume", "--run", "1"]


def test_a_stopped_training_is_resumed(
    project: Path, tiny_bert: Path, labelloop: Command, document: Document
) -> None:
    nothing = labelloop("train", project, "--resume")
    assert nothing.exit_code == 1
    assert "No run of this project can be resumed. Start a new training." in nothing.stderr
    stopped(project, tiny_bert)
    listed = document("runs", project)
    assert [(run["run"], run["status"], run["resumable"]) for run in listed] == [(1, "cancelled", True)]
    result = document("train", project, "--resume", "--no-cross-validate")
    assert (result["run"], result["resumed_step"] > 0, result["in_use"]) == (1, True, True)
    (run,) = document("runs", project)
    assert (run["status"], run["resumable"], run["resumed_at"]) == ("finished", False, [result["resumed_step"]])


def stopped(project: Path, tiny_bert: Path) -> None:
    """A training of 12 steps that a person stops after three."""
    from core.worker import jobs
    from core.worker.events import StepDone
    from core.worker.requests import Train

    steps: list[int] = []
    jobs.run(
        Train(str(project), {"base_model": str(tiny_bert), "steps": 12}),
        lambda event: steps.append(event.step) if isinstance(event, StepDone) else None,
        lambda: len(steps) >= 3,
        "",
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--run", 1), "give --resume too"),
        (("--resume", "--epochs", 3), "leave out --epochs"),
        (("--resume", "--preset", "quick"), "leave out --preset"),
        (("--preset", "best"), "is none of quick, balanced, thorough"),
        (("--patience", "often"), "Type a whole number, or nothing for automatic"),
        (("--freeze-layers", "half"), "--freeze-layers"),
    ],
)
def test_options_that_make_no_sense_are_wrong_use(
    options: tuple[object, ...], sentence: str, project: Path, labelloop: Command
) -> None:
    result = labelloop("train", project, *options)
    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.replace("│", " ").split())


def test_every_argument_and_preset_reaches_the_run(project: Path, tiny_bert: Path, document: Document) -> None:
    options = (
        "--base",
        tiny_bert,
        "--steps",
        4,
        "--layer-decay",
        0.8,
        "--patience",
        "none",
        "--class-weights",
        "balanced",
    )
    document(
        "train",
        project,
        "--no-cross-validate",
        "--preset",
        "quick",
        "--no-freeze-embeddings",
        "--freeze-layers",
        0,
        *options,
    )
    arguments = document("runs", "show", project, 1)["arguments"]
    expected = preset("quick", base_model=str(tiny_bert), steps=4, layer_decay=0.8, patience=None, freeze_layers=0,
                      class_weights="balanced", freeze_embeddings=False)  # fmt: skip
    assert arguments == asdict(expected)
    assert arguments["length_factor"] == PRESETS["quick"]["length_factor"]


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
    [("out.docx", "Exports to “docx” cannot be written."), ("nowhere/out.csv", "nowhere does not exist.")],
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
