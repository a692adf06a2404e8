"""How sure two runs were of what people say, on the same reviews, none of which they had seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session

from core import held_out
from core.held_out import Columns
from core.storage import learning, runs
from core.storage.tables import Run

FEWEST = 30
"""Reviews in common from which the two are compared on these alone."""

SURELY_WRONG = 1e-6
"""Probability below which being wrong costs no more log-loss."""


@dataclass(frozen=True)
class LogLosses:
    """Of two runs, by cross-validation, on the reviews that both were measured on."""

    mine: float
    others: float
    size: int


def log_losses(session: Session, run: Run, against: Run) -> LogLosses | None:
    """Both runs' log-losses on their common ground; None while that is fewer than `FEWEST` reviews.

    Each run's own measure is of all its reviews, and those that the queue has chosen since are harder: by these alone
    a learner that goes on learning gets worse from label to label.
    """
    assert run.id is not None
    assert against.id is not None
    mine, others = (dict(runs.out_of_fold(session, one)) for one in (run.id, against.id))
    known = mine.keys() & others.keys()
    examples = learning.examples(session, audit=False) if len(known) >= FEWEST else []
    examples = [one for one in examples if one.review_id in known]
    if len(examples) < FEWEST:
        return None
    columns = held_out.columns(session)
    true = columns.true(examples)
    losses = []
    for one, rows in ((run, mine), (against, others)):
        chosen = [(example.review_id, rows[example.review_id]) for example in examples]
        said = held_out.answers(session, one, columns, chosen, tempered=False).probabilities
        losses.append(_log_loss(said.astype(np.float64), true, columns))
    return LogLosses(losses[0], losses[1], len(examples))


def _log_loss(said: NDArray[np.float64], true: NDArray[np.bool_], columns: Columns) -> float:
    """Mean over the reviews, or in a multi-label scheme over reviews and labels."""
    of_truth = np.where(true, said, 1 - said) if columns.multi else said[true]
    return float(-np.log(np.maximum(of_truth, SURELY_WRONG)).mean())
