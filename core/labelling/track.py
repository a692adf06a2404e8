"""The reviews a person has been at, and what was just decided about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from core.storage import cards
from core.storage.cards import Card
from core.storage.database import Database
from core.storage.states import AnnotationState

LONGEST = 500
"""Reviews that can be stepped back to; older ones are found in browse."""

UNSEEN = 200
"""Newest decisions that a fetch may not have seen yet; the writer does more than a hundred a second."""

States = dict[int, AnnotationState | None]
"""Annotations by review id; none where there is none any more."""


class Track:
    """Where a person is, and has been.

    A decision is shown before it is on the disk: the newest states are kept here, and laid over what is read.
    """

    def __init__(self, database: Database, multi: bool) -> None:
        """Start nowhere."""
        self.current: Card | None = None
        self.visited: list[int] = []
        """Reviews by id, the latest last. Always the same list."""
        self.at = -1
        """Place of the current review among them."""
        self._fresh: States = {}
        self._database, self._multi = database, multi

    # ------------------------------------------------------------------ moving

    def visit(self, card: Card) -> None:
        """Come to a review at the end of the track."""
        self.visited.append(card.review_id)
        del self.visited[:-LONGEST]
        self.at = len(self.visited) - 1
        self.current = card

    def recall(self, review_id: int) -> None:
        """Put a review of an earlier session at the end, to be stepped back to."""
        self.visited.append(review_id)
        self.at = len(self.visited) - 1

    def forward(self) -> bool:
        """Go to the review after the current one; false at the end."""
        if self.at + 1 >= len(self.visited):
            return False
        self._go(self.at + 1)
        return True

    def back(self) -> None:
        """Go to the review before the current one; stays at the first. From the end of all, to the last."""
        if self.current is None and self.visited:
            self._go(len(self.visited) - 1)
        elif self.at > 0:
            self._go(self.at - 1)

    def return_to(self, review_id: int) -> bool:
        """Go to where a review was met last; false when it was not."""
        if review_id not in self.visited:
            return False
        self._go(len(self.visited) - 1 - self.visited[::-1].index(review_id))
        return True

    @property
    def is_at_the_end(self) -> bool:
        """Whether the current review is the latest that came up."""
        return self.at == len(self.visited) - 1

    def to_the_end(self) -> None:
        """Leave the reviews that were gone back to behind."""
        self.at = len(self.visited) - 1

    def cut(self) -> None:
        """Forget the reviews after the current one."""
        del self.visited[self.at + 1 :]

    def keep_shown(self) -> None:
        """Forget reviews that are no longer shown, because their import was undone."""
        with self._database.reading() as session:
            shown = {card.review_id for card in cards.cards(session, self.visited, self._multi)}
        self.visited[:] = [review_id for review_id in self.visited if review_id in shown]
        self.at = min(self.at, len(self.visited) - 1)
        self.look_again()

    def look_again(self) -> None:
        """Read the current review anew."""
        self.current = self.load(self.current.review_id) if self.current else None

    def load(self, review_id: int) -> Card | None:
        """A review as it is now; none when it is not shown."""
        with self._database.reading() as session:
            found = cards.cards(session, [review_id], self._multi)
        return self.with_fresh(found[0]) if found else None

    def _go(self, at: int) -> None:
        self.at = at
        self.current = self.load(self.visited[at])

    # ------------------------------------------------------------------ what was just decided

    def with_fresh(self, card: Card) -> Card:
        """A review that was read, with what was decided since."""
        return replace(card, state=self._fresh[card.review_id]) if card.review_id in self._fresh else card

    def state_of(self, card: Card) -> AnnotationState | None:
        """What is decided about a review."""
        return self._fresh.get(card.review_id, card.state)

    def over(self, read: States) -> States:
        """States that were read, with what was decided since."""
        return {review_id: self._fresh.get(review_id, state) for review_id, state in read.items()}

    def remember(self, review_id: int, state: AnnotationState) -> None:
        """A decision was handed to the writer."""
        self._fresh[review_id] = state
        while len(self._fresh) > UNSEEN:
            del self._fresh[next(iter(self._fresh))]

    def forget(self, review_id: int) -> None:
        """A decision could not be written."""
        self._fresh.pop(review_id, None)

    def forget_all(self) -> None:
        """Everything is on the disk."""
        self._fresh.clear()

    def moment(self) -> Callable[[], None]:
        """Remember the decisions until now; gives what forgets them, and keeps those that came later."""
        until_now = dict(self._fresh)

        def forget() -> None:
            self._fresh = {key: state for key, state in self._fresh.items() if until_now.get(key) is not state}

        return forget

    def settled(self) -> set[int]:
        """Reviews just decided about, whether or not a fetch has seen it yet."""
        return {
            review_id
            for review_id, state in self._fresh.items()
            if state is not None and (state.decision is not None or state.flagged)
        }
