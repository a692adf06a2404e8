"""Labelling a file of any size with a saved model, in one pass and in memory that does not grow with it.

No project and no worker process: what comes in by standard input goes out by standard output.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TextIO

import numpy as np
from numpy.typing import NDArray

from core.errors import FileError
from core.files import columns as guessed
from core.files.decided_rows import free
from core.files.reading import open_table
from core.files.table import Row, Table
from core.files.values import Stored, as_text
from core.files.writing.delimited import DelimitedWriter
from core.files.writing.json_lines import JsonLinesWriter, written
from core.files.writing.parquet import Kinds, ParquetWriter
from core.files.writing.table import Column, Format, Writer
from core.training.device import choose_device
from core.training.predict import CHUNK, Predictor
from core.training.saved import load

STREAM = "-"
"""Standard input or standard output."""

HALF = 0.5
"""Probability from which a label of a multi-label scheme is given."""

DIGITS = 6
"""Of probabilities: single precision has no more."""

STREAMED = (Format.CSV, Format.TSV, Format.JSONL)
"""Formats that can be written without going back."""

Report = Callable[[str, int, int], None]
"""Told what is done, how much of it, and of how much; the last is a guess where the file does not say."""


@dataclass(frozen=True)
class Labelled:
    """What was written."""

    rows: int
    columns: list[str]
    """Those added to the file's own."""
    counts: dict[str, int]
    """Rows by label; in a multi-label scheme a row counts for each of its labels."""


def label_file(
    model: Path,
    source: str,
    target: str,
    *,
    text_column: str | None = None,
    encoding: str | None = None,
    written_as: str | None = None,
    stream: TextIO | None = None,
    report: Report = lambda _doing, _done, _of: None,
) -> Labelled:
    """Write every row of `source` with all its columns, then label, probability, and one probability a label.

    `target` “-” writes to `stream`. A file appears whole or not at all. Raises FileError and ModelError.
    """
    form = _format(target, written_as)
    predictor = load(model.expanduser(), choose_device())
    table = open_table(Path(source) if source != STREAM else source, encoding).settled()
    try:
        name = guessed.require(table, text_column) if text_column else guessed.text_column(table)
        if target == STREAM:
            assert stream is not None
            return _Labelling(predictor, table, name, form, report).carry_out(_Streamed(stream, form))
        return _to_file(_Labelling(predictor, table, name, form, report), Path(target).expanduser().absolute())
    finally:
        table.close()


def _format(target: str, wanted: str | None) -> Format:
    suffix = "csv" if target == STREAM else Path(target).suffix.casefold().removeprefix(".")
    allowed = STREAMED if target == STREAM else (*STREAMED, Format.PARQUET)
    try:
        found = Format(wanted or suffix)
    except ValueError:
        found = Format.XLSX
    if found not in allowed:
        names = ", ".join(one.value for one in allowed)
        raise FileError(f"Labelled files cannot be written as “{wanted or suffix}”.", f"Choose one of {names}.")
    return found


def _to_file(labelling: _Labelling, target: Path) -> Labelled:
    if not target.parent.is_dir():
        raise FileError(f"The folder {target.parent} does not exist.", "Make it first, or choose another.")
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        done = labelling.carry_out(labelling.writer(draft))
        draft.replace(target)
    except OSError as error:
        raise FileError(
            f"{target} cannot be written: {error.strerror}.", "Check the room on the disk and your permissions."
        ) from error
    finally:
        with suppress(OSError):
            draft.unlink()
    return done


