"""`train` and `suggest`: the worker's jobs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.phrases import count, duration
from core.training.arguments import TrainingArguments
from tui.cli.failures import guarded
from tui.cli.opening import opened, settings
from tui.cli.options import Epochs, Json, Project, RunNumber
from tui.cli.output import print_json, say, show

if TYPE_CHECKING:
    from core.report import Measured
    from tui.cli.jobs import Outcome

DEFAULTS = TrainingArguments()

Base = Annotated[
    str | None,
    typer.Option("--base", metavar="MODEL", help="A model's name or folder; else the settings'.", show_default=False),
]
Rate = Annotated[float, typer.Option("--learning-rate", metavar="X", help="Peak learning rate of the encoder.")]
Batch = Annotated[int, typer.Option("--batch-size", metavar="N", help="Reviews an optimiser step.")]
Longest = Annotated[
    int | None,
    typer.Option("--max-length", metavar="N", help="Tokens kept; chosen if not given.", show_default=False),
]
Seed = Annotated[int, typer.Option("--seed", metavar="S", help="The same seed gives the same model.")]
Precision = Annotated[str, typer.Option("--precision", metavar="P", help="auto, fp32 or bf16.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("train")(train)
    app.command("suggest")(suggest)


@guarded
def train(
    project: Project,
    base: Base = None,
    epochs: Epochs = None,
    learning_rate: Rate = DEFAULTS.learning_rate,
    batch_size: Batch = DEFAULTS.batch_size,
    max_length: Longest = None,
    seed: Seed = DEFAULTS.seed,
    precision: Precision = DEFAULTS.precision,
    as_json: Json = False,
) -> None:
    """Fine-tune a model on the labels, then suggest the rest."""
    given = {
        "base_model": base,
        "epochs": epochs,
        "learning_rate": learning_rate,
        "batch_size": batch_size,
        "max_length": max_length,
        "seed": seed,
        "precision": precision,
    }
    with opened(project) as database:
        path = database.path
    outcome = fine_tune(path, {name: value for name, value in given.items() if value is not None})
    with opened(path) as database, database.reading() as session:
        from core import report
        from core.storage.tables import Run

        run = session.get(Run, outcome.state.run_id)
        measured = report.measure(session, run)
    if as_json:
        print_json(_trained(outcome, measured))
        return
    show_training(outcome, measured)
    say(f"Next: labelloop evaluate {shlex.quote(str(project))}")


def fine_tune(project: Path, arguments: dict[str, Any]) -> Outcome:
    """Train with these arguments, those left out taking the settings' or their defaults.

    Raises TrainingError for a wrong one before anything is started.
    """
    from core.worker import requests
    from tui.cli.jobs import carry_out

    arguments = {"base_model": settings().base_model, **arguments}
    TrainingArguments(**arguments)
    return carry_out(requests.Train(str(project), arguments))


def show_training(outcome: Outcome, measured: Measured) -> None:
    """Say what a training has led to."""
    from tui.cli.tables import caution, comparison

    show(f"Run {outcome.state.run_id} is trained, in {duration(outcome.seconds)}.")
    if outcome.stored is not None:
        show(f"It suggests labels for {count(outcome.stored.count, 'review')}. {outcome.stored.message}")
    if measured.model is not None:
        show(comparison(measured))
        if warning := caution(measured):
            say(warning)
    else:
        show("It has not been measured: no review of the audit set is labelled. Label some more; one in five is.")


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
