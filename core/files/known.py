"""Which rows of a file are in the project already, by their id and text or by all of their cells."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.storage import scheme
from core.storage.queue import current
from core.storage.states import states
from core.storage.tables import Decision, Review, Source

CHUNK = 1_000
"""Rows looked up with one query."""


class Looked(NamedTuple):
    """What the project knows of a row."""

    review_id: int
    """The review that it is; 0 when it is new."""
    taken: bool = False
    """Its id is there, with another text."""


NEW = Looked(0)


class Known:
    """Looks rows up in the project. By content, each review of the project stands for one row of the file only."""

    def __init__(self, session: Session, columns: Sequence[str], text_column: str) -> None:
        self._session = session
        sources = session.exec(select(Source).where(col(Source.withdrawn).is_(False))).all()
        self._same = {one.id for one in sources if one.columns == list(columns) and one.text_column == text_column}
        self.is_empty = not sources
        self._used = bytearray((session.exec(select(func.max(Review.id))).one() or 0) + 1)
        self._by_digest: dict[bytes, list[tuple[int, str]]] = {}

    def by_id(self, rows: Sequence[tuple[str | None, bytes]]) -> list[Looked]:
        """For rows of id and digest of the text: known is what has both."""
        found: list[Looked] = []
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            there: dict[str | None, list[tuple[int, bytes]]] = {}
            query = (
                select(Review.external_id, Review.id, Review.digest)
                .where(col(Review.external_id).in_({name for name, _ in part if name is not None}), current())
                .order_by(col(Review.id))
            )
            for name, review_id, digest in self._session.exec(query):
                there.setdefault(name, []).append((review_id or 0, digest))
            found += [self._of_those(there.get(name, ()), digest) for name, digest in part]
        return found

    def by_content(self, rows: Sequence[tuple[list[object], bytes]]) -> list[Looked]:
        """For rows of the cells beside the text and the text's digest: known is what has all of them."""
        if not self._same:
            return [NEW] * len(rows)
        found: list[Looked] = []
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            wanted = {digest for _, digest in part} - self._by_digest.keys()
            there: dict[bytes, list[tuple[int, str]]] = {digest: [] for digest in wanted}
            query = (
                select(Review.digest, Review.id, Review.fields)
                .where(col(Review.digest).in_(wanted), col(Review.source_id).in_(self._same), current())
                .order_by(col(Review.id))
            )
            for digest, review_id, fields in self._session.exec(query):
                there[digest].append((review_id or 0, json.dumps(fields)))
            # Texts that many reviews have are asked for again and again.
            self._by_digest.update({digest: reviews for digest, reviews in there.items() if len(reviews) > 20})
            for cells, digest in part:
                reviews = self._by_digest.get(digest) or there.get(digest, [])
                written = json.dumps(cells) if reviews else ""
                found.append(self._unused([one for one, fields in reviews if fields == written]))
        return found

    def _of_those(self, reviews: Sequence[tuple[int, bytes]], digest: bytes) -> Looked:
        if not reviews:
            return NEW
        same = [review_id for review_id, its in reviews if its == digest]
        if not same:
            return Looked(0, taken=True)
        unused = self._unused(same)
        return unused if unused.review_id else Looked(same[0])

    def _unused(self, reviews: Sequence[int]) -> Looked:
        for review_id in reviews:
            if not self._used[review_id]:
                self._used[review_id] = 1
                return Looked(review_id)
        return NEW


@dataclass
class Comparison:
    """How the labels of known reviews stand in the file and in the project."""

    same: int = 0
    different: int = 0
    only_file: int = 0
    """Labelled in the file, not yet in the project."""
    only_project: int = 0
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often the project says the first where the file says the second; “” is no label."""

    @property
    def differs(self) -> bool:
        """Whether there is anything to decide about."""
        return bool(self.different or self.only_file)


class Comparing:
    """Compares the labels of known rows with those of the project."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._names = {label.id: label.name for label in scheme.labels(session, archived=True)}
        self.found = Comparison()

    def add(self, rows: Sequence[tuple[int, Sequence[str]]]) -> None:
        """Compare rows of review id and the file's labels."""
        known = states(self._session, [review_id for review_id, _ in rows])
        for review_id, theirs in rows:
            state = known.get(review_id)
            ours: set[str] = set()
            if state is not None and state.decision is not None:
                given = [self._names.get(one, "") for one in state.label_ids]
                ours = set(given) if state.decision is Decision.LABELLED else {"(skipped)"}
            if not theirs:
                self.found.only_project += bool(ours)
            elif not ours:
                self.found.only_file += 1
            elif ours == set(theirs):
                self.found.same += 1
            else:
                self.found.different += 1
            if ours != set(theirs):
                self.found.pairs["|".join(sorted(ours)), "|".join(sorted(theirs))] += 1
