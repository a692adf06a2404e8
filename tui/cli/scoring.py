"""`evaluate`: how good a run is on the audit set, and beside another run."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.errors import ProjectError
from tui.cli.failures import guarded
from tui.cli.opening import opened
from tui.cli.options import Json, Project, RunNumber
from tui.cli.output import print_json, say, show

if TYPE_CHECKING:
    from sqlmodel import Session

    from core.comparison import Comparison
    from core.evaluate.calibration import Calibration
    from core.evaluate.metrics import Scores
    from core.report import Measured
    from core.storage.tables import Run


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("evaluate")(evaluate)


Against = Annotated[
    int | None,
    typer.Option("--against", metavar="R", help="Compare with this run.", show_default=False),
]


@guarded
def evaluate(project: Project, run: RunNumber = None, against: Against = None, as_json: Json = False) -> None:
    """Score a run on the audit set, which no model has seen, and compare it with another run."""
    from core.report import measure
    from core.storage.tables import RunKind

    with opened(project) as database, database.reading() as session:
        chosen = _chosen(session, run, needed=against is not None)
        compared = _compared(session, chosen, against) if chosen and against is not None else None
        measured = measure(session, chosen)
        by_quick = chosen is not None and chosen.kind is RunKind.QUICK
        if not measured.basis and compared is None:
            raise _nothing_to_measure(session, chosen, shlex.quote(str(project)))
    if as_json:
        print_json(_document(measured, chosen, compared))
        return
    if measured.basis:
        _show(measured, shlex.quote(str(project)))
        if by_quick:
            say(
                f"Run {measured.run_id} is the quick learner, which suggests while the app is open. "
                f"“labelloop train {shlex.quote(str(project))}” makes a model that can be kept, used for new files "
                "and compared with it."
            )
    if compared is not None:
        from tui.cli.comparing import show_comparison

        show_comparison(compared)


def _show(measured: Measured, project: str) -> None:
    from core.report import FEWEST_AUDIT
    from tui.cli.diagrams import side_by_side

    folds = measured.cross_validation
    if folds is not None or measured.audit_size < FEWEST_AUDIT:
        show(measured.basis)
    on_audit = (measured.model, measured.keyword_rule, measured.majority_class)
    if folds is not None:
        title = f"By cross-validation, on {folds.size:,} labelled reviews"
        show(side_by_side(title, (folds.model, folds.keyword_rule, folds.majority_class)))
    if measured.audit_size:
        show(side_by_side(f"On {measured.audit_size:,} labelled reviews of the audit set", on_audit))
    if folds is not None:
        _show_model(folds.model, folds.keyword_rule, folds.majority_class, folds.calibration)
    elif measured.model is None:
        say(f"There is no model yet; “labelloop train {project}” makes one.")
    else:
        _show_model(*on_audit, measured.calibration)


def _show_model(
    model: Scores | None, rule: Scores | None, majority: Scores | None, calibration: Calibration | None
) -> None:
    """Label by label, who is taken for whom, and whether the percentages mean what they say."""
    from core.report import Measured
    from tui.cli.diagrams import calibration_error, reliability
    from tui.cli.tables import by_label, caution, confusion

    if model is None:
        return
    show(by_label(model))
    if model.confusion:
        show(confusion(model))
    if calibration is not None:
        show(reliability(calibration), *calibration_error(calibration))
    if warning := caution(Measured(None, model.size, model, rule, majority)):
        say(warning)


def _compared(session: Session, run: Run, against: int) -> Comparison:
    from core.comparison import compare
    from core.errors import ModelError
    from core.storage import runs

    if run.id == against:
        raise ModelError(f"Run {against} cannot be compared with itself.", "Name another one with --against.")
    return compare(session, run, runs.existing(session, against))


def _chosen(session: Session, number: int | None, needed: bool) -> Run | None:
    """The run asked for, else the one in use, else none. Raises ModelError for one that does not exist.

    Where one is `needed` the newest takes the place of none, and it is an error when there is no run at all.
    """
    from core.storage import runs
    from core.storage.database import project_of
    from core.storage.tables import RunKind

    wanted = project_of(session).run_in_use if number is None else number
    if wanted is None and not needed:
        return None
    if wanted is not None and (run := runs.existing(session, wanted)).kind is RunKind.QUICK:
        # It has no model to be saved, but what it suggests can be scored like any other's.
        return run
    return runs.with_model(session, number)


def _nothing_to_measure(session: Session, run: Run | None, project: str) -> ProjectError:
    from core.phrases import count
    from core.storage import browse

    labelled = browse.counts(session).audit_labelled
    if labelled and run is not None:
        return ProjectError(
            f"Run {run.id} has suggested nothing for the {count(labelled, 'labelled review')} of the audit set.",
            f"Run “labelloop suggest {project} --run {run.id}”, then evaluate again.",
        )
    return ProjectError(
        "There is nothing to measure on: no review of the audit set has a label.",
        "One review in five belongs to it, so label some more, with “labelloop open” or “labelloop import --label”.",
    )


def _document(measured: Measured, run: Run | None, compared: Comparison | None) -> dict[str, Any]:
    """The scores, which training they belong to, and the comparison asked for."""
    document = {**measured.to_json(), "comparison": compared.to_json() if compared else None}
    if run is None:
        return {**document, "training": None}
    training = {
        "base_model": run.base_model,
        "train_size": run.train_size,
        "status": run.status.value,
        "started_at": run.started_at,
    }
    return {**document, "training": training}
