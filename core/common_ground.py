"""How sure two runs were of what people say, on the same reviews, none of which they had seen."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from core import held_out
from core.evaluate.rehearsed import scores
from core.storage import learning, runs
from core.storage.quick_run import DIVERGENCE
from core.storage.tables import Run

FEWEST = 30
"""Reviews in common from which the two are compared on these alone."""


@dataclass(frozen=True)
class LogLosses:
    """Of two runs, by cross-validation, on the reviews that both were measured on; that of a run whose teacher was
    measured there with its divergence from the teacher."""

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
        missed = float(one.metrics.get(DIVERGENCE) or 0.0)
        losses.append(scores(said, true if columns.multi else true.argmax(axis=1)).log_loss + missed)
    return LogLosses(losses[0], losses[1], len(examples))
