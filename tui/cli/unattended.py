"""The loop of `demo`: import, label, train, evaluate, export, each timed.

The labels that stand in the sample take the place of a person's; they are given one by one, in the
project's own order, through the session that the label screen uses.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import locations
from core.errors import LabelloopError
from core.phrases import count
from tui.cli.exporting import What, write
from tui.cli.learning import fine_tune
from tui.cli.opening import opened, settings
from tui.cli.output import say
from tui.cli.progress import watching

if TYPE_CHECKING:
    from core.report import Measured
    from core.storage.database import Database

NAME = "labelloop-demo"
LABELS = ("positive", "negative")
GOLD = "sentiment"
"""The sample's column with the label of every review."""


@dataclass(frozen=True)
class Checked:
    """How many suggestions agree with the sample's own labels."""

    right: int
    size: int
    accuracy: float
    low: float
    """Lower end of the 95 % Wilson interval."""
    high: float


@dataclass(frozen=True)
class Done:
    """What an unattended demonstration did."""

    project: Path
    export: Path
    model: str
    reviews: int
    labelled: int
    base_model: str
    device: str
    measured: Measured
    suggestions: Checked | None
    """None when every review was labelled, so that none was left to suggest for."""
    seconds: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The document of `--json`."""
        return {
            "project": str(self.project),
            "export": str(self.export),
            "model": self.model,
            "reviews": self.reviews,
            "labelled": self.labelled,
            "base_model": self.base_model,
            "device": self.device,
            "audit": self.measured.to_json(),
            "suggestions": asdict(self.suggestions) if self.suggestions else None,
            "seconds": {name: round(value, 2) for name, value in self.seconds.items()},
        }


def ready_to_label(folder: Path) -> Path:
    """The demonstration's project with the sample in it and no labels; made if it is not there yet."""
    path = folder / f"{NAME}.db"
    if not path.exists():
        _make(path, None)
    return path


def run_loop(folder: Path, labels: int, seed: int | None, epochs: float | None) -> Done:
    """Run the loop in a project of its own; nothing that exists is touched."""
    path = _fresh(folder)
    seconds: dict[str, float] = {}
    with _timed(seconds, "import"):
        _make(path, seed)
    with opened(path) as database:
        with _timed(seconds, "label"):
            labelled = _label(database, labels)
        say(f"Labelled {count(labelled, 'review')}; training now.")
        arguments = {"seed": seed, "epochs": epochs}
        with _timed(seconds, "train and suggest"):
            outcome = fine_tune(path, {name: value for name, value in arguments.items() if value is not None})
        with _timed(seconds, "evaluate"):
            measured, reviews = _measure(database, outcome.state.run_id)
    target = path.with_suffix(".csv")
    with _timed(seconds, "export"):
        write(path, target, What.ALL)
    loaded, saved = outcome.state.loaded, outcome.saved
    return Done(
        project=path,
        export=target,
        model=saved.folder if saved else "",
        reviews=reviews,
        labelled=labelled,
        base_model=loaded.base_model if loaded else "",
        device=f"{loaded.device}, {loaded.precision}" if loaded else "",
        measured=measured,
        suggestions=_check(target),
        seconds=seconds,
    )


@contextmanager
def _timed(seconds: dict[str, float], what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    seconds[what] = time.monotonic() - began


def _fresh(folder: Path) -> Path:
    """A project path whose files do not exist yet: labelloop-demo.db, labelloop-demo-2.db and so on."""
    number = 1
    while True:
        path = folder / f"{NAME}{f'-{number}' if number > 1 else ''}.db"
        if not any(taken.exists() for taken in (path, path.with_suffix(".csv"), locations.models_folder(path))):
            return path
        number += 1


def _make(path: Path, seed: int | None) -> None:
    """A project with the sample in it. A seed settles the order in which reviews come up."""
    from core.files.importing import Choice, import_file
    from core.labels import SchemeKind, new_labels
    from core.storage.database import create, project_of

    database = create(path, SchemeKind.SINGLE, new_labels(LABELS))
    try:
        if seed is not None:
            with database.writing() as session:
                project = project_of(session)
                project.salt = seed
                session.add(project)
        choice = Choice(locations.sample_reviews(), text_column="text", id_column="id")
        with watching() as progress:
            import_file(database, choice, settings().annotator, progress)
    except BaseException:
        database.close()
        path.unlink(missing_ok=True)
        raise
    database.close()


def _label(database: Database, wanted: int) -> int:
    """Give the sample's labels to the reviews as they come up, until `wanted` are labelled; returns how many are."""
    from core.labelling.session import LabellingSession

    failures: list[LabelloopError] = []
    session = LabellingSession(
        database, settings().annotator, on_failure=lambda _review, error: failures.append(error)
    )
    ids = {label.name: label.id for label in session.scheme}
    try:
        while session.current is not None and session.counts.labelled < wanted and not failures:
            label_id = ids[dict(session.current.columns)[GOLD]]
            assert label_id is not None
            session.give([label_id])
    finally:
        session.close()
    if failures:
        raise failures[0]
    return session.counts.labelled


def _measure(database: Database, run_id: int | None) -> tuple[Measured, int]:
    from core.report import measure
    from core.storage import browse
    from core.storage.tables import Run

    with database.reading() as session:
        return measure(session, session.get(Run, run_id)), browse.counts(session).reviews


def _check(export: Path) -> Checked | None:
    """Compare the exported suggestions with the sample's labels."""
    from core.evaluate.intervals import wilson

    with export.open(encoding="utf-8", newline="") as file:
        right = [row["label"] == row[GOLD] for row in csv.DictReader(file) if row["source"] == "suggested"]
    if not right:
        return None
    low, high = wilson(sum(right), len(right))
    return Checked(sum(right), len(right), sum(right) / len(right), low, high)
