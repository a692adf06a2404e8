"""Workbooks of Excel: one sheet, written row by row, strings always as strings.

A text that begins like a formula is a text cell, which no spreadsheet runs; its style says “quote prefix”, so that it
stays a text when a person edits it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from core.errors import FileError
from core.files import formulas
from core.files.values import Stored, as_text, from_stored
from core.files.writing.table import Column

MOST_ROWS = 1_048_576
MOST_COLUMNS = 16_384
LONGEST = 32_767
"""Characters of a cell, counted as UTF-16 does."""

LARGEST_WHOLE = 2**53
"""Numbers are floats in a workbook: larger whole ones are written as text."""

PORTION = 2_000
OTHER = "Export to csv, jsonl or parquet, which have no such limit."

_LIKE_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")


def escaped(text: str) -> str:
    """A text in the form in which a workbook holds characters that XML forbids (ECMA-376, 22.9.2.19)."""
    if "_x" in text:
        text = _LIKE_ESCAPE.sub("_x005F_", text)
    text = _FORBIDDEN.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
    # What looks like this the library takes for a piece of the sheet's own XML.
    return f"_x003C_{text[1:]}" if text.startswith("<r>") else text


def unescaped(text: str) -> str:
    """The text that `escaped` was given."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


class WorkbookWriter:
    """Writes numbers, booleans and times as such, everything else as text."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        if len(columns) > MOST_COLUMNS:
            raise FileError(f"{len(columns):,} columns are more than a sheet can have ({MOST_COLUMNS:,}).", OTHER)
        self._path, self._names = path, [column.name for column in columns]
        self.replaced = 0
        self._row = 0
        self._book: Any = None

    def __enter__(self) -> WorkbookWriter:
        import xlsxwriter

        self._book = xlsxwriter.Workbook(
            str(self._path),
            {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False},
        )
        self._sheet = self._book.add_worksheet("reviews", worksheet_class=_sheet_class())
        self._quoted = self._book.add_format({"quote_prefix": True})
        self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"})
        self._write([self._names])
        self._sheet.freeze_panes(1, 0)
        return self

    def __exit__(self, *error: object) -> None:
        if self._book is None:
            return
        try:
            self._book.close()
        except Exception as failure:
            if error[0] is not None:
                return
            cause = failure.__cause__ or failure.__context__ or failure
            if isinstance(cause, OSError):
                raise cause from failure
            raise OSError(None, str(failure)) from failure
        descriptor = os.open(self._path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def write(self, rows: Sequence[Sequence[Stored]]) -> None:
        self._write(self.encoded(rows))

    def encoded(self, rows: Sequence[Sequence[Stored]]) -> list[list[Any]]:
        return [[_native(cell) for cell in row] for row in rows]

    def read_back(self, path: Path) -> Iterator[list[Any]]:
        import openpyxl

        with path.open("rb") as file:
            book = openpyxl.load_workbook(file, read_only=True)
            try:
                sheet = book.worksheets[0]
                sheet.reset_dimensions()
                rows = sheet.iter_rows(values_only=True)
                next(rows)
                for row in rows:
                    cells = [unescaped(cell) if isinstance(cell, str) else cell for cell in row]
                    yield cells + [None] * (len(self._names) - len(cells))
            finally:
                book.close()

    def _write(self, rows: Sequence[Sequence[Any]]) -> None:
        for row in rows:
            if self._row >= MOST_ROWS:
                raise FileError(f"A sheet cannot have more than {MOST_ROWS - 1:,} reviews.", OTHER)
            for at, cell in enumerate(row):
                self._write_cell(at, cell)
            self._row += 1

    def _write_cell(self, at: int, cell: Any) -> None:
        if cell is None:
            return
        if isinstance(cell, str):
            if len(cell) > LONGEST // 2 and len(cell.encode("utf-16-le", "surrogatepass")) // 2 > LONGEST:
                raise FileError(
                    f"Row {self._row:,}, column “{self._names[at]}”: {len(cell):,} characters, and a cell of a "
                    f"workbook holds {LONGEST:,}.",
                    OTHER,
                )
            style = self._quoted if formulas.is_run(cell) or cell.startswith("'") else None
            self._sheet.write_string(self._row, at, cell, style)
        elif isinstance(cell, bool):
            self._sheet.write_boolean(self._row, at, cell)
        elif isinstance(cell, datetime):
            self._sheet.write_datetime(self._row, at, cell, self._moment)
        else:
            self._sheet.write_number(self._row, at, cell)


def _native(cell: Stored) -> Any:
    """A stored value as what a sheet has for it: none, text, number, boolean or a time to the millisecond."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool | str):
        return cell
    if isinstance(cell, int):
        return cell if abs(cell) <= LARGEST_WHOLE else str(cell)
    if isinstance(cell, float):
        return cell
    if isinstance(cell, dict) and "$datetime" in cell:
        value = from_stored(cell)
        plain = isinstance(value, datetime) and value.tzinfo is None and not value.microsecond % 1_000
        if plain and 1900 < value.year < 9999:
            return value
    return as_text(cell) or None


def _sheet_class() -> Any:
    """A sheet that writes floats and any text exactly; made late, as the library is loaded for workbooks alone."""
    from xlsxwriter.worksheet import Worksheet

    class ExactSheet(Worksheet):  # type: ignore[misc]
        """The library's own way rounds to 16 digits, and mistakes texts like “_x0041_x0042_” and “<r>…</r>”."""

        def _xml_number_element(self, number: float, attributes: Sequence[tuple[str, Any]] = ()) -> None:
            written = "".join(f' {key}="{value}"' for key, value in attributes)
            self.fh.write(f"<c{written}><v>{number!r}</v></c>")

        @staticmethod
        def _escape_control_characters(data: str) -> str:
            return escaped(data) if isinstance(data, str) else data

    return ExactSheet
