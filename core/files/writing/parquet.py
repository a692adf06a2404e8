"""Parquet: every column with its type of Arrow, in row groups of one portion after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from core.errors import FileError
from core.files.arrow_values import arrow_type, to_arrow
from core.files.values import JSON, TEXT, XLSX, Stored, as_text
from core.files.writing.table import Column, count_replaced, encodable

GROUP = 50_000
"""Rows of a row group: smaller ones make readers slow, larger ones are held in memory."""

LARGEST_WHOLE = 2**53
"""Up to here a whole number is the same as a float."""


class ParquetWriter:
    """Writes typed columns. Columns of `kinds` that are no type of Arrow are written as text."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        import pyarrow as pa

        self._path, self._columns = path, columns
        self._schema = pa.schema([(encodable(column.name), _type(column.kind)) for column in columns])
        self.replaced = 0
        self._writer: Any = None
        self._held: list[Any] = []

    def __enter__(self) -> ParquetWriter:
        import pyarrow.parquet as pq

        # Strings in version 2.6 of the format: times to the nanosecond stay what they are.
        self._writer = pq.ParquetWriter(self._path, self._schema, compression="zstd", version="2.6")
        return self

    def __exit__(self, *error: object) -> None:
        if self._writer is not None:
            if error[0] is None:
                self._write_group()
            self._writer.close()

    def write(self, rows: Sequence[Sequence[Stored]]) -> None:
        if rows:
            self._held.append(self._batch(rows, counting=True))
            if sum(batch.num_rows for batch in self._held) >= GROUP:
                self._write_group()

    def encoded(self, rows: Sequence[Sequence[Stored]]) -> list[list[Any]]:
        return _comparable(self._batch(rows))

    def read_back(self, path: Path) -> Iterator[list[Any]]:
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            if not file.schema_arrow.equals(self._schema):
                raise FileError(f"The columns of {path} did not read back as they were written.")
            for batch in file.iter_batches(batch_size=2_000):
                yield from _comparable(batch)

    def _write_group(self) -> None:
        import pyarrow as pa

        if self._held:
            self._writer.write_table(pa.Table.from_batches(self._held, self._schema), row_group_size=GROUP)
            self._held = []

    def _batch(self, rows: Sequence[Sequence[Stored]], counting: bool = False) -> Any:
        import pyarrow as pa

        arrays = []
        for at, column in enumerate(self._columns):
            cells = [row[at] for row in rows]
            try:
                arrays.append(self._array(cells, column.kind, counting))
            except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
                raise FileError(
                    f"The column “{column.name}” holds a value that is no {column.kind}.",
                    "Export to jsonl, which needs no type for a column.",
                ) from error
        return pa.record_batch(arrays, schema=self._schema)

    def _array(self, cells: list[Stored], kind: str, counting: bool) -> Any:
        import pyarrow as pa

        if kind not in (TEXT, JSON, XLSX, "string"):
            return to_arrow([None if cell == "" and kind != "large_string" else cell for cell in cells], kind)
        texts = []
        for cell in cells:
            text = None if cell is None or cell == {"$missing": True} else as_text(cell)
            if text is not None and not text.isascii():
                kept = encodable(text)
                if counting:
                    self.replaced += count_replaced(text, kept)
                text = kept
            texts.append(text)
        return pa.array(texts, pa.string())


def _type(kind: str) -> Any:
    return arrow_type("string" if kind in (TEXT, JSON, XLSX) else kind)


def _comparable(batch: Any) -> list[list[Any]]:
    """The rows with their values as text, so that NaN equals NaN, and no time is rounded."""
    import pyarrow as pa

    columns = []
    for column in batch.columns:
        cells = column
        if pa.types.is_timestamp(column.type) or pa.types.is_time(column.type) or pa.types.is_duration(column.type):
            cells = column.cast(pa.int32() if column.type.bit_width == 32 else pa.int64())
        columns.append([repr(value) if isinstance(value, float) else value for value in _values(cells)])
    return [list(row) for row in zip(*columns, strict=True)]


def _values(column: Any) -> list[Any]:
    import pyarrow as pa

    if pa.types.is_nested(column.type):
        return [str(value) for value in column]
    return list(column.to_pylist())


class Kinds:
    """Finds the type of columns whose cells say themselves what they are, from all of their cells."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._open = [at for at, column in enumerate(columns) if column.kind in (JSON, XLSX)]
        self._seen: dict[int, set[str]] = {at: set() for at in self._open}

    @property
    def needed(self) -> bool:
        """Whether the cells must be looked at."""
        return bool(self._open)

    def look(self, rows: Sequence[Sequence[Stored]]) -> None:
        """Look at a portion of rows."""
        for at in self._open:
            self._seen[at].update(_kind(row[at]) for row in rows)

    def columns(self) -> list[Column]:
        """The columns with their types."""
        return [
            Column(column.name, _common(self._seen[at])) if at in self._seen else column
            for at, column in enumerate(self._columns)
        ]


def _kind(cell: Stored) -> str:
    if cell is None or cell == {"$missing": True}:
        return "null"
    if isinstance(cell, bool):
        return "bool"
    if isinstance(cell, int):
        return "whole" if abs(cell) <= LARGEST_WHOLE else "int64" if -(2**63) <= cell < 2**63 else "text"
    if isinstance(cell, float) or (isinstance(cell, dict) and "$float" in cell):
        return "double"
    if isinstance(cell, dict) and "$datetime" in cell:
        return "timestamp[us]" if not _has_offset(cell["$datetime"]) else "text"
    return "text"


def _has_offset(written: str) -> bool:
    return written.endswith("Z") or "+" in written[10:] or "-" in written[10:] or len(written.partition(".")[2]) > 6


def _common(seen: set[str]) -> str:
    kinds = seen - {"null"}
    if kinds <= {"whole", "int64"} and kinds:
        return "int64"
    if kinds <= {"whole", "double"} and kinds:
        return "double"
    return next(iter(kinds)) if len(kinds) == 1 and "text" not in kinds else TEXT
