"""Gathering a list: its first page at once, or the ids of all its reviews in their order.

A first page comes from the order's own index: of the first thousand reviews there, which pass? Only where too few do
is the whole list gathered. That goes one of two ways. Where one condition leaves few reviews, the database looks at
each and sorts them. Otherwise each condition becomes a mask, one byte a review; the masks are laid over each other,
and the order's index is read through the result. Nothing is sorted then, so that a list of a million takes about a
second, and 4 MB.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from itertools import compress, repeat
from typing import Any

from sqlalchemy import Select, func
from sqlalchemy import select as sql_select
from sqlmodel import Session, col

from core.storage.conditions import Members
from core.storage.filters import Order
from core.storage.listing import Asked, Walk
from core.storage.states import CHUNK
from core.storage.tables import Review

FEW = 20_000
"""Reviews that are sorted rather than looked up in masks: 0.1 s."""

PROBED = 3_000
"""Candidates for each of which the full-text index is asked whether it has the words: 0.1 s."""

FEW_PROBED = 6_000
"""As `FEW`, where the full-text index is asked about each: 0.15 s, against 0.3 s for all with a frequent word."""

FREQUENT = 200_000
"""Reviews with the words, up to which it is quicker to fetch them all: 0.06 s."""

WINDOWS = (1_000, 20_000)
"""Candidates for a first page, at 0.002 ms each; then masks are laid over each other."""

PORTION = 4_096
"""Ids fetched from the database at a time."""


class Abandoned(Exception):
    """The list is no longer wanted."""


Wanted = Callable[[], bool]
"""Whether the list is still wanted."""


def first(session: Session, asked: Asked, limit: int) -> list[int] | None:
    """The first ids of a list; none when more candidates would have to be looked at than is quick."""
    ids: list[int] = []
    if asked.nothing:
        return ids
    if asked.wanted.order is not Order.FILE and _narrowest(session, asked) is not None:
        return None
    walks, rest = asked.walks(), asked.rest()
    if rest is not None:
        walks.append(_by_file(asked, rest))
    if any(_has(tests, asked.found) for _, tests in walks) and not _can_be_probed(session, asked):
        return None
    for walk, tests in walks:
        if len(ids) < limit and not _look_along(session, asked, walk, tests, ids, limit):
            return None
    return ids[:limit]


def gather(session: Session, asked: Asked, wanted: Wanted = lambda: True, limit: int | None = None) -> array[int]:
    """The ids of all reviews of a list, or of the first so many, in its order.

    Raises Abandoned once it is no longer wanted.
    """
    ids = array("q")
    if asked.nothing or not asked.sources:
        return ids
    start = _narrowest(session, asked)
    if start is not None:
        for portion in _portions(session, asked.sorted(start), wanted):
            ids.extend(portion)
        return ids[:limit]
    last = session.execute(sql_select(func.max(col(Review.id)))).scalar() or 0
    ids = array("i" if last < 2**31 else "q")
    mask = _files(session, asked, last, wanted)
    tests = asked.members if asked.rest() is not None else asked.walks()[0][1]
    mask = _laid_over(session, mask, tests, wanted)
    _read_through(session, asked, mask, ids, wanted, limit)
    return ids[:limit]


# ---------------------------------------------------------------------- the first page


def _by_file(asked: Asked, tests: list[Members]) -> tuple[Walk, list[Members]]:
    """A walk in the order of the files: along the reviews of one condition, if any has them in that order."""
    for start in (asked.labelled, asked.annotated, asked.found):
        if start is not None and not start.negated and _has(tests, start):
            walk = Walk(start.table, start.review_id, (start.review_id,), start.conditions)
            return walk, [one for one in tests if one is not start]
    return Walk(Review, col(Review.id), (col(Review.id),)), tests


def _look_along(session: Session, asked: Asked, walk: Walk, tests: list[Members], ids: list[int], limit: int) -> bool:
    """Append ids that pass, in the order of a walk; false when the windows end before the walk and the page do."""
    read = asked.found if _has(tests, asked.found) else None
    quick = [one for one in [*tests, *asked.of_files] if one is not read]
    offset = probed = 0
    for size in WINDOWS:
        window = walk.query().offset(offset).limit(size)
        candidates = [review_id for portion in _portions(session, window) for review_id in portion]
        passing = candidates
        if quick:
            of = window.subquery("candidates").c[0]
            pass_quick = set(session.execute(sql_select(of).where(*(one.holds(of) for one in quick))).scalars())
            passing = [review_id for review_id in candidates if review_id in pass_quick]
        if read is None:
            ids += passing
        else:
            looked_at = _probe(session, read, passing[: PROBED - probed], ids, limit)
            probed += looked_at
            if looked_at < len(passing) and len(ids) < limit:
                return False
        if len(ids) >= limit or len(candidates) < size:
            return True
        offset += size
    return False


def _probe(session: Session, read: Members, candidates: list[int], ids: list[int], limit: int) -> int:
    """Append those candidates that have the words, until there are enough; returns how many were looked at."""
    looked_at = 0
    while looked_at < len(candidates) and len(ids) < limit:
        part = candidates[looked_at : looked_at + CHUNK]
        having = set(session.execute(read.ids().where(read.review_id.in_(part))).scalars())
        ids += [review_id for review_id in part if (review_id in having) is not read.negated]
        looked_at += len(part)
    return looked_at


def _has(tests: list[Members], one: Members | None) -> bool:
    return any(one is test for test in tests)


# ---------------------------------------------------------------------- the whole list


def _can_be_probed(session: Session, asked: Asked) -> bool:
    """Whether the full-text index is better asked about single reviews than for all that have the words.

    It is where these are many; not with prefixes, whose words it would gather anew for each review.
    """
    found = asked.found
    return found is not None and not asked.has_prefix and _up_to(session, found, FREQUENT) > FREQUENT


def _up_to(session: Session, members: Members, most: int) -> int:
    """How many reviews a set has, counted until there are more than `most`."""
    some = members.ids().order_by(None).limit(most + 1).subquery()
    return int(session.execute(sql_select(func.count()).select_from(some)).scalar_one())


def _narrowest(session: Session, asked: Asked) -> Members | None:
    """The condition that leaves few reviews, if there is one."""
    probed = asked.found is None or _can_be_probed(session, asked)
    fewest: tuple[int, Members] | None = None
    for one in (asked.found, asked.labelled, asked.annotated, asked.suggested):
        if one is None or one.negated or (one is not asked.found and not probed):
            continue
        most = FEW if asked.found is None or one is asked.found else FEW_PROBED
        number = _up_to(session, one, most)
        if number <= most and (fewest is None or number < fewest[0]):
            fewest = (number, one)
    return fewest[1] if fewest else None


def _files(session: Session, asked: Asked, last: int, wanted: Wanted) -> bytearray:
    """A mask of the reviews of the files that may pass.

    An import writes its reviews one after the other and none is ever deleted, so that mostly the ends say it all.
    """
    mask = bytearray(last + 1)
    for source in asked.sources:
        mine = sql_select(col(Review.id)).where(col(Review.source_id) == source.id)
        ends = [
            session.execute(mine.order_by(row).limit(1)).scalar() for row in (col(Review.row), col(Review.row).desc())
        ]
        if ends[0] is None or ends[1] is None:
            continue
        if ends[1] - ends[0] + 1 == source.rows:
            mask[ends[0] : ends[1] + 1] = b"\x01" * source.rows
        else:
            for portion in _portions(session, mine, wanted):
                _mark(mask, portion, 1)
    return mask


def _laid_over(session: Session, mask: bytearray, tests: list[Members], wanted: Wanted) -> bytearray:
    """The mask without the reviews that are not in all of the sets."""
    for one in tests:
        if one.negated:
            for portion in _portions(session, one.ids(), wanted):
                _mark(mask, portion, 0)
        else:
            other = bytearray(len(mask))
            for portion in _portions(session, one.ids(), wanted):
                _mark(other, portion, 1)
            both = int.from_bytes(mask, "little") & int.from_bytes(other, "little")
            mask = bytearray(both.to_bytes(len(mask), "little"))
    return mask


def _read_through(
    session: Session, asked: Asked, mask: bytearray, ids: array[int], wanted: Wanted, limit: int | None
) -> None:
    """Append what the mask lets through, in the order asked for, until there are enough; uses the mask up."""
    walks, rest = asked.walks(), asked.rest() is not None
    for number, (walk, _) in enumerate(walks, start=1):
        for portion in _portions(session, walk.query(), wanted):
            ids.extend(compress(portion, map(mask.__getitem__, portion)))
            if rest or number < len(walks):
                _mark(mask, portion, 0)
            if limit is not None and len(ids) >= limit:
                return
    if rest:
        ids.extend(compress(range(len(mask)), mask))


def _mark(mask: bytearray, review_ids: list[int], value: int) -> None:
    for _ in map(mask.__setitem__, review_ids, repeat(value)):
        pass


def _portions(session: Session, query: Select[Any], wanted: Wanted = lambda: True) -> Iterator[list[int]]:
    """Ids in portions, straight from the driver: SQLAlchemy's rows would cost more than finding them does."""
    cursor: Any = session.connection().execute(query).cursor
    try:
        while rows := cursor.fetchmany(PORTION):
            if not wanted():
                raise Abandoned
            yield [review_id for (review_id,) in rows]
    finally:
        cursor.close()
