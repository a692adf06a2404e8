"""`predict`: labelling a file with a saved model."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TextIO

import typer

from core.phrases import count
from tui.cli.failures import guarded
from tui.cli.options import Json
from tui.cli.output import print_json, say


class WrittenAs(StrEnum):
    """Formats that `core.worker.jobs.predict` writes; the command's help must not load it."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    PARQUET = "parquet"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("predict")(predict)


@guarded
def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="The folder of a saved model.", show_default=False)],
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="The file to label; - reads standard input.", show_default=False)
    ],
    out: Annotated[
        str, typer.Argument(metavar="OUT", help="What to write; - writes to standard output.", show_default=False)
    ],
    text: Annotated[
        str | None, typer.Option("--text", metavar="COL", help="The column to read.", show_default=False)
    ] = None,
    encoding: Annotated[
        str | None, typer.Option("--encoding", metavar="E", help="Of the file; else guessed.", show_default=False)
    ] = None,
    written_as: Annotated[
        WrittenAs | None,
        typer.Option("--as", metavar="csv/tsv/jsonl/parquet", help="Else OUT's suffix says it.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Label a file of any size with a saved model, no project needed.

    All columns are kept; label, probability and a probability for each label come after them.
    """
    if as_json and out == "-":
        raise typer.BadParameter("Standard output has the labelled rows already.", param_hint="--json")
    from tui.cli.progress import watching

    with _own_output() as stream, watching() as report:
        from core.worker.jobs.predict import label_file

        form = written_as.value if written_as is not None else None
        done = label_file(
            model, file, out, text_column=text, encoding=encoding, written_as=form, stream=stream, report=report
        )
    if as_json:
        print_json({"out": out, "rows": done.rows, "columns": done.columns, "labels": done.counts})
        return
    shares = ", ".join(f"{name} {many:,}" for name, many in done.counts.items())
    say(f"Labelled {count(done.rows, 'row')}: {shares}.")


@contextmanager
def _own_output() -> Iterator[TextIO]:
    """Standard output for the rows alone: what a library prints meanwhile goes to standard error.

    A real pipe is UTF-8 whatever the locale says.
    """
    try:
        kept = os.dup(sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        yield sys.stdout  # a test's stream, which no descriptor stands behind
        return
    sys.stdout.flush()
    stream = open(kept, "w", encoding="utf-8", errors="replace", newline="")  # noqa: SIM115
    before = os.dup(1)
    os.dup2(2, 1)
    try:
        yield stream
    finally:
        try:
            stream.close()
        finally:
            os.dup2(before, 1)
            os.close(before)
