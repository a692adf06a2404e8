"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Project = Annotated[Path, typer.Argument(metavar="PROJECT.db", help="The project file.", show_default=False)]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, for scripts.")]

RunNumber = Annotated[
    int | None,
    typer.Option("--run", metavar="R", help="Number of the run; the one in use if not given.", show_default=False),
]

Epochs = Annotated[
    float | None,
    typer.Option("--epochs", metavar="N", help="Passes over the reviews; chosen if not given.", show_default=False),
]
