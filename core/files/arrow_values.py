"""Columns of Parquet: the names of their types, and their cells from stored values."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.files.values import MISSING, Stored, days, from_stored, nanoseconds

if TYPE_CHECKING:
    import pyarrow as pa

SERIALIZED = "arrow:"
"""Begins the kind of a column whose type has no short name, such as a list: Arrow's own form of it, in base64."""

_UNITS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}


def kind_of(arrow: pa.DataType) -> str:
    """The name of a type, from which `arrow_type` makes it again."""
    import pyarrow as pa

    if isinstance(arrow, pa.BaseExtensionType):
        return kind_of(arrow.storage_type)
    name = str(arrow)
    try:
        if arrow_type(name) == arrow:
            return name
    except ValueError:
        pass
    return SERIALIZED + base64.b64encode(pa.schema([pa.field("", arrow)]).serialize().to_pybytes()).decode("ascii")


def arrow_type(kind: str) -> pa.DataType:
    """The type with a name. Raises ValueError for a kind that is none of Arrow's."""
    import pyarrow as pa

    if kind.startswith(SERIALIZED):
        return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(kind[len(SERIALIZED) :]))).field(0).type
    base, _, inside = kind.rstrip("])").replace("(", "[").partition("[")
    parts = [part.strip() for part in inside.split(",")] if inside else []
    try:
        if base == "timestamp":
            return pa.timestamp(parts[0], parts[1].removeprefix("tz=") if len(parts) > 1 else None)
        if base.startswith("decimal"):
            return getattr(pa, base)(int(parts[0]), int(parts[1]))
        if base == "fixed_size_binary":
            return pa.binary(int(parts[0]))
        if base in ("time32", "time64", "duration"):
            return getattr(pa, base)(parts[0])
        if base in ("date32", "date64"):
            return getattr(pa, base)()
        return pa.type_for_alias(kind)
    except (IndexError, AttributeError, KeyError, TypeError, pa.ArrowInvalid) as error:
        raise ValueError(f"“{kind}” is no type of Arrow.") from error


def to_arrow(stored: Sequence[Stored], kind: str) -> pa.Array:
    """A column of a kind from its stored cells, exact to the nanosecond.

    Raises ValueError, of which `pyarrow.ArrowInvalid` is one, for cells that are none of the kind.
    """
    import pyarrow as pa

    arrow = arrow_type(kind)
    return pa.array([_cell(one, arrow) for one in stored], arrow)


def _cell(stored: Stored, arrow: Any) -> Any:
    """What `pyarrow.array` takes for a cell: numbers for times, because Python's have no nanoseconds."""
    import pyarrow as pa

    if stored is None or isinstance(stored, int | float | str):
        return stored
    if isinstance(stored, list):
        if pa.types.is_map(arrow):
            return [(_cell(key, arrow.key_type), _cell(item, arrow.item_type)) for key, item in stored]
        return [_cell(one, arrow.value_type) for one in stored]
    if len(stored) == 1:
        ((name, value),) = stored.items()
        if name == "$datetime" and pa.types.is_timestamp(arrow):
            return nanoseconds(value) // _UNITS[arrow.unit]
        if name == "$duration" and pa.types.is_duration(arrow):
            return value // _UNITS[arrow.unit]
        if name == "$date" and pa.types.is_date64(arrow):
            return days(value) * 86_400_000
        if name == "$time" and pa.types.is_time(arrow):
            return nanoseconds(f"1970-01-01T{value}") // _UNITS[arrow.unit]
        if name == "$object":
            stored = value
    if pa.types.is_struct(arrow):
        return {field.name: _cell(stored.get(field.name), field.type) for field in arrow}
    found = from_stored(stored)
    return None if found is MISSING else found
