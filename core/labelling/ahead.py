"""The reviews fetched beforehand, so that the next one is up without waiting for the disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from core.storage import cards, queue
from core.storage.cards import Card
from core.storage.database import Database
from core.storage.queue import Place

FETCHED = 40
"""Reviews fetched at a time."""

KEPT = 5
"""Reviews fetched beforehand that stay the next ones when the queue is planned anew: they are as good as on the
screen, and a person who goes back and forth finds them where they were."""

LOW = 15
"""Reviews left when the next ones are fetched: at ten keys a second, more than a second ahead."""

AUDIT_EVERY = 10
"""Without a queue, which has its own share of them, at most one review of so many is of the audit set."""


@dataclass
class Walk:
    """Reviews that come up one after the other, instead of the queue."""

    review_ids: Sequence[int]
    what: str
    """Which reviews these are, in the words of a filter."""
    shown: int = 0
    """How many have come up."""
    read: int = 0
    """How many were fetched ahead."""
    because: str = ""
    """Why they come up, in a sentence; empty where the filter says it all."""


class Ahead:
    """What comes up next: the stored queue, then the random order, or the reviews of a walk."""

    def __init__(
        self,
        database: Database,
        multi: bool,
        in_background: Callable[[Callable[[], object]], None],
        settled: Callable[[], set[int]],
        visited: Sequence[int],
    ) -> None:
        """Start with nothing fetched.

        `settled` gives the reviews just decided about, whether or not a fetch can see it yet; `visited` is the
        live list of reviews that have come up, the latest last.
        """
        self.walk: Walk | None = None
        self._database, self._multi, self._in_background = database, multi, in_background
        self._settled, self._visited = settled, visited
        self._cards: deque[Card] = deque()
        self._place = Place()
        self._generation = 0
        self._fetching = False

    def next(self) -> Card | None:
        """The next review, fetched now if need be; those passed over come round when nothing else is left."""
        if self.walk is not None and (card := self._next_of_walk()) is not None:
            return card
        passed = set(self._visited[-FETCHED:])
        for taken in (passed, set(), None):
            while self._cards:
                card = self._cards.popleft()
                if card.review_id not in self._settled() and (taken is None or card.review_id not in taken):
                    return card
            if taken is not None:
                self._fetch(wait=True, passed=taken)
                seen = {review_id: at for at, review_id in enumerate(self._visited)}
                self._cards = deque(sorted(self._cards, key=lambda card: seen.get(card.review_id, -1)))
        return None

    def top_up(self) -> None:
        """Fetch more in the background when few are left."""
        if len(self._cards) < LOW:
            self._fetch(wait=False)

    def put_first(self, found: Iterable[Card]) -> None:
        """Let these come up next, in their order, unless they are fetched already."""
        known = {card.review_id for card in self._cards}
        self._cards.extendleft(card for card in reversed(list(found)) if card.review_id not in known)

    def renew(self) -> None:
        """Read what comes up anew: the queue has been planned again, or there are new suggestions.

        The next few stay the next few, with what is now said about them. In a walk the order stays altogether. For a
        thread in the background; what is up meanwhile is taken out of what is read.
        """
        generation, before = self._generation, list(self._cards)
        kept = [card.review_id for card in (before if self.walk is not None else before[:KEPT])]
        settled, seen = self._settled(), {*kept, *self._visited[-FETCHED:]}
        with self._database.reading() as session:
            ids, planned = kept, list[int]()
            if self.walk is None:
                planned = queue.upcoming(session, settled, FETCHED + len(seen))
                ids = [*kept, *(one for one in planned if one not in seen)][:FETCHED]
            found = {card.review_id: card for card in cards.cards(session, ids, self._multi)}
        ids = _drawn_in_time(ids, planned, len(kept), {card.review_id for card in found.values() if card.audit})
        if generation != self._generation:
            return
        now = [card.review_id for card in self._cards]
        gone = {card.review_id for card in before} - set(now)
        order = dict.fromkeys([*(one for one in kept if one in now), *ids, *now])
        known = found | {card.review_id: card for card in self._cards if card.review_id not in found}
        fresh = [known[one] for one in order if one in known and one not in gone]
        self._cards = deque(fresh if self.walk is not None else fresh[:FETCHED])

    def drop(self) -> None:
        """Forget what was fetched: the queue or the suggestions have changed."""
        self._generation += 1
        self._fetching = False
        self._cards.clear()
        if self.walk is not None:
            self.walk.read = self.walk.shown

    def _next_of_walk(self) -> Card | None:
        """The next review of the walk; none at its end, where the walk is over."""
        assert self.walk is not None
        if not self._cards:
            self._fetch(wait=True)
        if not self._cards:
            self.walk = None
            return None
        self.walk.shown += 1
        return self._cards.popleft()

    def _fetch(self, wait: bool, passed: set[int] | None = None) -> None:
        """Fill up, now or in the background, leaving out those just passed over."""
        if self._fetching and not wait:
            return
        self._fetching = True
        generation = self._generation
        taken = {card.review_id for card in self._cards} | self._settled()
        taken |= set(self._visited[-FETCHED:]) if passed is None else passed
        place, walk = self._place, self.walk

        def work() -> None:
            if walk is not None:
                self._fetch_walk(walk, generation)
                return
            found, reached = self._read(taken, place)
            if generation == self._generation:
                known = {card.review_id for card in self._cards}
                self._cards.extend(card for card in found if card.review_id not in known)
                self._place = reached
                self._fetching = False

        work() if wait else self._in_background(work)

    def _fetch_walk(self, walk: Walk, generation: int) -> None:
        with self._database.reading() as session:
            found: list[Card] = []
            read = walk.read
            while not found and read < len(walk.review_ids):
                part = walk.review_ids[read : read + FETCHED]
                found, read = cards.cards(session, part, self._multi), read + len(part)
        if generation == self._generation:
            self._cards.extend(found)
            walk.read = read
            self._fetching = False

    def _read(self, taken: set[int], place: Place) -> tuple[list[Card], Place]:
        with self._database.reading() as session:
            ids, more = queue.upcoming(session, taken, FETCHED), list[int]()
            if len(ids) < FETCHED:
                more, place = queue.at_random(session, place, taken | set(ids), FETCHED - len(ids))
            planned = cards.cards(session, ids, self._multi)
            return [*planned, *_audit_later(cards.cards(session, more, self._multi))], place


def _audit_later(found: Sequence[Card]) -> list[Card]:
    """The same reviews with the audit set's apart, those that are too many last.

    In the random order every fifth is one, in the first dozen half may be, and no model learns from any: a person
    who begins would wait for the first suggestions by so many labels longer.
    """
    audit = deque(card for card in found if card.audit)
    order: list[Card] = []
    for place, card in enumerate((card for card in found if not card.audit), start=1):
        order.append(card)
        if audit and place % (AUDIT_EVERY - 1) == 0:
            order.append(audit.popleft())
    return [*order, *audit]


def _drawn_in_time(ids: list[int], planned: list[int], kept: int, audit: set[int]) -> list[int]:
    """The same order with the audit reviews at the places that the plan has for them, but not before those kept.

    Behind the ones kept, which a plan made anew mostly puts elsewhere, each would come as many decisions too late:
    with one in ten planned, one in fifteen came. The first place of the plan is the review on the screen.
    """
    places = {one: at - 1 for at, one in enumerate(planned)}
    moved = [one for one in ids[kept:] if one in audit and one in places]
    order = [one for one in ids if one not in moved]
    for one in moved:
        order.insert(max(places[one], kept), one)
    return order
