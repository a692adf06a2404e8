"""Printing: results to stdout, everything else to stderr; review text only ever as plain text."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from core.phrases import visible

WIDTH_OF_FILES = 120
"""Columns of tables where the output is no terminal."""


def in_terminal() -> bool:
    """Whether a person sits at both ends, so that the app can be shown."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def console(stream: TextIO) -> Console:
    """A console on a stream as it is now; made anew each time, because tests swap the streams."""
    width = None if stream.isatty() else WIDTH_OF_FILES
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


def show(*parts: RenderableType) -> None:
    """Print results. Strings are shown as they are, their control characters made visible."""
    _print(sys.stdout, parts)


def say(*parts: RenderableType) -> None:
    """Print what is told beside the result: notices, progress."""
    _print(sys.stderr, parts)


def complain(sentence: str) -> None:
    """Print why a command failed."""
    console(sys.stderr).print(Text(visible(sentence), style="red"), soft_wrap=True)


def print_json(data: Any) -> None:
    """Print the one JSON document of a command. ASCII, so that no encoding of the terminal can break it."""
    sys.stdout.write(json.dumps(data, indent=2) + "\n")


def _print(stream: TextIO, parts: Iterable[RenderableType]) -> None:
    target = console(stream)
    for part in parts:
        if isinstance(part, str | Text):
            target.print(Text(visible(part)) if isinstance(part, str) else part, soft_wrap=True)
        else:
            target.print(part)


def facts(rows: Iterable[tuple[str, str]]) -> Table:
    """Names and values in two columns, without lines."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text(visible(name)), Text(visible(value)))
    return table


def grid(title: str, headings: Sequence[str], rows: Iterable[Sequence[str | Text]], numbers: Sequence[int]) -> Table:
    """A table with headings; `numbers` are the positions of columns that are aligned to the right."""
    table = Table(title=Text(title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for position, heading in enumerate(headings):
        justify: Any = "right" if position in numbers else "left"
        table.add_column(Text(visible(heading)), justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(cell)) if isinstance(cell, str) else cell for cell in row))
    return table
