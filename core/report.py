"""How good a run is, beside the keyword rule and the majority class: on the audit set, or by cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session

from core import held_out
from core.errors import LabelloopError
from core.evaluate import baselines
from core.evaluate.baselines import Frequencies
from core.evaluate.calibration import Calibration, reliability
from core.evaluate.metrics import Scores, scores
from core.held_out import Answers, Columns
from core.phrases import count
from core.storage import learning, runs
from core.storage.database import project_of
from core.storage.filter_text import names_of, to_text
from core.storage.filters import Filter, State
from core.storage.learning import Example
from core.storage.quick_run import DIVERGENCE
from core.storage.tables import Run

FEWEST_AUDIT = 50
"""Labelled audit reviews below which cross-validation is shown as well. At 85 % accuracy the 95 % interval is 20
points wide with 50 reviews, 31 with 20: less than 50 cannot tell most models from the keyword rule."""


@dataclass(frozen=True)
class CrossValidated:
    """Scores on the reviews a run was trained on, each answered by a model that had not seen it.

    People did not draw these reviews at random where the queue chose them, which the audit set is not subject to.
    """

    size: int
    folds: int | None
    """Parts the reviews were split into; None where the run does not tell."""
    model: Scores
    keyword_rule: Scores
    majority_class: Scores
    calibration: Calibration
    missed: float | None = None
    """Where it is a teacher's answers that are scored: nats a review that the run clearly did not learn of them."""

    def to_json(self) -> dict[str, Any]:
        """The form in the database and of `--json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> CrossValidated:
        """Read the form in the database."""
        read = {part: Scores.from_json(data[part]) for part in ("model", "keyword_rule", "majority_class")}
        tempered = Calibration.from_json(data["calibration"])
        return cls(data["size"], data["folds"], calibration=tempered, missed=data.get("missed"), **read)


@dataclass(frozen=True)
class Measured:
    """Scores on the labelled reviews of the audit set, all on the same reviews."""

    run_id: int | None
    audit_size: int
    model: Scores | None
    """None when there is no run, or no audit review it has said something about."""
    keyword_rule: Scores | None
    majority_class: Scores | None
    calibration: Calibration | None = None
    """Of the model on the audit set; None where it is not measured, and in records that are older than it."""
    cross_validation: CrossValidated | None = None
    """While fewer than `FEWEST_AUDIT` audit reviews are labelled and the run has been cross-validated."""

    @property
    def by_cross_validation(self) -> bool:
        """Whether cross-validation is what to go by."""
        return self.cross_validation is not None

    @property
    def basis(self) -> str:
        """What the scores to go by are measured on, and why; empty where nothing is measured."""
        folds = self.cross_validation
        if folds is not None:
            by = f"{folds.folds}-fold cross-validation" if folds.folds else "cross-validation"
            few = "none" if self.audit_size == 0 else f"only {self.audit_size:,}"
            are = "is" if self.audit_size <= 1 else "are"
            on = count(folds.size, "labelled review")
            why = f"because {few} of the audit set {are} labelled"
            hard = "Where the queue chose hard ones, all reviews come out better."
            return f"Measured by {by} on {on}, {why}. {hard}{_of_teacher(folds.missed)}"
        if self.audit_size == 0:
            return ""
        on = f"Measured on {count(self.audit_size, 'labelled review')} of the audit set"
        return f"{on}, which is few." if self.audit_size < FEWEST_AUDIT else f"{on}."

    def to_json(self) -> dict[str, Any]:
        """The form in the database and of `--json`."""
        return {**asdict(self), "basis": self.basis}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Measured:
        """Read the form in the database; records of older versions lack some of it."""
        parts = ("model", "keyword_rule", "majority_class")
        read = {part: Scores.from_json(data[part]) if data[part] else None for part in parts}
        tempered, folds = data.get("calibration"), data.get("cross_validation")
        return cls(
            run_id=data["run_id"],
            audit_size=data["audit_size"],
            calibration=Calibration.from_json(tempered) if tempered else None,
            cross_validation=CrossValidated.from_json(folds) if folds else None,
            **read,
        )


def measure(session: Session, run: Run | None) -> Measured:
    """Score a run's suggestions against the labels that people gave to the audit set.

    Reviews are taken at random into the audit set and never trained on, so the scores hold for all reviews.
    """
    columns = held_out.columns(session)
    audit = learning.examples(session, audit=True)
    answers = None
    if run is not None:
        answers = held_out.suggested(session, run, columns, [example.review_id for example in audit])
        known = set(answers.review_ids)
        audit = [example for example in audit if example.review_id in known]
        answers = answers.of([example.review_id for example in audit])
    folds = _cross_validated(session, run, columns) if run is not None and len(audit) < FEWEST_AUDIT else None
    number = run.id if run is not None else None
    if not audit:
        return Measured(number, 0, None, None, None, cross_validation=folds)
    rule, majority = _baselines(columns, audit, _frequencies(session, columns, audit))
    by_model, calibration = _of_model(run, columns, audit, answers)
    return Measured(number, len(audit), by_model, rule, majority, calibration, folds)


def _of_model(
    run: Run | None, columns: Columns, examples: Sequence[Example], answers: Answers | None
) -> tuple[Scores | None, Calibration | None]:
    if run is None or answers is None:
        return None, None
    true = columns.true(examples)
    found = scores(f"run {run.id}", columns.names, true, answers.chosen, columns.multi)
    return found, _calibration(run, answers, true, columns.multi)


def _calibration(run: Run, answers: Answers, true: NDArray[np.bool_], multi: bool) -> Calibration:
    before = None if answers.before is None else reliability(answers.before, true, multi)
    temperature = None if before is None else run.metrics.get("temperature")
    return Calibration(reliability(answers.probabilities, true, multi), before, temperature)


def _frequencies(session: Session, columns: Columns, audit: Sequence[Example]) -> Frequencies:
    """Of the labels outside the audit set; while nothing is labelled there, of those in it."""
    reviews, counts = learning.label_counts(session, audit=False)
    if not reviews:
        return Frequencies.of(columns.true(audit))
    return Frequencies(reviews, np.array([counts.get(label_id, 0) for label_id in columns.ids]))


def _baselines(columns: Columns, examples: Sequence[Example], seen: Frequencies) -> tuple[Scores, Scores]:
    """The keyword rule and the majority class on the examples; `seen` says what the majority is."""
    true = columns.true(examples)
    rule = baselines.KeywordRule(columns.names, columns.keywords, columns.multi)
    by_rule = rule.predict([example.text for example in examples], seen.majority)
    by_majority = baselines.majority_class(seen, len(examples), columns.multi)
    return (
        scores("keyword rule", columns.names, true, by_rule, columns.multi),
        scores("majority class", columns.names, true, by_majority, columns.multi),
    )


def _cross_validated(session: Session, run: Run, columns: Columns) -> CrossValidated | None:
    """None when the run has no out-of-fold probabilities of reviews that are labelled still."""
    assert run.id is not None
    rows = dict(runs.out_of_fold(session, run.id))
    trained = learning.examples(session, audit=False) if rows else []
    examples = [example for example in trained if example.review_id in rows]
    if not examples:
        return None
    kept = [(example.review_id, rows[example.review_id]) for example in examples]
    answers = held_out.answers(session, run, columns, kept, tempered=False)
    by_model, calibration = _of_model(run, columns, examples, answers)
    rule, majority = _baselines(columns, examples, Frequencies.of(columns.true(examples)))
    assert by_model is not None
    assert calibration is not None
    missed = run.metrics.get(DIVERGENCE)
    return CrossValidated(len(examples), run.metrics.get("folds"), by_model, rule, majority, calibration, missed)


def _of_teacher(missed: float | None) -> str:
    if missed is None:
        return ""
    far = " has not learned all of it, and is worse." if missed > 0 else " comes close."
    return f" These are the answers of what taught the model, which{far}"


def cell(
    session: Session, run: Run, true_label_id: int | None, predicted_label_id: int | None, out_of_fold: bool = False
) -> list[int]:
    """Ids of the reviews that people gave the one label and the run the other: a cell of the confusion matrix.

    They are the audit set's, or with `out_of_fold` those the run was cross-validated on. In a multi-label scheme
    None stands for a review that has not the other label: (label, None) is what the run misses, (None, label) what it
    gives wrongly. Raises LabelloopError when both are None or one is no label.
    """
    columns = held_out.columns(session)
    wanted = [one for one in (true_label_id, predicted_label_id) if one is not None]
    if not wanted or any(one not in columns.ids for one in wanted):
        raise LabelloopError("There is no such cell of the confusion matrix.", "Name labels of the scheme.")
    examples = {example.review_id: example for example in learning.examples(session, audit=not out_of_fold)}
    if out_of_fold:
        assert run.id is not None
        rows = dict(runs.out_of_fold(session, run.id))
        kept = [(review_id, rows[review_id]) for review_id in examples if review_id in rows]
        answers = held_out.answers(session, run, columns, kept, tempered=False)
    else:
        answers = held_out.suggested(session, run, columns, list(examples))
    true = columns.true([examples[review_id] for review_id in answers.review_ids])
    by_person = _with(true, columns, true_label_id, wanted[0])
    by_model = _with(answers.chosen, columns, predicted_label_id, wanted[0])
    return sorted(int(answers.review_ids[row]) for row in np.flatnonzero(by_person & by_model))


def _with(given: NDArray[np.bool_], columns: Columns, label_id: int | None, other: int) -> NDArray[np.bool_]:
    """Which reviews were given the label, or where it is None which were not given the other one."""
    has: NDArray[np.bool_] = given[:, columns.ids.index(other if label_id is None else label_id)]
    return has if label_id is not None else ~has


def cell_filter(session: Session, run: Run, true_label_id: int, predicted_label_id: int) -> str | None:
    """What to type in browse to see a cell of the confusion matrix; None where a filter cannot say it.

    A filter speaks of the run in use and of every copy of a text, the matrix of each text once.
    """
    if project_of(session).run_in_use != run.id or held_out.columns(session).multi:
        return None
    wanted = Filter(State.LABELLED, label_id=true_label_id, suggested_id=predicted_label_id, audit=True)
    return to_text(wanted, names_of(session))
