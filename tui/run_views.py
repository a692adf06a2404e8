"""What the screens about runs show of one, read from the project. Called in threads."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlmodel import Session

from core import forecasting, held_out, report
from core.forecasting import Outlook
from core.report import Measured
from core.storage import runs, scheme, taking_back
from core.storage.database import project_of
from core.storage.quick_run import LOG_LOSS
from core.storage.tables import Run, RunKind
from tui.trust import measured_of, verdict_of

CURVES = ("loss", "validation_loss", "validation_accuracy", LOG_LOSS)


@dataclass(frozen=True)
class RunView:
    """All that is known of a run."""

    run: Run
    in_use: bool
    measured: Measured | None
    verdict: str
    """Whether it is better than the run in use; empty where there is no other."""
    curves: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    """By their names in `CURVES`: (step, value)."""
    colours: dict[str, str] = field(default_factory=dict)
    """Colour of each label by its name."""
    accepted: int = 0
    """Annotations that were accepted from it and that nobody has confirmed since."""
    outlook: Outlook | None = None
    """Of the quick learner's run: its learning curve, and what the next labels will bring."""


@dataclass(frozen=True)
class Cell:
    """The reviews behind a cell of the confusion matrix."""

    line: str | None
    """What to type in browse to see them; none where no filter can say it."""
    review_ids: list[int]


def view(session: Session, run_id: int) -> RunView | None:
    """Everything about a run; none when there is no such run."""
    run = session.get(Run, run_id)
    if run is None:
        return None
    return RunView(
        run,
        project_of(session).run_in_use == run_id,
        measured_of(session, run),
        verdict_of(session, run),
        {name: runs.curve(session, run_id, name) for name in CURVES},
        {label.name: label.colour for label in scheme.labels(session, archived=True)},
        taking_back.accepted_from(session, run_id),
        forecasting.outlook(session) if run.kind is RunKind.QUICK and not run.removed else None,
    )


def cell(session: Session, run_id: int, person: int | None, model: int | None, by_cross_validation: bool) -> Cell:
    """The reviews of a cell: `person` and `model` are places of labels; None where one has not given the other's."""
    run = runs.existing(session, run_id)
    columns = held_out.columns(session)
    true_id, predicted_id = (None if one is None else columns.ids[one] for one in (person, model))
    line = None
    if true_id is not None and predicted_id is not None and not by_cross_validation:
        line = report.cell_filter(session, run, true_id, predicted_id)
    found = [] if line is not None else report.cell(session, run, true_id, predicted_id, by_cross_validation)
    return Cell(line, found)
