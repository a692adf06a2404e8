"""Parquet, a portion of rows at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from core.errors import FileError
from core.files.arrow_values import kind_of
from core.files.encodings import STRAY, stray
from core.files.inputs import Input, reading
from core.files.table import BadRow, Entry, Row, Table, distinct
from core.files.values import TooDeep, to_stored

PORTION = 2_000
"""Rows in memory at a time."""

PLAIN = frozenset({"string", "large_string", "string_view", "bool", "null"} | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
})  # fmt: skip
"""Kinds whose values are stored as they are."""


def parquet(source: Input) -> Table:
    """Read the schema. Raises FileError when it is no Parquet."""
    import pyarrow as pa

    with reading(source.path):
        path = source.seekable()
    try:
        with closing(_opened(path)) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise FileError(f"{source.name} is no Parquet file, or is damaged.", "Get the file anew.") from error
    columns = distinct(schema.names, source.name)
    kinds = [kind_of(field.type) for field in schema]
    return Table(
        source, columns, "", "", lambda: _entries(path, kinds), "parquet", kinds,
        quote="", known_rows=rows, classes=_classes(schema),
    )  # fmt: skip


def _opened(path: Path) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetFile(path)


def _entries(path: Path, kinds: list[str]) -> Iterator[Entry]:
    import pyarrow as pa

    number = 0
    with reading(path), closing(_opened(path)) as file:
        portions = file.iter_batches(batch_size=PORTION, use_threads=False)
        while True:
            try:
                portion = next(portions, None)
                columns = [] if portion is None else [_cells(*one) for one in zip(portion, kinds, strict=True)]
            except (pa.ArrowException, OSError, OverflowError, ValueError) as error:
                said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
                yield BadRow(number + 1, number + 1, f"damaged ({said}); nothing after it can be read", ends=True)
                return
            if portion is None:
                return
            for cells in zip(*columns, strict=True):
                number += 1
                yield _entry(number, list(cells))


class _Odd(str):
    """Text of a file that is no UTF-8."""


def _entry(number: int, cells: list[Any]) -> Entry:
    for cell in cells:
        if type(cell) is _Odd:
            return BadRow(number, number, f"text that is no UTF-8 (byte {stray(cell)[0]:02X})", [
                str(one) if isinstance(one, str) else one for one in cells
            ])  # fmt: skip
        if cell is TooDeep:
            return BadRow(number, number, "nested too deeply")
    return Row(number, number, cells)


def _cells(column: Any, kind: str) -> list[Any]:
    """A column as stored values."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if kind == "time64[ns]":
        return [None if nano is None else {"$time": _time(nano)} for nano in column.cast(pa.int64()).to_pylist()]
    try:
        values = column.to_pylist()
    except UnicodeDecodeError:
        values = [_text(raw) for raw in column.cast(pa.large_binary()).to_pylist()]
    return values if kind in PLAIN else [_stored(value) for value in values]


def _stored(value: Any) -> Any:
    try:
        return value if type(value) is _Odd else to_stored(value)
    except TooDeep:
        return TooDeep


def _text(raw: bytes | None) -> str | None:
    if raw is None:
        return None
    text = raw.decode("utf-8", STRAY)
    return _Odd(text) if stray(text) else text


def _time(nano: int) -> str:
    seconds, fraction = divmod(nano, 1_000_000_000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:09}"


def _classes(schema: Any) -> dict[str, list[str]]:
    """Names of classes, which data sets of the Hugging Face hub keep beside the numbers in their columns."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return {
            name: [str(one) for one in feature["names"]]
            for name, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}
