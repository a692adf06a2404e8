"""Workbooks of Excel (xlsx), a row at a time."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from core.errors import FileError
from core.files.inputs import BOMB_BYTES, Input, reading, refuse_bomb
from core.files.table import BadRow, Entry, Row, Table, distinct
from core.files.values import XLSX, as_text, to_stored

_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
"""How a workbook writes characters that XML forbids, and the underscore before what would look like one."""

PORTION = 200
"""Rows in memory at a time."""

LARGEST_WORKBOOK = 8 * BOMB_BYTES
"""Bytes of a workbook, unpacked: its texts are kept in memory by the library that reads it."""


def workbook(source: Input, sheet: str | None) -> Table:
    """Read the header of a sheet, the first with rows unless one is named. Raises FileError."""
    with reading(source.path):
        path = source.seekable()
        _refuse(path, source.name)
    with _opened(path, source.name) as book:
        names = [one.title for one in book.worksheets]
        if sheet is not None and sheet not in names:
            raise FileError(f"{source.name} has no sheet “{sheet}”.", f"Its sheets are: {', '.join(names)}.")
        for name in names if sheet is None else [sheet]:
            try:
                first = next(_filled(book[name]), None)
            except Exception as error:  # openpyxl lets whatever its XML parser and casts raise through
                raise FileError(f"{source.name}, sheet “{name}” is damaged.", "Save it anew, or as CSV.") from error
            if first is not None:
                break
        else:
            raise FileError(f"{source.name} is empty.", "Choose a workbook with a header and reviews below it.")
    columns = [(as_text(cell).strip() and as_text(cell)) or f"column {at}" for at, cell in enumerate(first[1], 1)]
    others = [one for one in names if one != name]
    notes = [f"sheet “{name}”" + (f"; not read: {', '.join(f'“{one}”' for one in others)}" if others else "")]
    return Table(
        source, distinct(columns, source.name), "", "", lambda: _entries(source, path, name, len(columns)), "xlsx",
        [XLSX] * len(columns), quote="", notes=notes,
    )  # fmt: skip


def _entries(source: Input, path: Path, sheet: str, width: int) -> Iterator[Entry]:
    with _opened(path, source.name) as book:
        rows = _filled(book[sheet])
        next(rows, None)
        number = 0
        while True:
            try:
                found = next(rows, None)
            except Exception as error:  # as above
                said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
                yield BadRow(number + 1, number + 2, f"damaged ({said}); nothing after it can be read", ends=True)
                return
            if found is None:
                return
            number += 1
            line, cells = found
            if len(cells) > width:
                yield BadRow(number, line, f"{len(cells)} cells where the header has {width}", cells)
            else:
                yield Row(number, line, cells + [None] * (width - len(cells)))


def _filled(sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    """Rows that have a cell, without the empty ones at their ends, each with its number in the sheet."""
    sheet.reset_dimensions()  # What a file says of its size is often wrong, and then rows are missing.
    for line, row in enumerate(_quietly(sheet.iter_rows(values_only=True)), start=1):
        last = len(row)
        while last and row[last - 1] is None:
            last -= 1
        if last:
            yield line, [_cell(value) for value in row[:last]]


def _quietly(rows: Iterator[Any]) -> Iterator[Any]:
    """The rows, without what the library has to say of styles and dates; in portions, because that is global."""
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            portion = list(islice(rows, PORTION))
        if not portion:
            return
        yield from portion


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return _ESCAPED.sub(_unescaped, value) if "_x" in value else str(value)
    try:
        return to_stored(value)
    except TypeError:
        return str(value)


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))


@contextmanager
def _opened(path: Path, name: str) -> Iterator[Any]:
    import openpyxl

    book = None
    with reading(path), path.open("rb") as file:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        except Exception as error:  # as above
            raise FileError(f"{name} is no workbook (xlsx), or is damaged.", "Save it anew, or as CSV.") from error
        try:
            yield book
        finally:
            book.close()


def _refuse(path: Path, name: str) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile as error:
        raise FileError(f"{name} is no workbook (xlsx), or is damaged.", "Save it anew, or as CSV.") from error
    refuse_bomb(members, name)
    if sum(one.file_size for one in members) > LARGEST_WORKBOOK:
        raise FileError(
            f"{name} is too large for a workbook to be read.", "Save it as CSV, which may be of any size."
        )
