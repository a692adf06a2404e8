"""Two quiet controls of the person who labels: suggestions held back, and reviews that come a second time."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from core.storage import cards, repeats
from core.storage.cards import Card
from core.storage.database import Database
from core.storage.states import AnnotationState
from core.storage.tables import Decision, QueueReason

BEGIN = 50
"""Labelled reviews from which on suggestions are held back: before, people are still getting to know the labels."""


@dataclass(frozen=True)
class Shares:
    """How often each control is applied, 0 to 1; 0: never."""

    hidden: float = 0.0
    repeated: float = 0.0


def is_drawn(salt: int, review_id: int, share: float) -> bool:
    """Whether a review is one of the share whose suggestion is held back: always the same ones."""
    digest = hashlib.blake2b(f"{salt}:{review_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) < share * 2**64


class Controls:
    """Which reviews are shown otherwise than they are."""

    def __init__(
        self,
        database: Database,
        annotator: int,
        multi: bool,
        salt: int,
        shares: Shares,
        in_background: Callable[[Callable[[], object]], None],
    ) -> None:
        """Begin with nothing drawn."""
        self._database, self._annotator, self._multi, self._salt = database, annotator, multi, salt
        self._in_background = in_background
        self.shares = shares
        """May be changed at any time."""
        self._next: Card | None = None
        self._asked: dict[int, AnnotationState] = {}
        """Reviews that are up, or were left undecided, a second time, with their first answers."""

    def seen(self, card: Card, labelled: int) -> Card:
        """The card as the person is to see it, where so many reviews are labelled already."""
        if card.review_id in self._asked:
            return replace(card, state=None, reason=QueueReason.RANDOM, number=None, withheld=True)
        hides = self.shares.hidden and labelled >= BEGIN and is_drawn(self._salt, card.review_id, self.shares.hidden)
        return replace(card, withheld=True) if hides else card

    def consider(self) -> None:
        """After a decision: now and then fetch a review to be asked about a second time."""
        if self._next is None and random.random() < self.shares.repeated:
            self._in_background(self._fetch)

    def take(self) -> Card | None:
        """The review to be asked about a second time now, if one is due."""
        card, self._next = self._next, None
        if card is None or card.state is None or card.state.decision is not Decision.LABELLED:
            return None
        self._asked[card.review_id] = card.state
        return card

    def answered(self, review_id: int) -> AnnotationState | None:
        """The first answer about a review that was asked about a second time and is now decided; else none."""
        return self._asked.pop(review_id, None)

    def _fetch(self) -> None:
        with self._database.reading() as session:
            review_id = repeats.draw(session, self._annotator)
            found = cards.cards(session, [review_id], self._multi) if review_id is not None else []
        self._next = found[0] if found else None
