"""The project's counts, kept right from key to key without asking the database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from core.storage import browse
from core.storage.browse import Counts
from core.storage.database import Database
from core.storage.states import AnnotationState
from core.storage.tables import Decision
from core.storage.writer import OrderedWriter

RECOUNTS = 3
"""Attempts to count between two decisions; at a million reviews each takes 0.12 s."""


PATIENCE = 30.0
"""Seconds to wait for the writer, which may be closed meanwhile."""


class Tally:
    """Counts that are moved with every decision, and counted anew when somebody else has decided."""

    def __init__(self, database: Database, writer: OrderedWriter, on_counted: Callable[[], None]) -> None:
        """Count, but for the audit set's share, which takes longer; `recount` adds it.

        `on_counted` is told, in the thread that counted, that the counts are others.
        """
        self._database, self._writer, self._on_counted = database, writer, on_counted
        self.moves = 0
        """How often the counts were moved here."""
        self.lock = threading.Lock()
        """Held while a decision is handed to the writer and moved here, so that a count has both or neither."""
        with database.reading() as session:
            self.counts: Counts = browse.counts(session, with_audit=False)

    def move(self, before: AnnotationState | None, after: AnnotationState, audit: bool) -> None:
        """A review went from one state to another. Call it with `lock` held."""
        self.moves += 1
        counts, by_label = self.counts, dict(self.counts.by_label)
        for state, sign in ((before, -1), (after, 1)):
            if state is None:
                continue
            is_labelled = state.decision is Decision.LABELLED
            counts = replace(
                counts,
                labelled=counts.labelled + sign * is_labelled,
                skipped=counts.skipped + sign * (state.decision is Decision.SKIPPED),
                flagged=counts.flagged + sign * state.flagged,
                audit_labelled=counts.audit_labelled + sign * (is_labelled and audit),
            )
            for label_id in state.label_ids:
                by_label[label_id] = by_label.get(label_id, 0) + sign
        self.counts = replace(counts, by_label=by_label)

    def recount(self) -> bool:
        """Count anew, after changes that were not made here.

        False when decisions kept coming in meanwhile: then the counts stay as they were moved here.
        """
        for _ in range(RECOUNTS):
            with self.lock:
                moves, written = self.moves, self._writer.marker()
            if not written.wait(PATIENCE):
                return False
            with self._database.reading() as session:
                counts = browse.counts(session)
            with self.lock:
                settled = moves == self.moves
                if settled:
                    self.counts = counts
            if settled:
                self._on_counted()
                return True
        return False

    def keep_up(self) -> None:
        """Count anew if somebody else has changed the project."""
        self._writer.flush()
        if self._writer.overtaken and self.recount():
            self._writer.overtaken = False
