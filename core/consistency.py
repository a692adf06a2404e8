"""How steady a person labels, and how much suggestions sway the person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from core.errors import ProjectError
from core.evaluate.agreement import Agreement, agreement, difference
from core.evaluate.intervals import wilson
from core.labelling.controls import is_drawn
from core.phrases import percent
from core.settings import HIDDEN_SHARE
from core.storage import repeats, scheme
from core.storage.database import project_of
from core.storage.queue import current
from core.storage.tables import Annotation, Annotator, Decision, Origin, Repeat, Review

BREAK = 1_800.0
"""Seconds without a decision after which a session is over."""

READ_AT = 1_000.0
"""Words a minute beyond which nobody reads: silent reading of English is 238 on the average, and 300 is fast
(Brysbaert, “How many words do we read per minute?”, 2019)."""

GLANCE = 0.4
"""Seconds that the shortest review takes: to see a word, and to press a key."""

LONGEST = 120.0
"""Seconds after which a gap is a pause that says nothing about reading."""

MOST = 200_000
"""Decisions that are looked at, the latest."""

RECENT = 500
"""Accepted suggestions whose times are looked at, the latest."""

FEWEST = 20
"""Of each kind, below which nothing is said about being swayed or about accepting unread."""

UNREAD = 0.2
"""Share of acceptances too quick to have read from which on it is said plainly."""


@dataclass(frozen=True)
class Part:
    """Agreement of a part of the repeats: a day, a label, an hour of a session."""

    name: str
    found: Agreement
    given: int | None = None
    """Of a label: how many reviews got it the first time."""
    again: int | None = None
    """How many of these got it the second time too."""


@dataclass(frozen=True)
class Swayed:
    """How often people gave what was suggested, when they saw it and when they did not."""

    shown: int
    shown_same: int
    hidden: int
    hidden_same: int
    low: float
    """Ends of the 95 % interval of how much more often it was when seen, -1 to 1."""
    high: float

    @property
    def is_swayed(self) -> bool:
        """Whether seeing the suggestion clearly makes it more likely to be given."""
        return min(self.shown, self.hidden) >= FEWEST and self.low > 0


@dataclass(frozen=True)
class Reading:
    """How long people looked before they accepted a suggestion."""

    accepted: int
    """With a time that says something."""
    too_quick: int
    """Accepted quicker than the review can be read."""
    low: float
    high: float

    @property
    def is_unread(self) -> bool:
        """Whether many are accepted without having been read."""
        return self.accepted >= FEWEST and self.too_quick / self.accepted >= UNREAD


@dataclass(frozen=True)
class Consistency:
    """All that is known of a person's steadiness. Parts without repeats are missing."""

    overall: Agreement | None
    by_label: tuple[Part, ...]
    """Has it the label or not, each time, and how many got it at first and again."""
    by_day: tuple[Part, ...]
    by_hour: tuple[Part, ...]
    """Of the session in which the second answer was given."""
    swayed: Swayed | None
    """None while there is nothing of one kind."""
    reading: Reading | None

    @property
    def warnings(self) -> list[str]:
        """What is wrong, in sentences; none when nothing is."""
        found = []
        if self.reading is not None and self.reading.is_unread:
            quick = self.reading
            found.append(
                f"Suggestions are being accepted unread: {quick.too_quick:,} of the last {quick.accepted:,} were "
                "accepted in less time than it takes to read them."
            )
        if self.swayed is not None and self.swayed.is_swayed:
            swayed = self.swayed
            seen, unseen = swayed.shown_same / swayed.shown, swayed.hidden_same / swayed.hidden
            found.append(
                f"Suggestions sway you: you gave what was suggested in {percent(seen)} of reviews "
                f"where you saw it, in {percent(unseen)} where you did not."
            )
        return found


def person(session: Session, name: str) -> int:
    """The id of a person who labels. Raises ProjectError when nobody of this name does."""
    known = {one.name: one.id for one in session.exec(select(Annotator))}
    found = known.get(name)
    if found is None:
        raise ProjectError(
            f"Nobody called “{name}” labels here.", f"Known are: {', '.join(sorted(known)) or 'none'}."
        )
    return found


def consistency(session: Session, annotator: int | None = None, hidden_share: float = HIDDEN_SHARE) -> Consistency:
    """Measure one person, or with None everybody; `hidden_share` is the share of suggestions held back.

    2 s for `MOST` decisions.
    """
    stands = scheme.standing(session)
    names = {label.id: label.name for label in scheme.labels(session, archived=True)}
    asked = repeats.answers(session, annotator)
    first, second = ([_standing(sets, stands) for sets in sides] for sides in _sides(asked))
    decisions = _decisions(session, annotator)
    hours = _hours_into([moment for moment, *_ in decisions])
    given = sorted({one for answer in (*first, *second) for one in answer}, key=lambda one: names.get(one, ""))
    by_label = [_of_label(one, names[one], first, second) for one in given if one in names]
    return Consistency(
        agreement(first, second) if asked else None,
        tuple(by_label),
        _parts(asked, first, second, lambda one: _local(one.second_at).strftime("%Y-%m-%d")),
        _parts(asked, first, second, lambda one: f"hour {hours(one.second_at) + 1}"),
        _swayed(session, decisions, hidden_share or HIDDEN_SHARE),
        _reading(decisions),
    )


