"""`demo`: the whole loop on the shipped sample, in the app or unattended."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from tui.cli.failures import guarded
from tui.cli.options import Epochs, Json
from tui.cli.output import in_terminal, print_json, say, show
from tui.cli.projects import run_app

Folder = Annotated[Path, typer.Option("--folder", metavar="DIR", help="Where its files go.")]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("demo")(demo)


@guarded
def demo(
    headless: Annotated[bool, typer.Option("--headless", help="Run the whole loop unattended.")] = False,
    folder: Folder = Path(),
    labels: Annotated[
        int, typer.Option("--labels", metavar="N", min=10, help="Labels given before the training, if headless.")
    ] = 200,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", metavar="S", min=0, max=2**32 - 1, help="Repeats a headless run exactly.", show_default=False
        ),
    ] = None,
    epochs: Epochs = None,
    as_json: Json = False,
) -> None:
    """Try it on sample reviews: label, train, check, export."""
    from tui.cli import unattended

    folder = folder.expanduser().absolute()
    if not (headless or as_json) and in_terminal():
        run_app(unattended.ready_to_label(folder))
    if not (headless or as_json):
        say("This is no terminal, so the demonstration runs unattended.")
    done = unattended.run_loop(folder, labels, seed, epochs)
    if as_json:
        print_json(done.to_json())
        return
    from tui.cli.summary import panel

    show(panel(done))
    say(f"Next: labelloop open {shlex.quote(str(done.project))}")
