"""`rehearse`: simulated sessions on labelled reviews, and what each number of labels buys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.errors import SettingsError
from tui.cli.failures import guarded
from tui.cli.opening import settings
from tui.cli.options import Json
from tui.cli.output import console, grid, print_json, say, show

if TYPE_CHECKING:
    from core.worker.requests import Rehearse
    from core.worker.state import JobState

CHART_HEIGHT = 16


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("rehearse")(rehearse)


@guarded
def rehearse(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="Labelled reviews, or a project with such.", show_default=False),
    ],
    text: Annotated[
        str | None,
        typer.Option("--text", metavar="COL", help="The column to read; else guessed.", show_default=False),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option("--label", metavar="COL", help="The column with the labels; else guessed.", show_default=False),
    ] = None,
    test: Annotated[
        str | None,
        typer.Option(
            "--test", metavar="FILE", help="What is measured on; else a fifth held out.", show_default=False
        ),
    ] = None,
    budgets: Annotated[
        str, typer.Option("--budgets", metavar="N,N,…", help="Numbers of labels to measure at.")
    ] = "64,256,1024",
    strategy: Annotated[
        str | None,
        typer.Option(
            "--strategy", metavar="S", help="Which reviews come first; else the settings'.", show_default=False
        ),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", help="Sessions a method.")] = 3,
    base: Annotated[
        str | None,
        typer.Option(
            "--base", metavar="MODEL", help="A model's name or folder; else the settings'.", show_default=False
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="M,M,…",
            help="Compared with: strategies, trainer (the plain Hugging Face Trainer), or none. "
            "Usually random,trainer.",
            show_default=False,
        ),
    ] = None,
    audit_every: Annotated[
        int | None,
        typer.Option(
            "--audit-every", metavar="N", help="One label of so many measures; 0: none.", show_default=False, min=0
        ),
    ] = None,
    multi: Annotated[
        bool | None,
        typer.Option(
            "--multi/--single", help="Several labels a review; else where cells hold “|”.", show_default=False
        ),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option("--encoding", metavar="E", help="Of the files; else guessed.", show_default=False)
    ] = None,
    train: Annotated[
        bool, typer.Option("--train/--no-train", help="Fine-tune at each budget, or leave it to the quick learner.")
    ] = True,
    draw: Annotated[bool, typer.Option("--draw", help="Draw the curves too.")] = False,
    as_json: Json = False,
) -> None:
    """Simulate labelling on labelled reviews: accuracy by number of labels.

    The labels of FILE are given one by one as a person would, through the same queue, learners and trainings as in
    the app. Ctrl+C ends it, and what is measured by then is printed.
    """
    found = settings()
    wanted = _request(
        file,
        test,
        text=text,
        label=label,
        encoding=encoding,
        multi=multi,
        budgets=budgets,
        strategy=strategy or found.strategy,
        against=against,
        seeds=seeds,
        base_model=base or found.base_model,
        audit_every=found.drawn_every if audit_every is None else audit_every,
        train=train,
    )
    from tui.cli.jobs import JobStopped, carry_out

    last: list[JobState] = []

    def follow(state: JobState) -> None:
        last[:] = [state]

    try:
        try:
            carry_out(wanted, follow=follow)
        finally:
            _keep(wanted, last)
    except JobStopped as stopped:
        if not last or not last[0].rehearsed:
            raise
        _print(wanted, last[0], as_json, draw, stopped=True)
        say(f"{stopped} This is what was measured by then.")
        raise typer.Exit(1) from stopped
    except Exception:
        if last and last[0].rehearsed and not as_json:
            _print(wanted, last[0], as_json, draw, stopped=True)
        raise
    _print(wanted, last[0], as_json, draw)


def _keep(wanted: Rehearse, last: list[JobState]) -> None:
    """Let the rehearsal screen show it when it is opened next."""
    from core import kept_rehearsal

    if last and last[0].rehearsed:
        kept_rehearsal.keep(kept_rehearsal.now(wanted, last[0]))


def _request(file: str, test: str | None, *, budgets: str, against: str | None, seeds: int, **more: Any) -> Rehearse:
    """The job. Raises BadParameter, which is wrong use, for what cannot be asked."""
    from core import rehearsal_plan
    from core.worker.requests import TRAINER, Rehearse

    try:
        many = rehearsal_plan.budgets(budgets)
    except SettingsError as error:
        raise typer.BadParameter(str(error), param_hint="--budgets") from error
    try:
        rehearsal_plan.seeds(seeds)
    except SettingsError as error:
        raise typer.BadParameter(str(error), param_hint="--seeds") from error
    usual = against is None
    others = [rehearsal_plan.RANDOM, TRAINER] if usual else _listed(against or "")
    if usual and not rehearsal_plan.has_trainer():
        others.remove(TRAINER)
        say("Without the plain Trainer: it needs accelerate (pip install “labelloop[bench]”).")
    elif usual and not more["train"]:
        others.remove(TRAINER)
    try:
        others = rehearsal_plan.methods(more["strategy"], others)
    except SettingsError as error:
        raise typer.BadParameter(str(error), param_hint="--strategy/--against") from error
    place: dict[str, Any] = {"file": _place(file), "test": _place(test) if test else ""}
    if Path(file).suffix == ".db" and not test:
        place = {"project": str(Path(file).expanduser().absolute())}
    return Rehearse(**place, budgets=many, against=others, seeds=seeds, **more)


def _listed(written: str) -> list[str]:
    found = [part.strip() for part in written.split(",") if part.strip()]
    return [] if found == ["none"] else found


def _place(name: str) -> str:
    """A path as the worker finds it; names on the hub stay."""
    return name if name.startswith("hf:") else str(Path(name).expanduser().absolute())


def _print(wanted: Rehearse, state: JobState, as_json: bool, draw: bool, stopped: bool = False) -> None:
    from core.evaluate.rehearsed import rows
    from tui import rehearsal_table

    found = rows(state.rehearsed)
    multi = state.prepared is not None and state.prepared.multi
    if as_json:
        print_json(_document(wanted, state, stopped))
        return
    headings = rehearsal_table.HEADINGS_MULTI if multi else rehearsal_table.HEADINGS
    cells = [rehearsal_table.cells(row, multi) for row in found]
    show(grid(_title(state), headings, cells, range(1, len(headings))))
    show(rehearsal_table.spread_told(found))
    if draw:
        _draw(found, multi)


def _title(state: JobState) -> str:
    prepared = state.prepared
    if prepared is None:
        return "Rehearsal"
    kind = f"{len(prepared.labels):,} labels{', several a review' if prepared.multi else ''}"
    return (
        f"{prepared.reviews:,} reviews to label, {prepared.test:,} to measure on, {kind}; "
        f"{prepared.base_model} on {prepared.device}"
    )


def _draw(found: list[Any], multi: bool) -> None:
    import sys

    from rich.text import Text

    from tui import rehearsal_table
    from tui.learning_chart import chart

    lines = rehearsal_table.lines(found, multi)
    show(f"\n{rehearsal_table.score_of(multi)[1]} by number of labels")
    for row in chart(lines, min(console(sys.stdout).width, 100), CHART_HEIGHT):
        show(Text("".join(character for character, _ in row).rstrip()))
    show("  ".join(f"{line.mark} {line.name}" for line in lines))


def _document(wanted: Rehearse, state: JobState, stopped: bool) -> dict[str, Any]:
    from dataclasses import asdict

    from core.evaluate.rehearsed import rows

    prepared = state.prepared
    return {
        "file": wanted.file or wanted.project,
        "test": wanted.test or None,
        "stopped": stopped,
        "strategy": wanted.strategy,
        "budgets": wanted.budgets,
        "seeds": wanted.seeds,
        "base_model": prepared.base_model if prepared else None,
        "device": prepared.device if prepared else None,
        "labels": prepared.labels if prepared else [],
        "multi": prepared.multi if prepared else None,
        "reviews": prepared.reviews if prepared else None,
        "test_reviews": prepared.test if prepared else None,
        "results": [row.to_json() for row in rows(state.rehearsed)],
        "sessions": [asdict(one) for one in state.rehearsed],
    }
