"""What two runs suggest differently, over all reviews that both have suggestions for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, func
from sqlalchemy import select as sql_select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from core import held_out
from core.held_out import Columns
from core.storage import runs, scheme
from core.storage.database import project_of
from core.storage.tables import Review, Run, RunKind, Source, Suggestion

PORTION = 50_000
"""Reviews of a multi-label scheme that are compared at a time."""

_Mine, _Theirs = aliased(Suggestion), aliased(Suggestion)


@dataclass(frozen=True)
class Flip:
    """Reviews that two runs label differently. In a multi-label scheme one end is empty: a label lost or gained."""

    before: str
    """The label by the run compared with; empty for none."""
    after: str
    """The label by the run; empty for none."""
    before_id: int | None
    after_id: int | None
    count: int


def newest_pair(session: Session) -> tuple[Run, Run] | None:
    """The newest run with suggestions and the one to hold it against; none while there are not two.

    The quick learner's run, which changes with every label, counts as the newest only while it is in use.
    """
    told = [run for run in runs.all_runs(session) if run.suggested and not run.removed]
    in_use = project_of(session).run_in_use
    quick = [run for run in told if run.kind is RunKind.QUICK and run.id == in_use]
    trained = [run for run in told if run.kind is not RunKind.QUICK]
    newest = next(iter([*quick, *trained, *told]), None)
    against = before(session, newest) if newest is not None else None
    return None if newest is None or against is None else (newest, against)


def before(session: Session, run: Run) -> Run | None:
    """The run whose suggestions were shown before those of `run`, else the newest other one; none without any."""
    others = [one for one in runs.all_runs(session) if one.id != run.id and one.suggested and not one.removed]
    shown = [one for one in others if one.in_use_since and one.in_use_since <= (run.in_use_since or "9")]
    return max(shown, key=lambda one: one.in_use_since or "", default=others[0] if others else None)


def flips(session: Session, run: Run, against: Run) -> tuple[int, int, tuple[Flip, ...]]:
    """Reviews with suggestions of both runs, how many of them the two label differently, and from what to what.

    2.3 s for a million reviews with one label each. In a multi-label scheme a review may be in several rows.
    """
    columns = held_out.columns(session)
    if columns.multi:
        both, changed, counts = _of_sets(session, run, against, columns)
    else:
        both, changed, counts = _of_labels(session, run, against)
    names = dict(zip(columns.ids, columns.names, strict=True))
    found = [
        Flip(names.get(before or 0, ""), names.get(after or 0, ""), before, after, number)
        for (before, after), number in counts.items()
    ]
    return both, changed, tuple(sorted(found, key=lambda flip: (-flip.count, flip.before, flip.after)))


def flipped(
    session: Session, run: Run, against: Run, before_id: int | None, after_id: int | None, limit: int
) -> list[int]:
    """Ids of reviews behind a `Flip`, in the order of import, at most `limit`."""
    columns = held_out.columns(session)
    found: list[int] = []
    if not columns.multi:
        stands = scheme.standing(session)
        labels: list[Any] = [col(_Theirs.label_id), col(_Mine.label_id)]
        query = _joined(session, run, against, col(_Mine.review_id))
        for label, wanted in zip(labels, (before_id, after_id), strict=True):
            meant = [one for one, stand in stands.items() if stand == wanted]
            query = query.where(label.is_(None) if wanted is None else label.in_(meant))
        return list(session.execute(query.order_by(col(_Mine.review_id)).limit(limit)).scalars())
    for ids, before, after in _portions(session, run, against, columns):
        rows = np.ones(len(ids), dtype=np.bool_)
        for wanted, has, has_not in ((before_id, before, after), (after_id, after, before)):
            if wanted is not None:
                column = columns.ids.index(wanted)
                rows &= has[:, column] & ~has_not[:, column]
        found += [ids[row] for row in np.flatnonzero(rows)]
        if len(found) >= limit:
            break
    return found[:limit]


Counts = Counter[tuple[int | None, int | None]]


def _of_labels(session: Session, run: Run, against: Run) -> tuple[int, int, Counts]:
    """By the database alone. Labels merged since count as what they were merged into."""
    before, after = col(_Theirs.label_id), col(_Mine.label_id)
    query = _joined(session, run, against, before, after, func.count()).group_by(before, after)
    stands = scheme.standing(session)
    counts: Counts = Counter()
    both = 0
    for theirs, mine, number in session.execute(query):
        pair = (stands.get(theirs) if theirs else None, stands.get(mine) if mine else None)
        both += number
        if pair[0] != pair[1]:
            counts[pair] += number
    return both, sum(counts.values()), counts


def _of_sets(session: Session, run: Run, against: Run, columns: Columns) -> tuple[int, int, Counts]:
    counts: Counts = Counter()
    both = changed = 0
    for ids, before, after in _portions(session, run, against, columns):
        both += len(ids)
        changed += int((before != after).any(axis=1).sum())
        for label_id, lost, gained in zip(
            columns.ids, (before & ~after).sum(0), (after & ~before).sum(0), strict=True
        ):
            counts[label_id, None] += int(lost)
            counts[None, label_id] += int(gained)
    return both, changed, Counter({pair: number for pair, number in counts.items() if number})


def _portions(
    session: Session, run: Run, against: Run, columns: Columns
) -> Iterator[tuple[list[int], NDArray[np.bool_], NDArray[np.bool_]]]:
    """Review ids with the labels by `against` and by `run`, shape [reviews, labels], a portion at a time."""
    review, after_this = col(_Mine.review_id), 0
    query = _joined(session, run, against, review, col(_Theirs.scores), col(_Mine.scores)).order_by(review)
    while rows := session.execute(query.where(review > after_this).limit(PORTION)).all():
        ids = [row[0] for row in rows]
        before = held_out.answers(session, against, columns, [(row[0], row[1]) for row in rows], tempered=False)
        after = held_out.answers(session, run, columns, [(row[0], row[2]) for row in rows], tempered=False)
        yield ids, before.chosen, after.chosen
        after_this = ids[-1]


def _joined(session: Session, run: Run, against: Run, *wanted: Any) -> Select[Any]:
    """A query over the reviews that both runs have suggestions for, but for imports that were undone."""
    query = (
        sql_select(*wanted)
        .select_from(_Mine)
        .join(_Theirs, col(_Theirs.review_id) == col(_Mine.review_id))
        .where(col(_Mine.run_id) == run.id, col(_Theirs.run_id) == against.id)
        # True of every review: it makes the database go through both runs in the order of reviews. Through the index
        # over labels it would look up the other run's rows all over the file: 14 s instead of 2.3 for a million.
        .where(col(_Mine.review_id) > 0)
    )
    withdrawn = [one for one in session.exec(select(Source.id).where(col(Source.withdrawn))) if one is not None]
    if withdrawn:
        # Only then: to look at the reviews' rows, which are wide, doubles the time.
        query = query.join(Review, col(Review.id) == col(_Mine.review_id))
        query = query.where(col(Review.source_id).not_in(withdrawn))
    return query
