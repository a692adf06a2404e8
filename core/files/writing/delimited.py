"""CSV and TSV: UTF-8, quotes as in RFC 4180, line ends of one character."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Literal

from core.files import formulas
from core.files.values import Stored, as_text
from core.files.writing.table import Column, Unguarded, count_replaced, encodable

READ_AT_ONCE = 10_000
"""Rows read back at a time."""


class DelimitedWriter:
    """Writes text cells; where asked to, with an apostrophe before those that a spreadsheet would run."""

    def __init__(
        self, path: Path, columns: Sequence[Column], delimiter: str, guarded: str | None, guard: bool
    ) -> None:
        """`guarded` is the name of the column that tells of guarded cells, if the table has it.

        Without it, `guard` makes the first cell that needs one raise Unguarded.
        """
        self._path, self._delimiter = path, delimiter
        self._guarded, self._guard = guarded, guard
        self._header = [encodable(column.name) for column in columns]
        self.replaced = 0
        self._file: IO[str] | None = None
        self._writer: Any = None

    def __enter__(self) -> DelimitedWriter:
        self._file = self._path.open("w", encoding="utf-8", newline="")
        header = self._header
        if self._guard and any(map(formulas.is_run, header)):
            if self._guarded is None:
                self._file.close()
                raise Unguarded
            header = formulas.guard(header)[0]
        self._write([[*header, self._guarded] if self._guarded is not None else header])
        return self

    def __exit__(self, *_error: object) -> None:
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def write(self, rows: Sequence[Sequence[Stored]]) -> None:
        self._write(self.encoded(rows, counting=True))

    def encoded(self, rows: Sequence[Sequence[Stored]], counting: bool = False) -> list[list[str]]:
        found = []
        for row in rows:
            cells = [as_text(cell) for cell in row]
            for at, cell in enumerate(cells):
                if not cell.isascii():
                    cells[at] = encodable(cell)
                    if counting:
                        self.replaced += count_replaced(cell, cells[at])
            found.append(self._safe(cells) if self._guard else cells)
        return found

    def read_back(self, path: Path) -> Iterator[list[str]]:
        import pandas as pd  # what most people will read the file with; slow to import

        with pd.read_csv(
            path,
            sep=self._delimiter,
            dtype=str,
            na_filter=False,
            index_col=False,
            skip_blank_lines=False,
            chunksize=READ_AT_ONCE,
        ) as chunks:
            for chunk in chunks:
                yield from map(list, chunk.itertuples(index=False, name=None))

    def _safe(self, cells: list[str]) -> list[str]:
        safe, places = formulas.guard(cells)
        if self._guarded is not None:
            return [*safe, formulas.BETWEEN.join(str(at + 1) for at in places)]
        if places:
            raise Unguarded
        return cells

    def _write(self, rows: list[list[str]]) -> None:
        assert self._file is not None
        # Before Python 3.13, csv leaves a lone carriage return unquoted, and readers end the row there.
        every = any("\r" in cell for row in rows for cell in row)
        quoting: Literal[0, 1] = csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL
        csv.writer(self._file, delimiter=self._delimiter, lineterminator="\n", quoting=quoting).writerows(rows)
