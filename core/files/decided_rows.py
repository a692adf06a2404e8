"""The rows of an export: every original column with its values, then what was decided about the review."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from sqlmodel import Session, col, select

from core.files.values import MISSING as MISSING_VALUE
from core.files.values import Stored, to_stored
from core.files.writing.table import Column
from core.labels import SchemeKind
from core.storage import browse, cards, scheme
from core.storage.database import project_of
from core.storage.filter_text import names_of, parse
from core.storage.filters import Order
from core.storage.queue import current
from core.storage.states import AnnotationState, states
from core.storage.tables import Annotator, Decision, Review, Source

PORTION = 5_000
"""Rows held in memory at a time."""

ADDED = {
    "label": "string",
    "source": "string",
    "annotator": "string",
    "time": "string",
    "probability": "double",
    "run": "int64",
    "flagged": "bool",
    "note": "string",
}
"""Columns after the original ones, with their types. One that the file has already is written as `labelloop_…`."""

ABSENT: Stored = to_stored(MISSING_VALUE)
"""The cell of a review whose file did not have the column."""

FLAGGED = list(ADDED).index("flagged")


class What(StrEnum):
    """Which reviews are exported."""

    LABELLED = "labelled"
    """Those that have a label."""
    SUGGESTED = "suggested"
    """Those that have none, with the model's suggestion as label."""
    ALL = "all"
    """Every review; suggestions stand in for missing labels and say so in `source`."""


@dataclass
class Tally:
    """What the rows hold, for the data card."""

    rows: int = 0
    by_label: dict[str, int] = field(default_factory=dict)
    by_source: dict[str, int] = field(default_factory=dict)

    def count(self, added: list[Stored], multi: bool) -> None:
        """Count a row by its added cells."""
        self.rows += 1
        label, source = added[0], added[1] or "undecided"
        self.by_source[source] = self.by_source.get(source, 0) + 1
        for name in (label.split("|") if multi and label else [label]) if label else ():
            self.by_label[name] = self.by_label.get(name, 0) + 1


class Plan:
    """Gives the same rows each time it is asked, within one reading transaction."""

    def __init__(self, session: Session, what: What, where: str = "") -> None:
        """`where` is a filter as it is typed in browse. Raises FilterError for one that cannot be understood."""
        self._session = session
        self._what = what
        self.multi = project_of(session).kind is SchemeKind.MULTI
        self._labels = scheme.labels(session, archived=True)
        self._annotators = {row.id: row.name for row in session.exec(select(Annotator))}
        sources = session.exec(select(Source).where(col(Source.withdrawn).is_(False)).order_by(col(Source.id)))
        self.sources = {source.id: source for source in sources}
        self.original = _merged(list(self.sources.values()))
        taken = [column.name for column in self.original]
        self.added = [Column(free(name, taken), kind) for name, kind in ADDED.items()]
        self.columns = self.original + self.added
        self._ids: array[int] | None = None
        if where.strip():
            wanted = parse(where, names_of(session))
            self._ids = browse.every(session, wanted)
            if wanted.order is Order.FILE:
                self._ids = array(self._ids.typecode, sorted(self._ids))
        self.total = len(self._ids) if self._ids is not None else sum(one.rows for one in self.sources.values())

    def portions(self, tally: Tally | None = None) -> Iterator[tuple[int, list[list[Stored]]]]:
        """Portions of rows of stored values, each with how many reviews have been looked at."""
        seen = 0
        for reviews in self._portions_of_reviews():
            ids = [review.id for review in reviews if review.id is not None]
            known = states(self._session, ids)
            suggested = {} if self._what is What.LABELLED else cards.suggestions(self._session, ids, self.multi)
            rows = []
            for review in reviews:
                cells = self._decided(known.get(review.id or 0), suggested.get(review.id or 0))
                if cells is not None:
                    rows.append(self._original_cells(review) + cells)
                    if tally is not None:
                        tally.count(cells, self.multi)
            seen += len(ids)
            self._session.expunge_all()
            yield seen, rows

    def _portions_of_reviews(self) -> Iterator[list[Review]]:
        if self._ids is not None:
            for start in range(0, len(self._ids), PORTION):
                part = self._ids[start : start + PORTION].tolist()
                by_id = {row.id: row for row in self._session.exec(select(Review).where(col(Review.id).in_(part)))}
                yield [by_id[review_id] for review_id in part]
            return
        last = 0
        while True:
            query = select(Review).where(col(Review.id) > last, current()).order_by(col(Review.id)).limit(PORTION)
            reviews = list(self._session.exec(query))
            if not reviews:
                return
            last = reviews[-1].id or 0
            yield reviews

    def _decided(self, state: AnnotationState | None, suggested: cards.Suggested | None) -> list[Stored] | None:
        """The cells of `ADDED`; none when the review is not asked for."""
        is_labelled = state is not None and state.decision is Decision.LABELLED
        if self._what is What.LABELLED and not is_labelled:
            return None
        is_decided = state is not None and state.decision is not None
        if self._what is What.SUGGESTED and (is_decided or suggested is None):
            return None
        label = source = annotator = time = probability = run = None
        if state is not None and state.decision is not None:
            annotator, time = self._annotators[state.annotator_id], state.decided_at
            source = "skipped" if state.decision is Decision.SKIPPED else state.origin.value
        if state is not None and is_labelled:
            label = "|".join(scheme.names(self._labels, state.label_ids))
            probability, run = state.probability, state.run_id
        elif suggested is not None and not is_decided:
            label, source = "|".join(scheme.names(self._labels, suggested.label_ids)), "suggested"
            probability, run = suggested.probability, suggested.run_id
        flagged, note = (state.flagged, state.note) if state is not None else (False, "")
        return [label, source, annotator, time, _rounded(probability), run, flagged, note]

    def _original_cells(self, review: Review) -> list[Stored]:
        source = self.sources[review.source_id]
        others = iter(review.fields)
        cells = {name: review.text if name == source.text_column else next(others) for name in source.columns}
        return [cells.get(column.name, ABSENT) for column in self.original]


def free(name: str, taken: list[str]) -> str:
    """The name, prefixed as often as it takes to be none of the file's own: an export may be imported again."""
    while name in taken:
        name = f"labelloop_{name}"
    return name


def _merged(sources: list[Source]) -> list[Column]:
    """All columns of all files, each with the kind that all files agree on, else the one that takes any value."""
    kinds: dict[str, set[str]] = {}
    for source in sources:
        types = source.column_types or [""] * len(source.columns)
        for name, kind in zip(source.columns, types, strict=True):
            kinds.setdefault(name, set()).add(kind)
    return [Column(name, next(iter(one)) if len(one) == 1 else "json") for name, one in kinds.items()]


def _rounded(probability: float | None) -> float | None:
    return None if probability is None else round(probability, 6)
