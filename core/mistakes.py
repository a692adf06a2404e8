"""Label mistakes of a project: which labelled reviews are suspected, by models that had not seen their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session

from core import held_out
from core.errors import TooFewLabels
from core.evaluate.intervals import wilson
from core.evaluate.mistakes import FEWEST, Mistakes, WrongShare, find_mistakes
from core.held_out import Columns
from core.storage import learning, runs
from core.storage.learning import Example
from core.storage.tables import Run
from core.storage.verdicts import Verdict, verdicts

MOST_RUNS = 5
"""Runs that are asked, the newest first: older ones know less."""

LEARN_FIRST = "Leave the app open for a moment while the quick learner works, or train a model."


@dataclass(frozen=True)
class Suspect:
    """A review whose labels are likely wrong."""

    review_id: int
    given: tuple[int, ...]
    """Its labels now."""
    proposed: tuple[int, ...]
    """What the model that had not seen them says instead."""
    chance: float
    """How likely the labels are wrong, 0 to 1."""
    confidence: float
    """Probability of the labels given."""
    said: float
    """Probability of the labels proposed."""
    audit: bool
    """Accuracy is measured on it, so that it matters twice."""


@dataclass(frozen=True)
class Judged:
    """What became of the suspects that a person has looked at."""

    looked_at: int
    corrected: int
    low: float
    """Of the share that was corrected, 95 %."""
    high: float


@dataclass(frozen=True)
class Found:
    """What is to be thought of a project's labels."""

    suspects: tuple[Suspect, ...]
    """The most likely wrong first; without those that a person has looked at."""
    labelled: int
    """Labelled reviews, each text once."""
    answered: int
    """Those of them that a model has answered for without having seen their labels."""
    wrong: WrongShare
    """Of these, as their labels are now."""
    judged: Judged | None
    """None before a person has looked at one."""

    def count_of_wrong(self) -> tuple[int, int, int]:
        """How many of the reviews answered for are expected to be wrong, and the ends of that."""
        shares = (self.wrong.expected, self.wrong.low, self.wrong.high)
        expected, low, high = (round(share * self.answered) for share in shares)
        return expected, low, high


def find(session: Session) -> Found:
    """Look for mistakes. Raises TooFewLabels where no model has answered for enough reviews yet.

    A model answers out of fold: by cross-validation, as the teacher of a training, or as the quick learner. For what
    was labelled since, and for the audit set, its suggestions count: it had not seen these labels either.
    """
    columns = held_out.columns(session)
    audit = learning.examples(session, audit=True)
    examples = [one for one in (*learning.examples(session, audit=False), *audit) if one.label_ids or columns.multi]
    known, said = _answers(session, columns, examples)
    if len(known) < FEWEST:
        raise TooFewLabels(
            f"Of {len(examples):,} labelled reviews a model has answered for {len(known):,} without having seen "
            f"their labels; mistakes are looked for from {FEWEST} on.",
            LEARN_FIRST if len(examples) >= FEWEST else "Label some more.",
        )
    mistakes = find_mistakes(said, columns.true(known), columns.multi)
    judged = verdicts(session)
    measured = {one.review_id for one in audit}
    suspects = tuple(_suspects(mistakes, known, columns, measured, judged))
    return Found(suspects, len(examples), len(known), mistakes.wrong, _judged(list(judged.values())))


def _suspects(
    mistakes: Mistakes, known: list[Example], columns: Columns, measured: set[int], judged: dict[int, Verdict]
) -> list[Suspect]:
    """Suspects but those whose labels a person has stood by since."""
    found = []
    for row in mistakes.suspects.tolist():
        review = known[row]
        verdict = judged.get(review.review_id)
        if verdict is not None and verdict.label_ids == tuple(sorted(review.label_ids)):
            continue
        found.append(
            Suspect(
                review.review_id,
                review.label_ids,
                tuple(columns.ids[column] for column in np.flatnonzero(mistakes.proposed[row])),
                float(mistakes.chances[row]),
                float(mistakes.confidences[row]),
                float(mistakes.said[row]),
                review.review_id in measured,
            )
        )
    return found


def _judged(found: list[Verdict]) -> Judged | None:
    if not found:
        return None
    corrected = sum(one.corrected for one in found)
    return Judged(len(found), corrected, *wilson(corrected, len(found)))


def _answers(
    session: Session, columns: Columns, examples: Sequence[Example]
) -> tuple[list[Example], NDArray[np.float32]]:
    """The reviews that a model has answered for, and its answers [reviews, labels].

    Each is answered by the run that did best where it was tested, if that has an answer, else by the next best.
    """
    by_id = {one.review_id: one for one in examples}
    asked = sorted(_tested(session, columns, by_id), key=lambda one: one[0])
    found: dict[int, NDArray[np.float32]] = {}
    for _, _, rows in asked:
        found = rows | found
    for _, run, _ in asked:
        missing = [review_id for review_id in by_id if review_id not in found]
        answers = held_out.suggested(session, run, columns, missing)
        found |= dict(zip(answers.review_ids, answers.probabilities, strict=True))
    known = [one for one in examples if one.review_id in found]
    shape = (len(known), len(columns.ids))
    said = np.array([found[one.review_id] for one in known], dtype=np.float32).reshape(shape)
    return known, said


def _tested(session: Session, columns: Columns, by_id: dict[int, Example]) -> list[tuple[float, Run, dict[int, Any]]]:
    """The log-loss of each run, the run, and its out-of-fold answers by review."""
    tested = []
    for run in runs.all_runs(session):
        rows = [] if run.removed or run.id is None else runs.out_of_fold(session, run.id)
        rows = [row for row in rows if row[0] in by_id]
        if not rows:
            continue
        answers = held_out.answers(session, run, columns, rows, tempered=False)
        true = columns.true([by_id[review_id] for review_id in answers.review_ids])
        own = np.where(true, answers.probabilities, 1 - answers.probabilities if columns.multi else 1.0)
        loss = float(-np.log(np.clip(own.astype(np.float64), 1e-6, 1)).sum(axis=1).mean())
        tested.append((loss, run, dict(zip(answers.review_ids, answers.probabilities, strict=True))))
        if len(tested) == MOST_RUNS:
            break
    return tested
