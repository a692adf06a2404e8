"""What a person says of an import: which file, what its columns mean, what to do about what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from core.files.problems import Action, Problem
from core.files.table import ReadingOptions

Progress = Callable[[str, int, int], None]
"""Told what is done now (“reading”, “comparing”, “writing”), with how many rows, and of how many.

While it is read, how many rows a file has may be a guess from how much of it is read.
"""


class KnownLabels(IntEnum):
    """What the file's labels mean for reviews that the project has already."""

    KEEP = 0
    """Nothing: the project's stay."""
    FILL = 1
    """They are given where the project has none."""
    REPLACE = 2
    """They take the place of what the project has."""


@dataclass(frozen=True)
class Choice:
    """Which file to import, what its columns mean, and what to do about what is wrong with it."""

    path: Path | str
    """A path, “-” for standard input, or `hf:owner/name`."""
    text_column: str | None = None
    """None: guessed."""
    id_column: str | None = None
    """None: guessed; a table without one is fine."""
    label_column: str | None = None
    """None: the reviews come without labels."""
    encoding: str | None = None
    """None: recognised."""
    alike: float = 0.8
    """Texts at least this similar are labelled as one; from 0.5, one half of what they are made of shared, to 1.0,
    which is equal texts only."""
    options: ReadingOptions = field(default_factory=ReadingOptions)
    handling: dict[Problem, Action] = field(default_factory=dict)
    """What to do about problems; for others what `problems.ALLOWED` begins with."""
    known_labels: KnownLabels = KnownLabels.KEEP
