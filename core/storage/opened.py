"""A filtered list while a screen shows it: the ids of all its reviews in order, from which any page is a look-up."""

from __future__ import annotations

import threading
from array import array

from core.storage import browse, cards
from core.storage.browse import Abandoned, Filter
from core.storage.cards import Card
from core.storage.database import Database
from core.storage.signature import Signature, signature

_TURN = threading.Lock()
"""One list is gathered at a time: letters typed quickly ask for several, of which only the last is wanted."""


class Opened:
    """The reviews that a filter lets through, as of the moment when they were gathered; 4 bytes each.

    A page shows the present state of its reviews, also of those that have ceased to pass. The methods that read are
    called in threads.
    """

    def __init__(self, database: Database, wanted: Filter, multi: bool) -> None:
        self.wanted = wanted
        self._database, self._multi = database, multi
        self._gathered: tuple[Signature, array[int]] | None = None
        self._closed = False

    def close(self) -> None:
        """The list is no longer wanted: gathering it ends."""
        self._closed = True
        self._gathered = None

    @property
    def ids(self) -> array[int] | None:
        """All its reviews in its order; none before they have been gathered."""
        return self._gathered[1] if self._gathered else None

    def first(self, limit: int) -> list[Card]:
        """The first page, before anything has been gathered."""
        with self._database.reading() as session:
            return cards.cards(session, browse.page(session, self.wanted, 0, limit), self._multi)

    def page(self, offset: int, limit: int) -> list[Card]:
        """A page, as soon as the list has been gathered; before that only the first."""
        ids = self.ids
        if ids is None:
            return [] if offset else self.first(limit)
        with self._database.reading() as session:
            return cards.cards(session, ids[offset : offset + limit], self._multi)

    def gather(self) -> bool:
        """Gather the list, or gather it anew; false when it is no longer wanted."""
        with _TURN:
            if self._closed:
                return False
            try:
                with self._database.reading() as session:
                    seen = signature(session)
                    ids = browse.every(session, self.wanted, lambda: not self._closed)
            except Abandoned:
                return False
            self._gathered = (seen, ids)
        return not self._closed

    def is_stale(self) -> bool:
        """Whether the project has changed since the list was gathered."""
        gathered = self._gathered
        if gathered is None:
            return False
        with self._database.reading() as session:
            return signature(session) != gathered[0]

    def place(self, review_id: int | None, otherwise: int) -> int:
        """Where a review stands now; `otherwise`, or the end, when it is not in the list."""
        ids = self.ids
        if not ids:
            return 0
        if review_id is not None:
            try:
                return ids.index(review_id)
            except ValueError:
                pass
        return min(otherwise, len(ids) - 1)
