"""Which reviews of a file belong together: equal or nearly equal, to each other or to reviews of the project."""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session, col, select

from core.errors import ProjectError
from core.files.alike import Alike, first_equal
from core.storage.database import Database
from core.storage.queue import current
from core.storage.tables import Project, Review, Source

PORTION = 2_000
"""Rows looked up with one query, and texts compared at a time."""

DIGEST = 16
"""Bytes of a digest."""


@dataclass(frozen=True)
class Groups:
    """What the rows of a file are grouped with; row 0 is the first after the header."""

    digests: bytes
    """The texts' digests, one after the other."""
    firsts: NDArray[np.int64]
    """For each row the row its group is named after, itself if it is that; -g if it joins the project's group g."""
    repeated: NDArray[np.int64]
    """Rows whose text stands in an earlier row."""
    already_there: int
    """Distinct texts that stand in the project."""
    alike_texts: int
    """Distinct texts that are grouped with a different one."""
    seen: list[tuple[int | None, bool]]
    """The sources there were, and whether they were withdrawn: with others, the groups would be others."""

    def digest(self, row: int) -> bytes:
        """The digest of a row's text."""
        return self.digests[row * DIGEST : (row + 1) * DIGEST]


class Places:
    """Where a review stands in the project's random order, and whether it is in the audit set.

    Both follow the first review of its group, so that no group stands on both sides. Of reviews that come with labels
    the audit set is drawn label by label: one of each so many that have the same ones, so that a rare label is in it
    as surely as a frequent one. Each review's chance is the same either way.
    """

    def __init__(self, session: Session, project: Project, groups: Groups) -> None:
        self._groups = groups
        self._salt = project.salt
        self._share = round(project.audit_share * 10_000)
        self._of_firsts = np.zeros(len(groups.firsts), dtype=np.bool_)
        self._strata: Counter[tuple[str, ...]] = Counter()
        self._known: dict[int, tuple[int, bool]] = {}
        joined = np.unique(-groups.firsts[groups.firsts < 0]).tolist()
        for start in range(0, len(joined), PORTION):
            part = joined[start : start + PORTION]
            query = select(Review.id, Review.shuffle, Review.audit).where(col(Review.id).in_(part))
            self._known.update(
                {review_id or 0: (shuffle, audit) for review_id, shuffle, audit in session.exec(query)}
            )

    def of(self, row: int, labels: tuple[str, ...] = ()) -> tuple[int, bool]:
        """The place of a row, 0 to 2^62 - 1, and whether it is drawn for the audit set. Ask for the rows in order.

        `labels` are those the file gives it.
        """
        first = int(self._groups.firsts[row])
        if first < 0:
            return self._known[-first]
        shuffle = shuffled(self._salt, self._groups.digest(first))
        if row == first:
            by_chance = shuffle % 10_000 < self._share
            self._of_firsts[row] = self._drawn(labels) if labels and self._share else by_chance
        return shuffle, bool(self._of_firsts[first])

    def _drawn(self, labels: tuple[str, ...]) -> bool:
        """Whether the next review with these labels is the one of its block, drawn at random, for the audit set."""
        block = round(10_000 / self._share)
        number, place = divmod(self._strata[labels], block)
        self._strata[labels] += 1
        drawn = shuffled(self._salt, f"{number} {'|'.join(labels)}".encode("utf-8", "surrogatepass"))
        return drawn % block == place