def _of_label(label_id: int, name: str, first: Sequence[tuple[int, ...]], second: Sequence[tuple[int, ...]]) -> Part:
    had, has = ([label_id in answer for answer in side] for side in (first, second))
    again = sum(one and other for one, other in zip(had, has, strict=True))
    return Part(name, agreement(had, has), sum(had), again)


def _sides(asked: Sequence[Repeat]) -> tuple[list[list[int]], list[list[int]]]:
    return [one.first for one in asked], [one.second for one in asked]


def _standing(label_ids: Iterable[int], stands: dict[int, int]) -> tuple[int, ...]:
    return tuple(sorted({stands.get(one, one) for one in label_ids}))


def _parts(
    asked: Sequence[Repeat], first: Sequence[Hashable], second: Sequence[Hashable], name: Callable[[Repeat], str]
) -> tuple[Part, ...]:
    places: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(asked):
        places[name(one)].append(place)
    return tuple(
        Part(part, agreement([first[at] for at in of], [second[at] for at in of]))
        for part, of in sorted(places.items(), key=lambda item: (len(item[0]), item[0]))
    )


def _local(moment: str) -> datetime:
    return datetime.fromisoformat(moment).astimezone()


# ---------------------------------------------------------------------- what people did, in its order

_Decided = tuple[float, int, int, bool, Origin, bool | None, bool | None, int]
"""When, in seconds; the review, its group, whether it is in the audit set, where the label comes from, whether the
suggestion was shown and whether it is what was given; words of the text, 0 where no suggestion was accepted."""


def _decisions(session: Session, annotator: int | None) -> list[_Decided]:
    """Decisions of people in the order of time; the text is read of accepted ones alone."""
    query = (
        sql_select(
            col(Annotation.decided_at), col(Review.id), col(Review.group_id), col(Review.audit),
            col(Annotation.origin), col(Annotation.suggestion_shown), col(Annotation.suggestion_followed),
        )
        .join(Review, col(Review.id) == col(Annotation.review_id))
        .where(col(Annotation.decision) == Decision.LABELLED, col(Annotation.origin) != Origin.IMPORTED, current())
        .order_by(col(Annotation.decided_at).desc(), col(Review.id))
        .limit(MOST)
    )  # fmt: skip
    if annotator is not None:
        query = query.where(col(Annotation.annotator_id) == annotator)
    rows = [(datetime.fromisoformat(row[0]).timestamp(), *row[1:]) for row in session.execute(query)]
    rows.reverse()
    recent = [row[1] for row in rows if row[4] is Origin.ACCEPTED][-RECENT:]
    words = _words(session, recent)
    return [(*row, words.get(row[1], 0)) for row in rows]


def _words(session: Session, review_ids: Sequence[int]) -> dict[int, int]:
    query = sql_select(col(Review.id), col(Review.text)).where(col(Review.id).in_(review_ids))
    return {review_id: len(text.split()) for review_id, text in session.execute(query)}


def _hours_into(moments: Sequence[float]) -> Callable[[str], int]:
    """How many whole hours into its session a moment is; a session begins after a break."""
    starts: list[float] = []
    last = float("-inf")
    for moment in moments:
        if moment - last > BREAK:
            starts.append(moment)
        last = moment

    def hours(when: str) -> int:
        moment = datetime.fromisoformat(when).timestamp()
        begun = max((start for start in starts if start <= moment), default=moment)
        return int((moment - begun) // 3_600)

    return hours


def _swayed(session: Session, decisions: Sequence[_Decided], hidden_share: float) -> Swayed | None:
    """By the reviews whose suggestion was held back for this; those of the audit set are others than the queue's."""
    salt = project_of(session).salt
    counted = [0, 0, 0, 0]
    for _, review_id, _, audit, _, shown, followed, _ in decisions:
        if shown is None or audit or (not shown and not is_drawn(salt, review_id, hidden_share)):
            continue
        counted[0 if shown else 2] += 1
        counted[1 if shown else 3] += bool(followed)
    if not counted[0] or not counted[2]:
        return None
    low, high = difference(counted[1], counted[0], counted[3], counted[2])
    return Swayed(counted[0], counted[1], counted[2], counted[3], low, high)


def _reading(decisions: Sequence[_Decided]) -> Reading | None:
    """Times from one decision to the next, which is how long the review was up; many at one moment are one batch."""
    together: dict[float, set[int]] = defaultdict(set)
    for moment, _, group_id, *_ in decisions:
        together[moment].add(group_id)
    times: list[bool] = []
    last, seen = None, set[float]()
    for moment, _, _, _, origin, _, _, words in decisions:
        if moment in seen:
            continue
        seen.add(moment)
        took = None if last is None else moment - last
        last = moment
        if origin is Origin.ACCEPTED and words and len(together[moment]) == 1 and took is not None and took < LONGEST:
            times.append(took < max(GLANCE, words * 60 / READ_AT))
    if not times:
        return None
    return Reading(len(times), sum(times), *wilson(sum(times), len(times)))