class _Labelling:
    """One pass over a table."""

    def __init__(self, predictor: Predictor, table: Table, text_column: str, form: Format, report: Report) -> None:
        self._predictor, self._table, self._form, self._report = predictor, table, form, report
        self._text = table.columns.index(text_column)
        self._labels = list(predictor.label_names)
        own: list[str] = list(table.columns)
        self._added: list[str] = []
        for wanted in ("label", "probability", *(f"probability_{label}" for label in self._labels)):
            self._added.append(free(wanted, [*own, *self._added]))
        self._seen = 0
        """Characters of the cells read, by which the number of rows is guessed."""

    def columns(self) -> list[Column]:
        """The file's own, with types where the format to write wants them, then those added."""
        kinds = self._table.types or [""] * len(self._table.columns)
        own = [Column(name, kind) for name, kind in zip(self._table.columns, kinds, strict=True)]
        if self._form is Format.PARQUET and (found := Kinds(own)).needed:
            for rows in _portions(self._table):
                found.look([row.cells for row in rows])
            own = found.columns()
        return [*own, Column(self._added[0], "string"), *(Column(name, "double") for name in self._added[1:])]

    def writer(self, path: Path) -> Writer:
        """What writes the file."""
        if self._form is Format.PARQUET:
            return ParquetWriter(path, self.columns())
        if self._form is Format.JSONL:
            return JsonLinesWriter(path, self.columns())
        return DelimitedWriter(path, self.columns(), _delimiter(self._form), None, guard=False)

    def carry_out(self, writer: Writer) -> Labelled:
        """Read, predict and write, a window after the other; reading and tokenising go ahead in a thread."""
        counts = dict.fromkeys(self._labels, 0)
        rows = 0
        windows = self._predictor.predict_chunks((part, self._texts(part)) for part in _portions(self._table))
        if isinstance(writer, _Streamed):
            writer.begin(self.columns())
        with writer:
            for window in windows:
                writer.write(self._rows(window.ids, window.probabilities, counts))
                rows += len(window.ids)
                self._report("predicting", rows, self._total(rows))
        return Labelled(rows, self._added, counts)

    def _texts(self, rows: Sequence[Row]) -> list[str]:
        self._seen += sum(len(cell) if isinstance(cell, str) else 8 for row in rows for cell in row.cells)
        return [as_text(row.cells[self._text]) for row in rows]

    def _total(self, done: int) -> int:
        known = self._table.known_rows
        return known if known is not None else max(done, round(done * self._table.size / max(self._seen, 1)))

    def _rows(
        self, rows: Sequence[Row], probabilities: NDArray[np.float32], counts: dict[str, int]
    ) -> list[list[Stored]]:
        found = []
        for row, said in zip(rows, probabilities.tolist(), strict=True):
            best = max(range(len(said)), key=said.__getitem__)
            given = [at for at, share in enumerate(said) if share >= HALF] if self._predictor.multi_label else [best]
            for at in given:
                counts[self._labels[at]] += 1
            label = "|".join(self._labels[at] for at in given)
            found.append([*row.cells, label, *(round(share, DIGITS) for share in (said[best], *said))])
        return found


class _Streamed:
    """Writes to a stream that cannot go back, such as a pipe: each window is there when it is written."""

    def __init__(self, stream: TextIO, form: Format) -> None:
        self._stream, self._form = stream, form
        self.replaced = 0
        self._columns: list[Column] = []
        self._cells = DelimitedWriter(Path(STREAM), [], _delimiter(form), None, guard=False)

    def begin(self, columns: list[Column]) -> None:
        """Name the columns; what has a header gets it."""
        self._columns = columns
        if self._form is not Format.JSONL:
            self._put([[column.name for column in columns]])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stream.flush()

    def write(self, rows: Sequence[Sequence[Stored]]) -> None:
        if self._form is Format.JSONL:
            for row in rows:
                pairs = zip(self._columns, row, strict=True)
                cells = (f"{json.dumps(one.name)}: {written(cell)}" for one, cell in pairs if not _is_missing(cell))
                self._stream.write("{" + ", ".join(cells) + "}\n")
        else:
            self._put(self._cells.encoded(rows))
        self._stream.flush()

    def encoded(self, rows: Sequence[Sequence[Stored]]) -> list[Any]:
        return list(rows)

    def read_back(self, path: Path) -> Iterator[Any]:
        raise NotImplementedError(f"what went to a stream cannot be read back from {path}")

    def _put(self, rows: Sequence[Sequence[str]]) -> None:
        # Before Python 3.13, csv leaves a lone carriage return unquoted, and readers end the row there.
        quoting: Literal[0, 1] = (
            csv.QUOTE_ALL if any("\r" in cell for row in rows for cell in row) else csv.QUOTE_MINIMAL
        )
        csv.writer(self._stream, delimiter=_delimiter(self._form), lineterminator="\n", quoting=quoting).writerows(
            rows
        )


def _delimiter(form: Format) -> str:
    return "\t" if form is Format.TSV else ","


def _is_missing(cell: Stored) -> bool:
    return isinstance(cell, dict) and cell == {"$missing": True}


def _portions(table: Table) -> Iterator[list[Row]]:
    """The rows in windows. Raises FileError at one that cannot be read."""
    window: list[Row] = []
    for row in table.rows():
        window.append(row)
        if len(window) == CHUNK:
            yield window
            window = []
    if window:
        yield window
