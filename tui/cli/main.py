"""The command `labelloop`: its subcommands, and what it does without one."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Annotated

import typer

from tui.cli import (
    accepting,
    check,
    consistency,
    demo,
    doctor,
    exporting,
    importing,
    learning,
    mistakes,
    predict,
    projects,
    rehearse,
    runs,
    scoring,
    status,
    steps,
)
from tui.cli.failures import guarded
from tui.cli.output import in_terminal, say

SUMMARY = """\
labelloop alone opens the app, which needs a terminal. Without one, type a command:
  labelloop demo                               labels, trains and exports the shipped sample
  labelloop new reviews.db --labels good,bad   makes a project
  labelloop import reviews.db reviews.csv      reads reviews into it
  labelloop --help                             lists every command"""

app = typer.Typer(
    name="labelloop",
    help="Label customer reviews by keyboard, and let BERT suggest the rest.",
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"labelloop {version('labelloop')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
@guarded
def start(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Label customer reviews by keyboard, and let BERT suggest the rest.

    Without a command: opens the last project.
    """
    if context.invoked_subcommand is not None:
        return
    if not in_terminal():
        say(SUMMARY)
        raise typer.Exit(2)
    projects.open_last()


for module in (
    demo,
    projects,
    importing,
    status,
    learning,
    runs,
    scoring,
    accepting,
    mistakes,
    consistency,
    exporting,
    predict,
    rehearse,
    steps,
    check,
    doctor,
):
    module.register(app)


def run() -> None:
    """The entry point."""
    os.umask(0o077)  # whatever is made from here on, nobody else reads: projects, models, logs, caches, exports
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character of a review gets its code instead of a failed command.
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    app(prog_name="labelloop")


if __name__ == "__main__":
    run()
