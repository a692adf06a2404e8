"""The training arguments as options, made from the dataclass that checks them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Annotated, Any, Literal, get_args, get_origin

import typer

from core.training.arguments import TrainingArguments
from tui.docstrings import field_docs, first_sentence
from tui.fields import kinds, parse

FIRST = ("epochs", "steps", "learning_rate", "batch_size", "max_length", "seed", "precision")
"""Arguments that stand among the command's own options; the others come in a panel of their own."""

PANEL = "Further training arguments"

ELSEWHERE = ("base_model",)
"""Arguments that the command declares itself."""

DEFAULTS = TrainingArguments()

METAVARS = {int: "N", float: "X"}


def with_training_arguments(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for every training argument; it gets them as keywords, None where not given."""
    signature = inspect.signature(command, eval_str=True)
    own = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
    docs, hints = field_docs(TrainingArguments), kinds(TrainingArguments)
    added = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=_option(field.name, hints[field.name], docs[field.name], field.default),
        )
        for field in sorted(fields(TrainingArguments), key=lambda field: field.name not in FIRST)
        if field.name not in ELSEWHERE
    ]
    command.__annotations__ = {one.name: one.annotation for one in [*own, *added]}
    command.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
    return command


def given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that were given. Raises BadParameter for text where a number or “none” belongs."""
    hints, found = kinds(TrainingArguments), {}
    for name, value in arguments.items():
        if value is None:
            continue
        try:
            found[name] = parse(value, hints[name]) if _takes_none(name) else value
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint=_name(name)) from error
    return found


def _option(name: str, hint: Any, doc: str, default: object) -> Any:
    listed = get_args(hint) if get_origin(hint) is Literal else ()
    plain = next((one for one in get_args(hint) if one is not type(None)), hint) if not listed else str
    takes_none = _takes_none(name)
    metavar = "/".join(listed) or (f"{METAVARS[plain]}/none" if takes_none else METAVARS.get(plain))
    left_out = "none" if takes_none else "left out, it"
    words = re.sub(r"\bNone:", "left out:", re.sub(r"\bNone(?= )", left_out, first_sentence(doc).replace("`", "")))
    usual = "" if default is None or isinstance(default, bool) else f" Usually {default}."
    return Annotated[
        (str if takes_none else plain) | None,
        typer.Option(
            f"{_name(name)}/--no-{_name(name)[2:]}" if plain is bool else _name(name),
            metavar=metavar,
            help=words + usual,
            show_default=False,
            rich_help_panel=None if name in FIRST else PANEL,
        ),
    ]


def _name(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _takes_none(name: str) -> bool:
    """Whether none is something to ask for, because leaving the argument out means something else."""
    default = getattr(DEFAULTS, name)
    return type(None) in get_args(kinds(TrainingArguments)[name]) and default is not None
