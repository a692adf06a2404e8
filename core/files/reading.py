"""Reading delimited text files without losing or guessing away a single cell.

A `Table` knows its columns and gives its rows one at a time, so that memory does not grow with the file.
Other formats become further functions that return a `Table`; `open_table` chooses by the file's suffix.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import TextIO

from core.errors import FileError

DELIMITERS = (",", ";", "\t", "|")

SAMPLE_BYTES = 256 * 1024
"""How much of the file the delimiter is guessed from."""

LARGEST_CELL = 64 * 1024 * 1024
"""Characters of one cell. A longer one is a file whose quotes do not match."""


@dataclass(frozen=True)
class Row:
    """One row of a table."""

    number: int
    """The first after the header is 1."""
    line: int
    """The line of the file it ends on, the first being 1."""
    cells: list[str]


@dataclass(frozen=True)
class Table:
    """A file that has been recognised, ready to be read."""

    path: Path
    columns: list[str]
    encoding: str
    delimiter: str
    rows: Callable[[], Iterator[Row]]
    """Starts reading from the first row; may be called again."""


def open_table(path: Path, encoding: str | None = None) -> Table:
    """Recognise a file by its suffix and read its header.

    Raises FileError with a sentence when the file is missing, empty, of another kind, or does not decode.
    """
    path = path.expanduser()
    try:
        if path.is_dir():
            raise FileError(f"{path} is a folder.", "Name the file to read.")
        if not path.exists():
            raise FileError(f"{path} does not exist.", "Check the path.")
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from error
    suffix = path.suffix.casefold()
    if suffix not in (".csv", ".tsv", ".txt", ""):
        raise FileError(f"{path.name}: files ending in “{suffix}” cannot be read yet.", "Save it as CSV first.")
    sample = _sample(path)
    encoding = _encoding(sample, encoding, path)
    try:
        text = sample.decode(encoding, errors="ignore").removeprefix("\ufeff")
    except UnicodeError as error:
        raise _undecodable(path, encoding, 0) from error
    delimiter = "\t" if suffix == ".tsv" else _delimiter(text)
    columns = _header(path, encoding, delimiter)
    return Table(path, columns, encoding, delimiter, lambda: _rows(path, columns, encoding, delimiter))


def sha256(path: Path) -> str:
    """The file's SHA-256 as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sample(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            sample = file.read(SAMPLE_BYTES)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error
    if not sample.strip():
        raise FileError(f"{path.name} is empty.", "Choose a file with a header line and reviews below it.")
    return sample


def _encoding(sample: bytes, wanted: str | None, path: Path) -> str:
    """The encoding to read with: the wanted one, else what a byte order mark says, else UTF-8."""
    marked = sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    name = "utf-16" if marked else "utf-8"
    if wanted is not None:
        try:
            TextIOWrapper(BytesIO(), encoding=wanted)  # Refuses codecs that are not for text, such as hex.
            name = codecs.lookup(wanted).name
        except (LookupError, ValueError) as error:
            raise FileError(f"There is no encoding “{wanted}”.", "Try utf-8, utf-16, cp1252 or latin-1.") from error
    elif b"\x00" in sample and not marked:
        raise FileError(f"{path.name} is no text file (it holds zero bytes).", "Save it as CSV in UTF-8.")
    if marked and name.startswith("utf-16"):
        return "utf-16"
    return "utf-8-sig" if name == "utf-8" else name


def _delimiter(text: str) -> str:
    """The delimiter that cuts the first rows into the most cells, all rows alike."""
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        try:
            rows = [
                row
                for _, row in zip(
                    range(50), csv.reader(StringIO(text, newline=""), delimiter=delimiter), strict=False
                )
            ]
        except csv.Error:
            continue
        widths = [len(row) for row in rows[:-1] or rows if row]
        if not widths or widths[0] < 2:
            continue
        score = (sum(width == widths[0] for width in widths) / len(widths), widths[0])
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _header(path: Path, encoding: str, delimiter: str) -> list[str]:
    with _reading(path, encoding) as file:
        columns = next(_csv(file, path, delimiter), None)
    if not columns:
        raise FileError(f"{path.name} has no header line.", "Put the names of the columns on the first line.")
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        raise FileError(
            f"{path.name} has more than one column named “{repeated[0]}”.",
            "Give every column a name of its own.",
        )
    return columns


def _rows(path: Path, columns: list[str], encoding: str, delimiter: str) -> Iterator[Row]:
    with _reading(path, encoding) as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            next(reader)
            number = 0
            for cells in reader:
                if not cells:
                    continue
                number += 1
                if len(cells) != len(columns):
                    raise FileError(
                        f"{path.name}, line {reader.line_num}: {len(cells)} cells where the header has "
                        f"{len(columns)}.",
                        "Check the quotes and delimiters of that line.",
                    )
                yield Row(number, reader.line_num, cells)
        except csv.Error as error:
            raise FileError(
                f"{path.name}, line {reader.line_num}: {error}.", "Check the quotes around that line."
            ) from error
        except UnicodeError as error:
            raise _undecodable(path, encoding, reader.line_num) from error


def _csv(file: TextIO, path: Path, delimiter: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(file, delimiter=delimiter, strict=True)
    except csv.Error as error:
        raise FileError(f"{path.name}, line 1: {error}.", "Check the quotes around that line.") from error
    except UnicodeError as error:
        raise _undecodable(path, file.encoding, 0) from error


def _undecodable(path: Path, encoding: str, line: int) -> FileError:
    name = "UTF-8" if encoding.startswith("utf-8") else encoding
    return FileError(
        f"{path.name} is not written in {name} (after line {line}).",
        "Name its encoding, for example --encoding cp1252 for files from Windows programs.",
    )


def _reading(path: Path, encoding: str) -> TextIO:
    csv.field_size_limit(LARGEST_CELL)
    return path.open(encoding=encoding, newline="")
