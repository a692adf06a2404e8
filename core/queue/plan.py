"""The queue as a person gets it: a strategy's order, the audit set's share in it, near-duplicates once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.queue.order import QueryStrategy, Queue, Reason
from core.queue.pool import Order, Pool
from core.queue.space import Space

AUDIT_EVERY = 5
"""One review of so many is drawn at random from the audit set's share, unless the settings say otherwise."""

HEAD = 256
"""Entries kept apart from their near-duplicates: more than a person labels before the queue is made anew."""

RECENT = 64
"""Labelled reviews, the last ones, that near-duplicates are kept apart from too."""

SAME = 0.9
"""Cosine similarity of all features from which two reviews say the same. With layers 3 to 6 of MiniLM, pairs above it
read as copies with a changed word (“i love this camera”, “i love the camera”); “great” and “terrible” stay below."""


def plan(
    pool: Pool,
    strategy: QueryStrategy,
    count: int | None = None,
    audit_every: int = AUDIT_EVERY,
    since_audit: int = 0,
) -> Queue:
    """The first `count` reviews of the queue, or all of it: one of each group, each with its reason.

    Reviews of the audit set's share come in random order at every `audit_every`-th place, 0 for none of them; no
    strategy sees them. `since_audit` is how many decisions there have been since the last audit review, so that its
    turn comes however often the queue is made anew. When one kind is used up, the other goes on; at the end come
    reviews of groups of which one is labelled already. While anything is undecided the queue is not empty, but for
    `audit_every` 0 with nothing but audit reviews left.
    """
    wanted = pool.size if count is None else max(count, 0)
    firsts = one_of_each_group(pool)
    settled = pool.settled[firsts] if pool.settled is not None else np.zeros(len(firsts), dtype=np.bool_)
    parts: list[Queue] = []
    for late in (False, True):
        fresh = firsts[settled == late]
        if not len(fresh) or sum(map(len, parts)) >= wanted:
            continue
        audit = pool.audit[fresh] if pool.audit is not None else np.zeros(len(fresh), dtype=np.bool_)
        chosen = _chosen(pool, fresh[~audit], None if late else strategy, wanted)
        drawn = _drawn(pool, fresh[audit]) if audit_every else Queue.of(fresh[:0], Reason.AUDIT)
        parts.append(interleave(chosen, drawn, max(audit_every, 1), since_audit))
    return Queue.joined(parts).taken(slice(wanted))


def one_of_each_group(pool: Pool) -> Order:
    """The positions of the first review of each group, ascending; all where there are no groups."""
    everything = np.arange(pool.size, dtype=np.int64)
    if pool.groups is None:
        return everything
    _, first = np.unique(pool.groups, return_index=True)
    return np.sort(first)


def interleave(chosen: Queue, drawn: Queue, every: int, since: int = 0) -> Queue:
    """Mix two orders: each `every`-th place is `drawn`'s, `since` places counted before; the longer goes on alone."""
    turn = max(every - 1 - since, 0) + every * np.arange(len(drawn))
    taken = np.zeros(len(chosen) + (int(turn[-1]) + 1 if len(turn) else 0), dtype=np.bool_)
    taken[turn] = True
    others = np.flatnonzero(~taken)[: len(chosen)]
    return Queue.joined([chosen, drawn]).taken(np.argsort(np.concatenate([others, turn]), kind="stable"))


def _chosen(pool: Pool, positions: Order, strategy: QueryStrategy | None, count: int) -> Queue:
    """What the strategy says of these reviews, near-duplicates kept apart; without one, in random order."""
    part = replace(pool.part(positions), groups=None, settled=None, audit=None)
    if strategy is None:
        return Queue.of(part.shuffled()[:count], Reason.RANDOM).within(positions)
    # Near-duplicates are moved behind the head, so that there must be something to put in their places.
    found = strategy.order(part, min(count + HEAD, part.size))
    return found.taken(apart(part, found.positions)[:count]).within(positions)


def _drawn(pool: Pool, positions: Order) -> Queue:
    return Queue.of(np.random.default_rng([pool.seed, 3]).permutation(positions), Reason.AUDIT)


def apart(pool: Pool, positions: Order) -> NDArray[np.int64]:
    """Places of these positions, those of the head last that say the same as one before them or one just labelled."""
    places = np.arange(len(positions), dtype=np.int64)
    if pool.features is None:
        return places
    head = places[: 2 * HEAD][pool.feature_rows()[positions[: 2 * HEAD]] >= 0]
    vectors = Space.of(pool, dimensions=None)
    ours = vectors.vectors(pool.feature_rows()[positions[head]])
    recent = np.zeros(0, dtype=np.int64) if pool.labelled_rows is None else pool.labelled_rows[-RECENT:]
    alike = ours @ ours.T > SAME
    same = np.zeros(len(head), dtype=np.bool_)
    same[:] = (ours @ vectors.vectors(recent[recent >= 0]).T > SAME).any(axis=1)
    kept: list[int] = []
    for at in range(len(head)):
        same[at] = same[at] or bool(alike[at, kept].any())
        if not same[at]:
            kept.append(at)
    behind = np.zeros(len(positions), dtype=np.bool_)
    behind[head[same]] = True
    split = 2 * HEAD
    return np.concatenate([places[:split][~behind[:split]], places[:split][behind[:split]], places[split:]])
