"""Cells with types as JSON values, exactly, and back.

Text, whole numbers of any size, finite floats, booleans, null, lists and objects are themselves. What JSON has no
word for is an object of one key that begins with “$”: `{"$decimal": "1.10"}`. An object of a file that looks like
that is wrapped once more (`{"$object": …}`), so that every value means one thing.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

Stored = Any
"""A JSON value: None, bool, int, float, str, list or dict of those."""

TEXT, JSON, XLSX = "", "json", "xlsx"
"""Kinds of columns: plain text; cells that say themselves what they are, of JSON and of workbooks. All other kinds
are the types of Parquet (Arrow), such as `int64` and `timestamp[us, tz=UTC]`; see `arrow_values`."""

DEEPEST = 100
"""Levels of lists and objects in a cell."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001
_DAY = date(1970, 1, 1)


class TooDeep(ValueError):
    """A cell nests lists or objects deeper than `DEEPEST`."""


class Missing:
    """What a row has in a column that it does not name, as lines of JSON may."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()


class Number(str):
    """A number of a JSON file that no float holds exactly, as it is written there."""


def number(written: str) -> float | Number:
    """A number with a point or exponent: a float if that says the same, else as it is written."""
    value = float(written)
    if math.isinf(value) or (len(written) > 15 and Decimal(written) != Decimal(repr(value))):
        return Number(written)
    return value


def to_stored(value: object, depth: int = 0) -> Stored:
    """The JSON value of a cell. Raises TooDeep, and TypeError for what is no value of a file."""
    kind = type(value)
    if kind is str or kind is int or value is None or kind is bool:
        return value
    if kind is float:
        assert isinstance(value, float)
        return value if math.isfinite(value) else {"$float": repr(value)}
    if depth > DEEPEST:
        raise TooDeep
    if isinstance(value, Mapping):
        found = {str(name): to_stored(one, depth + 1) for name, one in value.items()}
        return {"$object": found} if len(found) == 1 and next(iter(found)).startswith("$") else found
    if isinstance(value, list | tuple):
        return [to_stored(one, depth + 1) for one in value]
    return _tagged(value)


def _tagged(value: object) -> Stored:
    if isinstance(value, Number):
        return {"$number": str(value)}
    if isinstance(value, Missing):
        return {"$missing": True}
    if isinstance(value, bytes | bytearray | memoryview):
        return {"$bytes": base64.b64encode(value).decode("ascii")}
    if isinstance(value, Decimal):
        return {"$decimal": str(value)}
    if isinstance(value, datetime):
        return {"$datetime": _written(value)}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    if isinstance(value, time):
        return {"$time": value.isoformat()}
    if isinstance(value, timedelta):
        micro = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
        return {"$duration": micro * 1_000 + int(getattr(value, "nanoseconds", 0))}
    if isinstance(value, str):
        return str(value)
    if hasattr(value, "item"):  # numpy's scalars, as half-precision floats come
        return to_stored(value.item())
    raise TypeError(f"{type(value).__name__} is no kind of cell")


def _written(value: datetime) -> str:
    """ISO 8601; nanoseconds, which the times of pandas have, as further digits."""
    nano = int(getattr(value, "nanosecond", 0))
    if not nano:
        return datetime.isoformat(value) if type(value) is datetime else value.isoformat()
    plain = value.replace(nanosecond=0).isoformat(timespec="microseconds")  # type: ignore[call-arg]
    return f"{plain[:26]}{nano:03}{plain[26:]}"


def from_stored(stored: Stored, kind: str = JSON) -> Any:  # noqa: ARG001
    """The value that `to_stored` was given: exact for whole numbers, decimals, times with their offset, bytes, NaN.

    A column's `kind` is not needed for that. A time to the nanosecond, which `datetime` cannot hold, stays its text;
    `MISSING` stands for a cell that its row did not have. A time zone's name is in the kind: its offset is here.
    """
    if isinstance(stored, dict):
        if len(stored) == 1:
            ((name, value),) = stored.items()
            if (read := _TAGS.get(name)) is not None:
                return read(value)
        return {name: from_stored(one) for name, one in stored.items()}
    if isinstance(stored, list):
        return [from_stored(one) for one in stored]
    return stored


def _moment(written: str) -> datetime | str:
    fraction = written.partition(".")[2]
    digits = len(fraction) - len(fraction.lstrip("0123456789"))
    return written if digits > 6 else datetime.fromisoformat(written)


def _clock(written: str) -> time | str:
    return written if len(written.partition(".")[2]) > 6 else time.fromisoformat(written)


def _duration(nano: int) -> timedelta | int:
    """A time span; in nanoseconds where `timedelta` cannot hold it."""
    try:
        return nano if nano % 1_000 else timedelta(microseconds=nano // 1_000)
    except OverflowError:
        return nano


_TAGS: dict[str, Callable[[Any], Any]] = {
    "$float": float,
    "$number": Number,
    "$missing": lambda _: MISSING,
    "$bytes": base64.b64decode,
    "$decimal": Decimal,
    "$datetime": _moment,
    "$date": date.fromisoformat,
    "$time": _clock,
    "$duration": _duration,
    "$object": lambda found: {name: from_stored(one) for name, one in found.items()},
}


def as_text(stored: Stored) -> str:
    """A cell in the words of a text file: what stands for it on a screen, in CSV, as an id or as a label."""
    if isinstance(stored, str):
        return stored
    if stored is None:
        return ""
    if isinstance(stored, bool):
        return "true" if stored else "false"
    if isinstance(stored, int):
        return str(stored)
    if isinstance(stored, float):
        return repr(stored)
    if isinstance(stored, dict) and len(stored) == 1:
        ((name, value),) = stored.items()
        if name == "$missing":
            return ""
        if name == "$duration":
            return f"{value / 1e9:g} s"
        if name in _TAGS and name != "$object":
            return str(value)
    return json.dumps(stored, ensure_ascii=False)


def nanoseconds(written: str) -> int:
    """Nanoseconds from 1970 of a stored time, UTC where it has an offset."""
    head, point, fraction = written.partition(".")
    if not point:
        moment, nano = datetime.fromisoformat(written), 0
    else:
        digits = fraction[: len(fraction) - len(fraction.lstrip("0123456789"))]
        moment, nano = datetime.fromisoformat(head + fraction[len(digits) :]), int(digits.ljust(9, "0")[:9])
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + nano


def days(written: str) -> int:
    """Days from 1970 of a stored date."""
    return (date.fromisoformat(written) - _DAY).days
