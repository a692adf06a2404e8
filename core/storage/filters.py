"""What browse can be narrowed to, and how it is sorted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from core.storage.tables import Origin


class State(StrEnum):
    """What browse can be narrowed to."""

    ALL = "all"
    OPEN = "open"
    """Nobody has decided about it."""
    LABELLED = "labelled"
    SKIPPED = "skipped"
    FLAGGED = "flagged"
    NOTED = "noted"
    SUGGESTED = "suggested"
    """Open, and the model in use suggests a label."""
    DISAGREED = "disagreed"
    """Labelled otherwise than the model in use says."""


class Order(StrEnum):
    """How browse is sorted."""

    FILE = "file"
    """As in the imported files."""
    QUEUE = "queue"
    """As they come up for labelling."""
    RECENT = "recent"
    """Latest decision first."""
    SURE = "sure"
    """Most probable suggestion first."""
    UNSURE = "unsure"
    """Least probable suggestion first."""


@dataclass(frozen=True)
class Filter:
    """Which reviews, in which order."""

    state: State = State.ALL
    label_id: int | None = None
    """Has this label, or, with `State.SUGGESTED` or `OPEN`, this suggestion."""
    words: str = ""
    """Full-text search: words, "phrases", prefix*, NOT word or -word."""
    order: Order = Order.FILE
    source_id: int | None = None
    """From this imported file."""
    origin: Origin | None = None
    """Its decision comes from here."""
    suggested_id: int | None = None
    """The model in use suggests this label."""
    at_least: float | None = None
    """Lowest probability of the suggestion, 0 to 1."""
    at_most: float | None = None
    """Highest probability of the suggestion, 0 to 1."""
    since: str | None = None
    """Decided at this time or later: the beginning of a UTC time, such as “2024-01-31”."""
    until: str | None = None
    """Decided before the end of this day, month or year."""
    audit: bool | None = None
    """In the audit set, or not in it."""
    flipped: tuple[int, int] | None = None
    """The suggestions of these two runs name different labels."""

    @property
    def suggestion_label(self) -> int | None:
        """The label that has to be suggested; of open reviews the label asked for is one too."""
        by_suggestion = self.state in (State.OPEN, State.SUGGESTED)
        return self.suggested_id if self.suggested_id is not None or not by_suggestion else self.label_id

    @property
    def about_suggestions(self) -> bool:
        """Whether only reviews with a suggestion pass."""
        bounds = (self.suggestion_label, self.at_least, self.at_most)
        return self.state is State.SUGGESTED or any(bound is not None for bound in bounds)

    @property
    def to_be_given(self) -> Filter:
        """The same for giving all hits a label: what a model chose leaves the audit set alone, which measures it."""
        chosen = self.about_suggestions or self.state is State.DISAGREED or self.flipped is not None
        return replace(self, audit=False) if chosen else self

    @property
    def about_annotations(self) -> bool:
        """Whether only reviews with an annotation pass."""
        of_state = self.state in (State.LABELLED, State.SKIPPED, State.FLAGGED, State.NOTED, State.DISAGREED)
        given = self.label_id is not None and self.state not in (State.OPEN, State.SUGGESTED)
        return of_state or given or any(bound is not None for bound in (self.origin, self.since, self.until))
