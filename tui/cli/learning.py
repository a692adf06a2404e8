"""`train` and `suggest`: the worker's jobs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.errors import TrainingError
from core.phrases import count, duration
from core.training.arguments import PRESETS
from core.training.arguments import preset as arguments_of
from tui.cli.arguments import given, with_training_arguments
from tui.cli.failures import guarded
from tui.cli.opening import opened, settings
from tui.cli.options import Json, Project, RunNumber
from tui.cli.output import print_json, say, show

if TYPE_CHECKING:
    from core.report import Measured
    from core.storage.database import Database
    from tui.cli.jobs import Outcome

Base = Annotated[
    str | None,
    typer.Option("--base", metavar="MODEL", help="A model's name or folder; else the settings'.", show_default=False),
]
Preset = Annotated[
    str,
    typer.Option("--preset", metavar="/".join(PRESETS), help="What the arguments are that are not given."),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with a run that stopped: the newest, or the one of --run.")
]
CrossValidate = Annotated[
    bool,
    typer.Option(
        "--cross-validate/--no-cross-validate",
        help="Measure by cross-validation afterwards while the audit set is small.",
    ),
]
Stopped = Annotated[
    int | None, typer.Option("--run", metavar="R", help="With --resume: the run to go on with.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("train")(train)
    app.command("suggest")(suggest)


@guarded
@with_training_arguments
def train(
    project: Project,
    base: Base = None,
    preset: Preset = "balanced",
    resume: Resume = False,
    run: Stopped = None,
    cross_validate: CrossValidate = True,
    as_json: Json = False,
    **arguments: Any,
) -> None:
    """Fine-tune a model on the labels, then suggest the rest."""
    asked = {**({} if base is None else {"base_model": base}), **given(arguments)}
    _check_use(preset, resume, run, asked)
    with opened(project) as database:
        path = database.path
        number = _to_resume(database, run) if resume else None
    outcome = fine_tune(path, asked, preset, number, cross_validate)
    with opened(path, changes=True) as database, database.reading() as session:
        from core import report
        from core.storage.tables import Run

        measured = report.measure(session, session.get(Run, outcome.state.run_id))
    if as_json:
        print_json(_trained(outcome, measured))
        return
    show_training(outcome, measured)
    say(f"Next: labelloop evaluate {shlex.quote(str(project))}")


def _check_use(preset: str, resume: bool, run: int | None, asked: dict[str, Any]) -> None:
    """Raise BadParameter, which is wrong use, for options that do not go together."""
    if preset not in PRESETS:
        raise typer.BadParameter(f"{preset!r} is none of {', '.join(PRESETS)}.", param_hint="--preset")
    if run is not None and not resume:
        raise typer.BadParameter("It says which run to go on with: give --resume too.", param_hint="--run")
    if resume and (asked or preset != "balanced"):
        names = ", ".join(f"--{name.replace('_', '-')}" for name in asked) or "--preset"
        raise typer.BadParameter(f"A resumed run keeps its arguments: leave out {names}.", param_hint="--resume")


def _to_resume(database: Database, run: int | None) -> int:
    """The run to go on with. Raises TrainingError when none can."""
    from core.storage import runs

    with database.writing() as session:
        runs.mark_interrupted(session)
        found = [one.id for one in runs.resumable(session) if one.id is not None]
    if run is not None:
        return run
    if not found:
        raise TrainingError("No run of this project can be resumed.", "Start a new training.")
    return found[0]


def fine_tune(
    project: Path,
    asked: dict[str, Any],
    preset: str = "balanced",
    resume: int | None = None,
    cross_validate: bool = False,
) -> Outcome:
    """Train with these arguments, those left out taking the settings' or the preset's; or go on with a run.

    Raises TrainingError for a wrong one before anything is started.
    """
    from dataclasses import asdict

    from core.worker import requests
    from tui.cli.jobs import carry_out

    if resume is not None:
        return carry_out(requests.Train(str(project), resume=resume, cross_validate=cross_validate))
    arguments = arguments_of(preset, **{"base_model": settings().base_model, **asked})
    return carry_out(requests.Train(str(project), asdict(arguments), cross_validate=cross_validate))


def show_training(outcome: Outcome, measured: Measured) -> None:
    """Say what a training has led to."""
    from tui.cli.tables import caution, comparison

    show(f"Run {outcome.state.run_id} is trained, in {duration(outcome.seconds)}.")
    if outcome.stored is not None:
        show(f"It suggests labels for {count(outcome.stored.count, 'review')}. {outcome.stored.message}")
    if measured.basis:
        show(comparison(measured))
        if warning := caution(measured):
            say(warning)
    else:
        show("It has not been measured: no review of the audit set is labelled.")
        show("Label some more: now and then one of it comes up.")


def _trained(outcome: Outcome, measured: Measured) -> dict[str, Any]:
    loaded, stored, saved = outcome.state.loaded, outcome.stored, outcome.saved
    return {
        "run": outcome.state.run_id,
        "seconds": round(outcome.seconds, 1),
        "base_model": loaded.base_model if loaded else None,
        "device": loaded.device if loaded else None,
        "precision": loaded.precision if loaded else None,
        "train_size": loaded.train if loaded else None,
        "validation_size": loaded.validation if loaded else None,
        "steps": outcome.state.losses[-1][0] if outcome.state.losses else 0,
        "resumed_step": outcome.state.resumed_step,
        "model": saved.folder if saved else None,
        "suggested": stored.count if stored else 0,
        "in_use": stored.in_use if stored else False,
        "audit": measured.to_json(),
    }


@guarded
def suggest(project: Project, run: RunNumber = None, as_json: Json = False) -> None:
    """Suggest labels for every review that has none."""
    from core.storage import runs
    from core.worker import requests
    from tui.cli.jobs import carry_out

    with opened(project) as database:
        path = database.path
        with database.reading() as session:
            runs.with_model(session, run)
    outcome = carry_out(requests.Suggest(str(path), run))
    stored = outcome.stored
    if as_json:
        print_json(
            {
                "run": outcome.state.run_id,
                "seconds": round(outcome.seconds, 1),
                "suggested": stored.count if stored else 0,
                "in_use": stored.in_use if stored else False,
            }
        )
        return
    if stored is not None:
        show(f"Suggested labels for {count(stored.count, 'review')} in {duration(outcome.seconds)}. {stored.message}")
    say(f"Next: labelloop export {shlex.quote(str(project))} OUT.csv --what all")
