"""Text typed into a form, and values of typed fields: numbers, switches, choices and names."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

AUTOMATIC = ("", "auto", "automatic", "none")
"""What says, in a field that can be left to labelloop, that it shall be."""

_SWITCH = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


def kinds(cls: type) -> Mapping[str, Any]:
    """The types of a class's fields by name, annotations resolved."""
    return get_type_hints(cls)


def choices(kind: Any) -> tuple[str, ...]:
    """What can be typed into a field of this type, where that is a short list; else nothing."""
    plain, optional = _plain(kind)
    if get_origin(plain) is Literal:
        found = tuple(str(one) for one in get_args(plain))
    elif plain is bool:
        found = ("yes", "no")
    else:
        return ()
    return (*found, "automatic") if optional else found


def parse(typed: str, kind: Any) -> Any:
    """The value that was typed. Raises ValueError with a sentence saying what could be typed instead."""
    plain, optional = _plain(kind)
    text = typed.strip()
    listed = choices(kind)
    if optional and text.casefold() in AUTOMATIC:
        return None
    if listed:
        if plain is bool and text.casefold() in _SWITCH:
            return _SWITCH[text.casefold()]
        if plain is not bool and text in listed:
            return text
        raise ValueError(f"Type {', '.join(listed[:-1])} or {listed[-1]}.")
    if plain is str:
        return text
    number = text.replace(",", "").replace("_", "")
    try:
        return int(number) if plain is int else _number(number)
    except ValueError:
        kind_of = "a whole number" if plain is int else "a number"
        raise ValueError(f"Type {kind_of}{', or nothing for automatic' if optional else ''}.") from None


def _number(text: str) -> float:
    value = float(text)
    return int(value) if value.is_integer() and "e" not in text.casefold() else value


def _plain(kind: Any) -> tuple[Any, bool]:
    """The type without its None, and whether it had one."""
    parts = get_args(kind) if get_origin(kind) is not Literal else ()
    if NoneType not in parts:
        return kind, False
    (rest,) = (part for part in parts if part is not NoneType)
    return rest, True
