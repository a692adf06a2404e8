"""The undecided reviews most likely to have one label: to find the rare, or to check what is called so."""

from __future__ import annotations

import numpy as np
from sqlmodel import Session, col, select

from core.storage import queue, runs, scheme
from core.storage.database import project_of
from core.storage.tables import Review, Suggestion

MOST = 50
"""Reviews of a walk: as many as “more like this” brings, after which the learner has learned."""

PORTION = 20_000
"""Suggestions looked at together."""


def likely(session: Session, label_id: int, count: int = MOST) -> list[int]:
    """Undecided reviews by the probability that the run in use gives this label, the highest first.

    Relevance sampling: Lewis and Gale, “A sequential algorithm for training text classifiers” (SIGIR 1994). None of
    the audit set's share are among them, which stays a random sample, and of a group of near-duplicates one. Empty
    where nothing is suggested, or the run does not know the label.
    """
    run_id = project_of(session).run_in_use
    if run_id is None:
        return []
    run = runs.existing(session, run_id)
    stands = scheme.standing(session)
    columns = [at for at, known in enumerate(run.label_ids) if stands.get(known, known) == label_id]
    if not columns:
        return []
    query = (
        select(Review.id, Suggestion.scores)
        .join(Suggestion, col(Suggestion.review_id) == col(Review.id))
        .where(col(Suggestion.run_id) == run_id, col(Review.audit).is_(False))
        .where(queue.undecided(), queue.current(), col(Review.group_id) == col(Review.id))
        .execution_options(yield_per=PORTION)
    )
    ids, best = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
    for rows in session.exec(query).partitions():
        more, packed = zip(*rows, strict=True)
        said = np.frombuffer(b"".join(packed), dtype="<f4").reshape(len(rows), len(run.label_ids))
        # Of labels that were merged into one the greatest stands for it: the order is all that is wanted.
        ids, best = np.concatenate([ids, more]), np.concatenate([best, said[:, columns].max(axis=1)])
        first = np.argsort(-best, kind="stable")[:count]
        ids, best = ids[first], best[first]
    return [int(one) for one in ids]
