"""What the formats share: columns with their kinds, and what a writer can do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from core.errors import FileError
from core.files.values import Stored


class Format(StrEnum):
    """What a file is written as."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    XLSX = "xlsx"
    DATASET = "dataset"
    """A folder that the library `datasets` and the Hugging Face hub read: Parquet, and a card in README.md."""


@dataclass(frozen=True)
class Column:
    """A column of a table that is written."""

    name: str
    kind: str
    """As in `core.files.values`: "" text, "json" and "xlsx" cells that say what they are, else a type of Arrow."""


class Unguarded(Exception):
    """A cell would be run by a spreadsheet, and the table was begun without the column that tells of such."""


class Writer(Protocol):
    """Writes a table to a file, portion by portion. A context manager; leaving it finishes the file."""

    replaced: int
    """Characters that the format cannot hold, written as “\N{REPLACEMENT CHARACTER}”."""

    def __enter__(self) -> Writer: ...

    def __exit__(self, *_error: object) -> None: ...

    def write(self, rows: Sequence[Sequence[Stored]]) -> None:
        """Write a portion of rows of stored values. Raises FileError for what the format cannot hold."""
        ...

    def encoded(self, rows: Sequence[Sequence[Stored]]) -> list[Any]:
        """The rows in the form in which `read_back` gives them."""
        ...

    def read_back(self, path: Path) -> Iterator[Any]:
        """Read the finished file, row by row, or portion by portion as they were written."""
        ...


def format_of(target: Path, wanted: str = "") -> Format:
    """The format that is asked for, else the one that the name's suffix says; a name without one is a data set.

    Raises FileError.
    """
    name = wanted or target.suffix.casefold().removeprefix(".")
    if not name:
        return Format.DATASET
    try:
        return Format(name)
    except ValueError:
        known = ", ".join(f".{one}" for one in Format if one is not Format.DATASET)
        raise FileError(
            f"Exports to “{name}” cannot be written.",
            f"End the name in {known}, or in nothing for a folder that the library datasets reads.",
        ) from None


REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def encodable(text: str) -> str:
    """The text with lone surrogates, which UTF-8 has no form for, replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def count_replaced(before: str, after: str) -> int:
    """How many characters were replaced."""
    return 0 if before is after else after.count(REPLACEMENT) - before.count(REPLACEMENT)
