"""`accept`: taking suggestions as labels at a stated risk."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.phrases import count, one_line, percent
from tui.cli.failures import guarded
from tui.cli.opening import opened, settings
from tui.cli.options import Json, Project
from tui.cli.output import grid, print_json, say, show

if TYPE_CHECKING:
    from rich.table import Table

    from core.accepting.candidates import Gathered
    from core.accepting.promises import LabelPart, Line
    from core.evaluate.risk import Promise
    from core.storage.database import Database

AtLeast = Annotated[
    float | None,
    typer.Option("--at-least", metavar="P", help="Accept all with this probability or more.", show_default=False),
]
MaxWrong = Annotated[
    str | None,
    typer.Option(
        "--max-wrong", metavar="SHARE", help="Accept as many as at most this share is wrong of.", show_default=False
    ),
]
OfLabel = Annotated[
    str | None, typer.Option("--label", metavar="L", help="Only suggestions of this label.", show_default=False)
]
Confidence = Annotated[
    float, typer.Option("--confidence", metavar="C", help="How sure the number of wrong ones is bounded.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be accepted, and change nothing.")]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("accept")(accept)


@guarded
def accept(
    project: Project,
    at_least: AtLeast = None,
    max_wrong: MaxWrong = None,
    label: OfLabel = None,
    confidence: Confidence = 0.95,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take suggestions as labels, saying how many will be wrong.

    The number of wrong ones is bounded by the audit set: with --max-wrong by fixed-sequence testing of thresholds
    (Learn then test, 2021), with --at-least by the exact bound for a sample of a finite number of reviews. Choose the
    share or the probability before you look at what comes of it.
    """
    share = _check_use(at_least, max_wrong, confidence)
    with opened(project, changes=not dry_run) as database:
        from core.accepting.candidates import gather
        from core.accepting.promises import by_label, promise
        from core.storage import scheme

        with database.reading() as session:
            label_id = scheme.find(session, label).id if label is not None else None
            gathered = gather(session)
        found = promise(gathered, at_least, share, label_id, confidence)
        parts = by_label(gathered, found.threshold, confidence, share) if label_id is None else []
        reviews = 0 if dry_run else _write(database, gathered, found, label_id)
    if as_json:
        print_json(_document(gathered, found, label, parts, reviews, dry_run))
        return
    _tell(gathered, found, label_id, parts, share)
    if dry_run:
        say("Nothing was accepted (--dry-run).")
        return
    show(f"Accepted {count(found.accepted, 'suggestion')} for {count(reviews, 'review')}, as one batch.")
    say(f"Undo: labelloop undo {shlex.quote(str(project))}")


def _check_use(at_least: float | None, max_wrong: str | None, confidence: float) -> float | None:
    """The share asked for. Raises BadParameter, which is wrong use."""
    if (at_least is None) == (max_wrong is None):
        raise typer.BadParameter("Give one of --at-least P and --max-wrong SHARE.")
    if at_least is not None and not 0 <= at_least <= 1:
        raise typer.BadParameter("It is a probability from 0 to 1.", param_hint="--at-least")
    if not 0.5 <= confidence < 1:
        raise typer.BadParameter("It is a share from 0.5 to less than 1.", param_hint="--confidence")
    if max_wrong is None:
        return None
    from core.accepting.asking import share

    wanted = share(max_wrong)
    if wanted is None:
        raise typer.BadParameter("It is a share between 0 and 1, such as 0.02 or 2%.", param_hint="--max-wrong")
    return wanted


def _write(database: Database, gathered: Gathered, found: Promise, label_id: int | None) -> int:
    """Accept, and put what remains in order; gives the number of reviews."""
    from core.accepting.writing import accept, plan_rest
    from core.storage import queue
    from core.storage.database import annotator_id

    wanted = settings()
    with database.writing() as session:
        person = annotator_id(session, wanted.annotator)
        done = accept(session, person, gathered, found.threshold, label_id)
    if done.groups:
        with database.reading() as session:
            planned = plan_rest(session, wanted.drawn_every)
        with database.writing() as session:
            queue.replace(session, planned)
    return done.reviews


def _tell(
    gathered: Gathered, found: Promise, label_id: int | None, parts: list[LabelPart], share: float | None
) -> None:
    from core.accepting.promises import UNSETTLED, in_words, stands_on

    if gathered.unsettled:
        say(UNSETTLED)
    show(in_words(found))
    copies = gathered.reviews(found.threshold, label_id) - found.accepted
    if copies:
        show(f"{count(copies, 'copy', 'copies')} of these get the same labels.")
    say(stands_on(found))
    if len(parts) > 1:
        show(_table(parts, share))


def _table(parts: list[LabelPart], share: float | None) -> Table:
    from core.accepting.promises import in_percent

    rows = [
        (
            one_line(part.name, 24),
            f"{part.promise.accepted:,}",
            f"{part.promise.expected_wrong:,.0f}",
            f"{part.promise.at_most_wrong:,}",
            percent(part.promise.share, 1) if part.promise.accepted else "–",
            f"{part.promise.found_wrong:,} of {part.promise.audited:,}",
            *_alone(part.alone),
        )
        for part in parts
    ]
    headings = ["label", "accepted", "expected wrong", "at most", "share", "wrong in the audit"]
    if share is not None:
        headings.append(f"alone, at most {in_percent(share)}")
    return grid("By label, each bound by itself", headings, rows, (1, 2, 3, 4, 5))


def _alone(line: Line | None) -> tuple[str, ...]:
    """How many of one label could be accepted with --label, and from which probability on."""
    from core.accepting.promises import number

    if line is None:
        return ()
    if line.promise is not None:
        return (f"{line.promise.accepted:,} at {number(line.promise.threshold)} or more",)
    return (f"not yet: {line.missing:,} more audit labels" if line.missing is not None else "cannot be promised",)


def _document(
    gathered: Gathered, found: Promise, label: str | None, parts: list[LabelPart], reviews: int, dry_run: bool
) -> dict[str, Any]:
    return {
        "run": gathered.run_id,
        "label": label,
        "dry_run": dry_run,
        "reviews": reviews,
        **_figures(found),
        "up_to_date": not gathered.unsettled,
        "by_label": [{"label": part.name, **_figures(part.promise), **_of_alone(part)} for part in parts],
    }


def _of_alone(part: LabelPart) -> dict[str, Any]:
    """What the share asked for comes to for one label; nothing where a probability was asked for."""
    if part.alone is None:
        return {}
    if part.alone.promise is None:
        return {"alone": None, "alone_missing_audit_labels": part.alone.missing}
    return {"alone": _figures(part.alone.promise)}


def _figures(found: Promise) -> dict[str, Any]:
    return {
        "at_least": found.threshold,
        "suggestions": found.accepted,
        "expected_wrong": round(found.expected_wrong, 1),
        "at_most_wrong": found.at_most_wrong,
        "confidence": found.confidence,
        "audited": found.audited,
        "audited_wrong": found.found_wrong,
    }
