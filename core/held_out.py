"""What people and a run say about the same reviews, as arrays: the ground of reports and comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session, col, select

from core.evaluate.calibration import untempered
from core.evaluate.merging import merged
from core.evaluate.metrics import indicator
from core.labels import SchemeKind
from core.storage import scheme
from core.storage.database import project_of
from core.storage.learning import Example
from core.storage.states import CHUNK
from core.storage.tables import Run, Suggestion

HALF = 0.5
"""Probability from which a label of a multi-label scheme is given."""


@dataclass(frozen=True)
class Columns:
    """The labels that count now, in the scheme's order: the columns of all arrays here."""

    ids: tuple[int, ...]
    names: tuple[str, ...]
    keywords: tuple[tuple[str, ...], ...]
    multi: bool

    def true(self, examples: Sequence[Example]) -> NDArray[np.bool_]:
        """Which labels people gave, shape [examples, labels]."""
        position = {label_id: index for index, label_id in enumerate(self.ids)}
        return indicator([[position[one] for one in example.label_ids] for example in examples], len(self.ids))


@dataclass(frozen=True)
class Answers:
    """What a run says about reviews."""

    review_ids: tuple[int, ...]
    probabilities: NDArray[np.float32]
    """Shape [reviews, labels]; 0 for labels that the run does not know."""
    before: NDArray[np.float64] | None
    """The same before the run's temperature; None where that is not known."""
    chosen: NDArray[np.bool_]
    """Which labels it gives, shape [reviews, labels]."""

    def of(self, review_ids: Sequence[int]) -> Answers:
        """The answers on these reviews, in their order."""
        place = {review_id: index for index, review_id in enumerate(self.review_ids)}
        rows = [place[review_id] for review_id in review_ids]
        before = None if self.before is None else self.before[rows]
        return Answers(tuple(review_ids), self.probabilities[rows], before, self.chosen[rows])


def columns(session: Session) -> Columns:
    """The labels of the project, archived ones included, merged ones not."""
    labels = [one for one in scheme.labels(session, archived=True) if one.merged_into is None and one.id is not None]
    return Columns(
        ids=tuple(one.id for one in labels if one.id is not None),
        names=tuple(one.name for one in labels),
        keywords=tuple(tuple(one.keywords) for one in labels),
        multi=project_of(session).kind is SchemeKind.MULTI,
    )


def suggested(session: Session, run: Run, of: Columns, review_ids: Sequence[int]) -> Answers:
    """What the run's suggestions say about those of the reviews that have one."""
    rows: list[tuple[int, bytes]] = []
    for start in range(0, len(review_ids), CHUNK):
        query = select(Suggestion.review_id, Suggestion.scores).where(
            col(Suggestion.run_id) == run.id, col(Suggestion.review_id).in_(review_ids[start : start + CHUNK])
        )
        rows += session.exec(query).all()
    return answers(session, run, of, rows, tempered=True)


def answers(session: Session, run: Run, of: Columns, rows: Sequence[tuple[int, bytes]], tempered: bool) -> Answers:
    """Stored scores as arrays; `tempered`: the run's temperature is in them.

    A label that was merged away since counts as the one it was merged into; labels that undo took out are left out.
    """
    shape = (len(rows), len(run.label_ids))
    said = np.frombuffer(b"".join(packed for _, packed in rows), dtype="<f4").reshape(shape)
    stands = scheme.standing(session)
    meant = [stands.get(label_id, label_id) for label_id in run.label_ids]
    temperature = run.metrics.get("temperature") if tempered else None
    probabilities, chosen = _joined(said, meant, of)
    before = None if temperature is None else _joined(untempered(said, temperature, of.multi), meant, of)[0]
    return Answers(tuple(review_id for review_id, _ in rows), probabilities.astype(np.float32), before, chosen)


def _joined(
    said: NDArray[np.floating], meant: Sequence[int], of: Columns
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Probabilities in the columns asked for, and which labels they give."""
    distinct = list(dict.fromkeys(meant))
    joined = merged(said.astype(np.float32), [distinct.index(label_id) for label_id in meant], of.multi)
    given = joined >= HALF if of.multi else indicator([[int(row.argmax())] for row in joined], len(distinct))
    probabilities = np.zeros((len(said), len(of.ids)))
    chosen = np.zeros((len(said), len(of.ids)), dtype=np.bool_)
    for column, label_id in enumerate(of.ids):
        if label_id in distinct:
            probabilities[:, column] = joined[:, distinct.index(label_id)]
            chosen[:, column] = given[:, distinct.index(label_id)]
    return probabilities, chosen
