"""JSON lines: an object a row, its keys in the order of the columns, every value with its type."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from core.files.values import Number, Stored, as_text, number
from core.files.writing.table import Column

AS_THEY_ARE = ("$float", "$number")
"""Stored forms of numbers, which JSON lines write as numbers; of all others the text is written."""


class JsonLinesWriter:
    """Writes stored values. A time, a decimal number or bytes are their text: JSON has no word for them."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._path = path
        self._keys = [json.dumps(column.name, ensure_ascii=not _is_plain(column.name)) for column in columns]
        self.replaced = 0
        self._file: IO[str] | None = None

    def __enter__(self) -> JsonLinesWriter:
        self._file = self._path.open("w", encoding="utf-8", newline="")
        return self

    def __exit__(self, *_error: object) -> None:
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def write(self, rows: Sequence[Sequence[Stored]]) -> None:
        assert self._file is not None
        self._file.write("".join(f"{self._line(row)}\n" for row in rows))

    def encoded(self, rows: Sequence[Sequence[Stored]]) -> list[list[tuple[str, Any]]]:
        return [self._read(self._line(row)) for row in rows]

    def read_back(self, path: Path) -> Iterator[list[tuple[str, Any]]]:
        with path.open(encoding="utf-8", newline="\n") as file:
            for line in file:
                yield self._read(line)

    def _line(self, row: Sequence[Stored]) -> str:
        return "{" + ", ".join(
            f"{key}: {written(cell)}" for key, cell in zip(self._keys, row, strict=True) if not _is_missing(cell)
        ) + "}"  # fmt: skip

    @staticmethod
    def _read(line: str) -> list[tuple[str, Any]]:
        """Keys and values in their order; numbers as they are written, so that NaN equals NaN."""
        found: list[tuple[str, Any]] = json.loads(
            line, object_pairs_hook=lambda pairs: pairs, parse_float=str, parse_constant=str
        )
        return found


def written(cell: Stored) -> str:
    """A stored value as JSON; characters as they are, but for lone surrogates, which only an escape can say."""
    if isinstance(cell, str):
        return json.dumps(cell, ensure_ascii=not _is_plain(cell))
    if isinstance(cell, Mapping):
        if len(cell) == 1:
            ((name, value),) = cell.items()
            if name == "$float":
                return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
            if name == "$number":
                return str(value)
            if name == "$object":
                cell = value
            elif name.startswith("$"):
                return written(as_text(cell))
        return "{" + ", ".join(f"{written(key)}: {written(value)}" for key, value in cell.items()) + "}"
    if isinstance(cell, list):
        return "[" + ", ".join(map(written, cell)) + "]"
    return json.dumps(cell)


def _is_missing(cell: Stored) -> bool:
    return isinstance(cell, dict) and cell == {"$missing": True}


def _is_plain(text: str) -> bool:
    """Whether UTF-8 can hold the text, and no reader takes a character of it for a line end."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return not any(sign in text for sign in "\x85\u2028\u2029")


__all__ = ["JsonLinesWriter", "Number", "number", "written"]
