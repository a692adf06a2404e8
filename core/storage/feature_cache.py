"""The features of reviews, kept in a file beside the project: computed once, used for as long as the text is.

Two files that only grow. `KEY.rows` holds the features, one row after another; `KEY.index` says, after a header,
whose they are: the digest of the text and the row's CRC-32, written when the row is on the disk. So the index counts
what is there, and a crash costs the rows that were being written. A row that does not have its CRC is thrown away
with all after it. Where nothing can be written, rows are kept in memory.
"""

from __future__ import annotations

import hashlib
import logging
import os
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

FOLDER = "features"
"""Inside the models folder."""

MAGIC = b"llfeat1\n"
HEADER = struct.Struct("<8sI20x")
"""The magic word and the number of dimensions; 32 bytes."""
ENTRY = struct.Struct("<16sI")
"""The digest of a text and the CRC-32 of its row."""

OVERGROWN = 1.5
"""Times the bound from which a file is begun anew: much of it belongs to reviews that are no longer there."""

Rows = NDArray[np.float16]


class FeatureCache:
    """Rows of features by the digest of the text. Used by one process at a time, see `core.worker.jobs.assist`."""

    def __init__(self, folder: Path, key: str, dimensions: int, most: int) -> None:
        """Open the file of these features, or begin it; files of other features in the folder are deleted.

        `key` names what the features are of, as a file name; `most` bounds the rows. Raises nothing for a disk that
        cannot be used: `problem` says so then, and the rows are kept in memory.
        """
        self.dimensions, self.most = dimensions, most
        self.problem = ""
        """Why the rows are kept in memory only, in a sentence; empty when they are on the disk."""
        self._places: dict[bytes, int] = {}
        self._mapped: Rows = np.zeros((0, dimensions), dtype=np.float16)
        self._files: tuple[BinaryIO, BinaryIO] | None = None
        self._rows, self._index = folder / f"{key}.rows", folder / f"{key}.index"
        try:
            folder.parent.mkdir(mode=0o700, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            self._forget_others(folder)
            self._open()
        except OSError as error:
            self._to_memory(error)

    def __len__(self) -> int:
        return len(self._places)

    @property
    def features(self) -> Rows:
        """All rows, shape [rows, dimensions], float16; a memory map that stays as it is while rows are added."""
        return self._mapped[: len(self._places)]

    def places(self, digests: Sequence[bytes]) -> NDArray[np.int64]:
        """The row of each text, shape [digests]; -1 where it has none."""
        return np.array([self._places.get(digest, -1) for digest in digests], dtype=np.int64)

    def add(self, digests: Sequence[bytes], rows: Rows) -> None:
        """Keep the features of these texts, shape [digests, dimensions]; those known already stay as they are."""
        fresh = {digest: at for at, digest in enumerate(digests) if digest not in self._places}
        if not fresh:
            return
        block = np.ascontiguousarray(rows[list(fresh.values())], dtype=np.float16)
        count = len(self._places)
        if self._files is not None:
            try:
                self._append(count, list(fresh), block)
            except OSError as error:
                self._to_memory(error)
        if self._files is None:
            self._keep(count, block)
        self._places.update((digest, count + at) for at, digest in enumerate(fresh))

    def close(self) -> None:
        """Close the files; what is in them stays."""
        for file in self._files or ():
            file.close()
        self._files = None

    # ------------------------------------------------------------------ the files

    def _forget_others(self, folder: Path) -> None:
        for other in folder.iterdir():
            if other.suffix in (".rows", ".index") and other not in (self._rows, self._index):
                logging.info("Features of another base model are deleted: %s", other.name)
                other.unlink(missing_ok=True)

    def _open(self) -> None:
        """Read what is there as far as it is whole."""
        for path in (self._rows, self._index):
            path.touch(mode=0o600)
        whole, digests = self._whole()
        self._files = self._rows.open("r+b"), self._index.open("r+b")
        rows, index = self._files
        if whole == 0:
            index.write(HEADER.pack(MAGIC, self.dimensions))
        index.truncate(HEADER.size + whole * ENTRY.size)
        rows.truncate(whole * self._size)
        for file in self._files:
            file.flush()
            file.seek(0, os.SEEK_END)
        self._map(whole)
        self._places = {digest: at for at, digest in enumerate(digests)}

    @property
    def _size(self) -> int:
        """Bytes of a row."""
        return 2 * self.dimensions

    def _whole(self) -> tuple[int, list[bytes]]:
        """How many rows are as they were written, and whose they are."""
        index, size = self._index.read_bytes(), self._rows.stat().st_size
        if not index and not size:
            return 0, []
        if len(index) < HEADER.size or HEADER.unpack_from(index) != (MAGIC, self.dimensions):
            logging.warning("%s is none of this version, or damaged: the features are computed anew", self._index)
            return 0, []
        count = min((len(index) - HEADER.size) // ENTRY.size, size // self._size)
        if count > OVERGROWN * max(self.most, 1_000):
            logging.info("%s has grown past its bound: it is begun anew", self._rows)
            return 0, []
        stored = np.memmap(self._rows, dtype=np.uint8, mode="r", shape=(count, self._size)) if count else ()
        digests: list[bytes] = []
        for at in range(count):
            digest, crc = ENTRY.unpack_from(index, HEADER.size + at * ENTRY.size)
            if zlib.crc32(stored[at]) != crc:
                logging.warning(
                    "%s is damaged in row %d: the features from there on are computed anew", self._rows, at
                )
                break
            digests.append(digest)
        return len(digests), digests

    def _append(self, count: int, digests: Sequence[bytes], block: Rows) -> None:
        """Put rows at the end: the index last, and only when they are on the disk."""
        assert self._files is not None
        rows, index = self._files
        rows.seek(count * self._size)
        rows.write(block.tobytes())
        rows.flush()
        os.fsync(rows.fileno())
        index.seek(HEADER.size + count * ENTRY.size)
        index.write(b"".join(ENTRY.pack(one, zlib.crc32(row)) for one, row in zip(digests, block, strict=True)))
        index.flush()
        self._map(count + len(block))

    def _map(self, count: int) -> None:
        if count:
            self._mapped = np.memmap(self._rows, dtype=np.float16, mode="r", shape=(count, self.dimensions))
        else:
            self._mapped = np.zeros((0, self.dimensions), dtype=np.float16)

    # ------------------------------------------------------------------ in memory

    def _to_memory(self, error: OSError) -> None:
        """Go on in memory, with what has been read or computed so far."""
        logging.warning("Features are kept in memory: %s", error)
        reason = error.strerror or str(error)
        self.problem = (
            f"Features of reviews cannot be kept in {self._rows.parent} ({reason}): they are computed anew when the "
            "project is opened again."
        )
        try:
            self.close()
        except OSError:
            self._files = None
        self._mapped = np.array(self._mapped[: len(self._places)])

    def _keep(self, count: int, block: Rows) -> None:
        needed = count + len(block)
        if needed > len(self._mapped):
            grown = np.zeros((max(needed, 2 * count, 1_024), self.dimensions), dtype=np.float16)
            grown[:count] = self._mapped[:count]
            self._mapped = grown
        self._mapped[count:needed] = block


def key_of(base_model: str, recipe: str) -> str:
    """The name of the file for features of a base model, given by its digest, by a recipe."""
    return hashlib.sha256(f"{base_model}\n{recipe}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class StoredFeatures:
    """What is in the file, for a process that only reads it."""

    features: Rows
    """Shape [rows, dimensions]; a memory map."""
    row: dict[bytes, int]
    """By the digest of the text."""

    def places(self, digests: Sequence[bytes]) -> NDArray[np.int64]:
        """The row of each text, shape [digests]; -1 where it has none."""
        return np.array([self.row.get(digest, -1) for digest in digests], dtype=np.int64)


def read_stored(folder: Path) -> StoredFeatures | None:
    """The features in a folder as they are now, whoever is adding to them; None where there are none to read.

    The index is written when the rows are on the disk, so what it counts is there. CRCs are not looked at: who opens
    the file to write has done so.
    """
    try:
        index = max(folder.glob("*.index"), key=lambda path: path.stat().st_mtime, default=None)
        if index is None:
            return None
        found, rows = index.read_bytes(), index.with_suffix(".rows")
        magic, dimensions = HEADER.unpack_from(found)
        count = min((len(found) - HEADER.size) // ENTRY.size, rows.stat().st_size // (2 * dimensions))
        if magic != MAGIC or not count:
            return None
        features = np.memmap(rows, dtype=np.float16, mode="r", shape=(count, dimensions))
    except (OSError, ValueError, struct.error, ZeroDivisionError):
        logging.exception("The features in %s cannot be read", folder)
        return None
    digests = (ENTRY.unpack_from(found, HEADER.size + at * ENTRY.size)[0] for at in range(count))
    return StoredFeatures(features, {digest: at for at, digest in enumerate(digests)})
