"""`runs`: the trainings of a project as versions: look at them, put one in use, go back, compare, tidy up."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from core.phrases import count
from tui.cli.failures import guarded
from tui.cli.opening import opened, settings
from tui.cli.options import Json, Project
from tui.cli.output import print_json, say, show

if TYPE_CHECKING:
    from sqlmodel import Session

    from core.storage.tables import Run as RunRecord

LIST = "list"

Run = Annotated[int, typer.Argument(metavar="R", help="Number of the run.", show_default=False)]
Other = Annotated[int, typer.Argument(metavar="OTHER", help="The run to compare it with.", show_default=False)]
Name = Annotated[str, typer.Argument(metavar="NAME", help="What to call it; “” for nothing.", show_default=False)]
Note = Annotated[str, typer.Argument(metavar="TEXT", help="The note; “” for none.", show_default=False)]
Dry = Annotated[bool, typer.Option("--dry-run", help="Only say how many that would be.")]


class _ListsByDefault(TyperGroup):
    """Without a command of its own, `runs PROJECT.db` lists the runs."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = [LIST, *args]
        return super().resolve_command(ctx, args)


def register(app: typer.Typer) -> None:
    """Add the command with its own commands to the app."""
    group = typer.Typer(cls=_ListsByDefault, help="List, compare and choose the trainings of a project.")
    for name, command in COMMANDS.items():
        group.command(name)(command)
    app.add_typer(group, name="runs")


@guarded
def listed(project: Project, as_json: Json = False) -> None:
    """List the runs, the newest first."""
    from core.storage import runs
    from core.storage.database import project_of
    from tui.cli.run_tables import document, overview

    with opened(project) as database:
        with database.writing() as session:
            runs.mark_interrupted(session)
        with database.reading() as session:
            found, in_use = runs.all_runs(session), project_of(session).run_in_use
    if as_json:
        print_json([document(run, in_use) for run in found])
        return
    if not found:
        say(f"There is no run yet. Next: labelloop train {shlex.quote(str(project))}")
        return
    show(overview(found, in_use))


@guarded
def shown(project: Project, run: Run, as_json: Json = False) -> None:
    """Tell all that is known of a run: data, arguments, scores."""
    from core.storage import learning, runs
    from core.storage.database import project_of
    from tui.cli.run_tables import detail, document

    with opened(project) as database, database.reading() as session:
        found, in_use = runs.existing(session, run), project_of(session).run_in_use
        unchanged = learning.unchanged_since(session, found)
        curves = {name: runs.curve(session, run, name) for name in ("loss", "validation_loss", "validation_accuracy")}
    if as_json:
        print_json({**document(found, in_use), "annotations_unchanged": unchanged, "curves": curves})
        return
    show(*detail(found, in_use, unchanged))


@guarded
def use(project: Project, run: Run, as_json: Json = False) -> None:
    """Put a run in use: its suggestions are the ones shown."""
    from core.storage import versions

    with opened(project) as database, database.writing() as session:
        versions.promote(session, run, settings().drawn_every)
    _told({"run_in_use": run}, f"Suggestions come from run {run} now.", as_json)


@guarded
def back(project: Project, as_json: Json = False) -> None:
    """Put the run in use again that was in use before."""
    from core.storage import versions

    with opened(project) as database, database.writing() as session:
        run = versions.roll_back(session, settings().drawn_every)
    _told({"run_in_use": run}, f"Suggestions come from run {run} again.", as_json)


@guarded
def name(project: Project, run: Run, text: Name, as_json: Json = False) -> None:
    """Give a run a name."""
    from core.storage import runs

    with opened(project) as database, database.writing() as session:
        runs.rename(session, run, text)
        kept = runs.existing(session, run).name
    _told(
        {"run": run, "name": kept},
        f"Run {run} is called “{kept}” now." if kept else f"Run {run} has no name now.",
        as_json,
    )


@guarded
def note(project: Project, run: Run, text: Note, as_json: Json = False) -> None:
    """Write a note on a run."""
    from core.storage import runs

    with opened(project) as database, database.writing() as session:
        runs.write_note(session, run, text)
        kept = runs.existing(session, run).note
    _told({"run": run, "note": kept}, f"Run {run} has {'its' if kept else 'no'} note now.", as_json)


@guarded
def delete(project: Project, run: Run, as_json: Json = False) -> None:
    """Delete a run's model and suggestions; its record stays."""
    from core.storage import versions

    with opened(project) as database:
        versions.remove(database, run)
    _told({"deleted": run}, f"The model and the suggestions of run {run} are deleted; its record stays.", as_json)


@guarded
def take_back(project: Project, run: Run, dry_run: Dry = False, as_json: Json = False) -> None:
    """Undo all labels accepted from a run that nobody has confirmed."""
    from core.storage import runs, taking_back
    from core.storage.database import annotator_id

    with opened(project, changes=not dry_run) as database:
        if dry_run:
            with database.reading() as session:
                runs.existing(session, run)
                many = taking_back.accepted_from(session, run)
        else:
            annotator = settings().annotator
            with database.writing() as session:
                many = taking_back.take_back(session, annotator_id(session, annotator), run)
    reviews = count(many, "review")
    done = f"{reviews} would be taken back." if dry_run else f"Took back what run {run} decided about {reviews}."
    _told({"run": run, "reviews": many, "dry_run": dry_run}, done, as_json)
    if many and not dry_run and not as_json:
        say(f"“labelloop undo {shlex.quote(str(project))}” gives them their labels again.")


@guarded
def compare(project: Project, run: Run, other: Other, as_json: Json = False) -> None:
    """Say whether a run is better than another, and what it labels differently."""
    from core import comparison
    from tui.cli.comparing import show_comparison

    with opened(project) as database, database.reading() as session:
        mine, others = (_with_suggestions(session, number, project) for number in (run, other))
        found = comparison.compare(session, mine, others)
    if as_json:
        print_json(found.to_json())
        return
    show_comparison(found)


def _with_suggestions(session: Session, number: int, project: Path) -> RunRecord:
    """The run. Raises ModelError when its suggestions, which are compared, are not stored."""
    from core.errors import ModelError
    from core.storage import runs

    run = runs.existing(session, number)
    if not run.suggested:
        again = f"labelloop suggest {shlex.quote(str(project))} --run {number}"
        remedy = f"“{again}” makes them, and puts the run in use." if run.folder else "Choose another run."
        raise ModelError(f"The suggestions of run {number} are not stored.", remedy)
    return run


def _told(document: dict[str, Any], sentence: str, as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        show(sentence)


COMMANDS: dict[str, Callable[..., None]] = {
    LIST: listed,
    "show": shown,
    "use": use,
    "back": back,
    "name": name,
    "note": note,
    "delete": delete,
    "take-back": take_back,
    "compare": compare,
}
