"""`doctor`: what is there to train with, and what to do about what is not."""

from __future__ import annotations

from collections.abc import Iterable

import typer
from rich.text import Text

from core.phrases import visible
from tui.cli.failures import guarded
from tui.cli.options import Json
from tui.cli.output import facts, print_json, show


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("doctor")(doctor)


@guarded
def doctor(as_json: Json = False) -> None:
    """Check versions, device, base models and settings."""
    from tui.cli import examination

    found = examination.examine()
    if as_json:
        print_json(found.to_json())
    else:
        _section("Versions", facts(found.versions))
        _section("Computing", facts(found.device))
        _section("Base models", facts((model.name, model.sentence) for model in found.models))
        _section("Settings", facts(found.settings))
        _section("Folders", facts(found.folders))
        _section("Terminal", facts(found.terminal))
        _to_do(found.to_do)
    if not found.can_train:
        raise typer.Exit(1)


def _section(title: str, content: object) -> None:
    show(Text(title, style="bold"), content, Text())  # type: ignore[arg-type]


def _to_do(sentences: Iterable[str]) -> None:
    listed = [Text(f"• {visible(sentence)}") for sentence in sentences]
    show(Text("To do" if listed else "Nothing is missing.", style="bold"), *listed)
