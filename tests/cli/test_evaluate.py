"""`evaluate` as it is printed: intervals, calibration, cross-validation while the audit set is small, another run."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.report import Measured
from core.storage import learning, runs
from core.storage.database import open_project
from core.storage.tables import RunKind, RunStatus
from tests.cli.conftest import Command
from tests.storage.corpus import suggest

Document = Callable[..., Any]


@pytest.fixture
def two_runs(project: Path) -> Path:
    """The project with the suggestions of two runs: the first right on all of the audit set, the second not."""
    database = open_project(project)
    with database.writing() as session:
        for mistakes in (0, 3):
            number = runs.start(session, "tiny", {"epochs": float(5 - mistakes)}, [1, 2])
            runs.change(session, number, folder=f"run-{number}", metrics={"temperature": 1.5, "folds": 5})
            audit = learning.examples(session, audit=True)
            said = {
                one.review_id: (0.8, 0.2) if (one.label_ids == (1,)) == (place >= mistakes) else (0.3, 0.7)
                for place, one in enumerate(audit)
            }
            suggest(session, number, said | dict.fromkeys(range(41, 61), (0.9, 0.1) if mistakes else (0.2, 0.8)))
        packed = struct.pack("<2f", 0.9, 0.1)
        rows = [(one.review_id, packed) for one in learning.examples(session, audit=False)]
        runs.store_out_of_fold(session, number, rows)
    database.close()
    return project


def test_it_says_what_it_measured_on_and_why(two_runs: Path, labelloop: Command, document: Document) -> None:
    audit = document("status", two_runs)["audit_labelled"]
    trained = 40 - audit
    why = (
        f"Measured by 5-fold cross-validation on {trained} labelled reviews, "
        f"because only {audit} of the audit set are labelled. "
        "Where the queue chose hard ones, all reviews come out better."
    )
    shown = labelloop("evaluate", two_runs)
    assert shown.exit_code == 0
    for part in (why, f"By cross-validation, on {trained} labelled", f"On {audit} labelled reviews of the audit set"):
        assert part in shown.stdout
    for part in ("keyword rule", "majority class", "macro-F1", "precision", "Confusion matrix", "Calibration"):
        assert part in shown.stdout
    measured = document("evaluate", two_runs)
    assert measured["basis"] == why
    assert (measured["run_id"], measured["comparison"]) == (2, None)
    assert measured["cross_validation"]["size"] == trained
    assert measured["cross_validation"]["calibration"]["before"] is None, "of the folds no temperature is known"
    read = Measured.from_json(measured)
    assert read.model is not None
    assert read.model.size == audit

    first = labelloop("evaluate", two_runs, "--run", 1)
    assert first.exit_code == 0
    assert f"Measured on {audit} labelled reviews of the audit set, which is few." in first.stdout
    assert "after dividing by the temperature 1.50." in first.stdout
    assert "Perfect probabilities would show about" in first.stdout
    calibration = document("evaluate", two_runs, "--run", 1)["calibration"]
    assert calibration["temperature"] == 1.5
    assert sum(one["count"] for one in calibration["after"]["bins"]) == audit
    assert calibration["before"]["ece"] < calibration["after"]["ece"], "all were right, and more sure before"


def test_against_another_run(two_runs: Path, labelloop: Command, document: Document) -> None:
    shown = labelloop("evaluate", two_runs, "--run", 2, "--against", 1)
    assert shown.exit_code == 0
    assert "Whether run 2 is better than run 1 cannot be told yet: 0 reviews of" in shown.stdout
    assert "3 the other way (p = 0.25)" in shown.stdout
    assert "Macro-F1 differs by -" in shown.stdout
    assert "changed: 0 to right, 3 to wrong." in shown.stdout
    for part in ("Suggestions that changed", "run 1 said", "run 2 says", "F1 by label", "epochs"):
        assert part in shown.stdout
    found = document("evaluate", two_runs, "--run", 2, "--against", 1)["comparison"]
    assert (found["run_id"], found["against_id"]) == (2, 1)
    assert (found["audit"]["paired"]["fixed"], found["audit"]["paired"]["broken"]) == (0, 3)
    assert found["audit"]["paired"]["verdict"] == "cannot be told yet"
    assert sum(flip["count"] for flip in found["flips"]) == found["changed"] == 23
    assert found["differences"] == [{"name": "epochs", "run": 2.0, "against": 5.0}]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--run", 9), "There is no run 9. “labelloop status” lists the runs."),
        (("--against", 9), "There is no run 9. “labelloop status” lists the runs."),
        (("--against", 2), "Run 2 cannot be compared with itself. Name another one with --against."),
    ],
)
def test_wrong_run_numbers(
    options: tuple[object, ...], sentence: str, two_runs: Path, labelloop: Command, document: Document
) -> None:
    result = labelloop("evaluate", two_runs, *options)
    assert (result.exit_code, result.stdout) == (1, "")
    assert sentence in result.stderr
    assert document("evaluate", two_runs, *options, code=1)["kind"] == "ModelError"


def test_while_the_quick_learner_is_in_use_it_is_what_is_scored(
    project: Path, labelloop: Command, document: Document
) -> None:
    database = open_project(project)
    with database.writing() as session:
        number = runs.start(session, "tiny", {}, [1, 2])
        runs.change(session, number, kind=RunKind.QUICK, status=RunStatus.FINISHED)
        audit = learning.examples(session, audit=True)
        said = {one.review_id: (0.8, 0.2) if one.label_ids == (1,) else (0.3, 0.7) for one in audit}
        suggest(session, number, said)
        runs.publish(session, number, len(said))
    database.close()
    shown = labelloop("evaluate", project)
    assert shown.exit_code == 0
    assert "100.0 %" in shown.stdout
    assert "Run 1 is the quick learner, which suggests while the app is open. “labelloop train" in shown.stderr
    assert document("evaluate", project)["model"]["accuracy"] == 1.0
    assert "Its suggestions are the quick learner’s" in labelloop("suggest", project).stderr


def test_a_comparison_needs_a_run(project: Path, labelloop: Command) -> None:
    result = labelloop("evaluate", project, "--against", 1)
    assert result.exit_code == 1
    assert "This project has no trained model yet." in result.stderr


def test_several_labels(labelloop: Command, document: Document, tmp_path: Path) -> None:
    rows = "\n".join(
        f"{'price' if number % 2 else 'screen'} thing {number} x{number * 7919}," for number in range(60)
    )
    (tmp_path / "m.csv").write_text(f"text,label\n{rows}\n".replace(",\n", ",price\n"), encoding="utf-8")
    document("new", "m.db", "--labels", "price,screen", "--multi")
    document("import", "m.db", "m.csv", "--label", "label")
    database = open_project(tmp_path / "m.db")
    with database.writing() as session:
        for second in (0.1, 0.9):
            number = runs.start(session, "tiny", {}, [1, 2])
            runs.change(session, number, folder=f"run-{number}", metrics={"temperature": 1.5})
            said = {one.review_id: (0.8, second) for one in learning.examples(session, audit=True)}
            suggest(session, number, said, multi=True)
    database.close()
    shown = labelloop("evaluate", "m.db", "--against", 1)
    assert shown.exit_code == 0
    for part in ("micro-F1", "Calibration", "is worse than run 1: on 0 of", "gained", "lost"):
        assert part in shown.stdout
    assert "Confusion matrix" not in shown.stdout