def text_digest(text: str) -> bytes:
    """What tells texts apart: the first 16 bytes of the SHA-256 of the UTF-8 text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:DIGEST]


def shuffled(salt: int, digest: bytes) -> int:
    """A text's place in the project's random order, 0 to 2^62 - 1; equal texts get equal places."""
    keyed = hashlib.blake2b(digest, digest_size=8, key=salt.to_bytes(8, "big")).digest()
    return int.from_bytes(keyed, "big") >> 2


def repeats(digests: bytes) -> list[int]:
    """Which of the digests stand there before, by their places."""
    found: list[int] = np.flatnonzero(first_equal(digests) != np.arange(len(digests) // DIGEST)).tolist()
    return found


def sources(session: Session) -> list[tuple[int | None, bool]]:
    """The sources of the project, and whether they are withdrawn."""
    return list(session.exec(select(Source.id, Source.withdrawn).order_by(col(Source.id))).all())


class Grouping:
    """Takes the texts of a file in portions, then groups them. To be closed by whoever made it."""

    def __init__(self, database: Database, threshold: float) -> None:
        """At a `threshold` of 1 only equal texts are grouped.

        This, `add` and `done` raise ProjectError where the texts find no room beside the project while they wait.
        """
        self._database = database
        self._digests = bytearray()
        self._leaders: list[int] = []
        self._alike = None
        if threshold < 1:
            with _beside(database.path):
                self._alike = Alike(threshold, database.path.parent)
        with _beside(database.path), database.reading() as session:
            self._seen = sources(session)
            if self._alike is not None and self._seen:
                for ids, texts in _leaders(session):
                    self._leaders += ids
                    self._alike.add(texts)

    def add(self, texts: Sequence[str], digests: Sequence[bytes] | None = None) -> None:
        """Take the texts of the next rows, and their digests if they are known."""
        self._digests += b"".join(map(text_digest, texts) if digests is None else digests)
        if self._alike is not None:
            with _beside(self._database.path):
                self._alike.add(texts)

    def done(self) -> Groups:
        """Group the rows that were given."""
        digests = bytes(self._digests)
        rows = len(digests) // DIGEST
        equal = first_equal(digests)
        distinct = equal == np.arange(rows)
        there = np.zeros(rows, dtype=np.int64)
        if self._seen:
            with self._database.reading() as session:
                _look_up(session, digests, np.flatnonzero(distinct), there)
        already = int((there > 0).sum())
        there = there[equal]
        firsts = equal
        if self._alike is not None:
            settled = len(self._leaders)
            placed = np.concatenate([np.zeros(settled, dtype=bool), there > 0])
            with _beside(self._database.path):
                firsts = self._alike.firsts(settled, placed)[settled:] - settled
            # Numbers below 0 are the project's groups, by their place in the list.
            groups = np.array(self._leaders, dtype=np.int64)
            outside = firsts < 0
            firsts[outside] = -groups[firsts[outside]]
        joined = firsts >= 0
        joined[joined] = there[firsts[joined]] > 0
        firsts[joined] = -there[firsts[joined]]
        firsts[there > 0] = -there[there > 0]
        again = np.flatnonzero(~distinct)
        alike = distinct & (there == 0) & (firsts != np.arange(rows))
        return Groups(digests, firsts, again, already, int(alike.sum()), self._seen)

    def close(self) -> None:
        """Let go of the texts."""
        if self._alike is not None:
            with contextlib.suppress(OSError):  # on a full disk its last bytes find no room either
                self._alike.close()


@contextlib.contextmanager
def _beside(project: Path) -> Iterator[None]:
    """Turn errors of the file in which texts wait beside the project into a sentence."""
    try:
        yield
    except OSError as error:
        raise ProjectError(
            f"No file for the texts to wait in can be written to {project.parent}: {error.strerror}.",
            "Check the room on the disk and your permissions, then import again; nothing was imported.",
        ) from error


def _leaders(session: Session) -> Iterator[tuple[list[int], list[str]]]:
    """The first reviews of the project's groups, in portions of ids and texts."""
    query = (
        select(Review.id, Review.text)
        .where(col(Review.group_id) == col(Review.id), current())
        .order_by(col(Review.id))
        .execution_options(yield_per=PORTION)
    )
    for part in session.exec(query).partitions():
        yield [review_id for review_id, _ in part if review_id is not None], [text for _, text in part]


def _look_up(session: Session, digests: bytes, rows: NDArray[np.int64], there: NDArray[np.int64]) -> None:
    """Enter the group of the project's earliest review with the same text, where there is one."""
    for start in range(0, len(rows), PORTION):
        wanted = {digests[row * DIGEST : (row + 1) * DIGEST]: row for row in rows[start : start + PORTION].tolist()}
        query = (
            select(Review.digest, Review.group_id)
            .where(col(Review.digest).in_(wanted), current())
            .order_by(col(Review.id).desc())
        )
        for digest, group_id in session.exec(query):
            there[wanted[digest]] = group_id
