"""`consistency`: how steadily people label, and whether suggestions sway them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from core.phrases import count, one_line, percent
from tui.cli.failures import guarded
from tui.cli.opening import opened, settings
from tui.cli.options import Json, Project
from tui.cli.output import grid, print_json, say, show

if TYPE_CHECKING:
    from core.consistency import Consistency, Part
    from core.evaluate.agreement import Agreement

Who = Annotated[
    str | None,
    typer.Option("--annotator", metavar="NAME", help="Only this person; everybody if not given.", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("consistency")(measured)


@guarded
def measured(project: Project, annotator: Who = None, as_json: Json = False) -> None:
    """Say how steadily people label, and whether suggestions sway them.

    Some reviews come a second time without a word, and for some the suggestion is held back: the settings
    repeat_share and hidden_share say for how many.
    """
    with opened(project) as database:
        from core.consistency import consistency, person

        with database.reading() as session:
            who = person(session, annotator) if annotator is not None else None
            found = consistency(session, who, settings().hidden_share)
    if as_json:
        print_json({**asdict(found), "warnings": found.warnings})
        return
    _tell(found)


def _tell(found: Consistency) -> None:
    for warning in found.warnings:
        show(f"⚠ {warning}")
    if found.overall is None:
        say("Nothing was asked twice yet.")
    else:
        one = found.overall
        show(
            f"Of {count(one.reviews, 'review')} asked twice, {one.same:,} got the same answer: "
            f"{percent(one.share)} ({one.low * 100:.0f} – {one.high * 100:.0f} %). Cohen’s kappa {_kappa(one)}."
        )
    if found.by_label:
        rows = [_label_row(part) for part in found.by_label]
        show(grid("By label", ("", "given", "given again", "kappa, 95 %"), rows, (1, 2)))
    for title, parts in (("By day", found.by_day), ("By hour into the session", found.by_hour)):
        if parts:
            show(grid(title, ("", "asked", "same", "kappa, 95 %"), [_row(part) for part in parts], (1, 2)))
    if found.swayed is not None:
        swayed = found.swayed
        show(
            f"What was suggested was given in {percent(swayed.shown_same / swayed.shown)} of "
            f"{count(swayed.shown, 'review')} where it was shown, in {percent(swayed.hidden_same / swayed.hidden)} "
            f"of {swayed.hidden:,} where it was held back (difference {swayed.low * 100:+.0f} to "
            f"{swayed.high * 100:+.0f} points)."
        )
    else:
        say("There is nothing to compare shown and held-back suggestions by yet.")
    if found.reading is not None:
        quick = found.reading
        show(
            f"Of the last {count(quick.accepted, 'accepted suggestion')} {quick.too_quick:,} were accepted quicker "
            "than 1,000 words a minute."
        )


def _row(part: Part) -> tuple[str, str, str, str]:
    return one_line(part.name, 30), f"{part.found.reviews:,}", percent(part.found.share), _kappa(part.found)


def _label_row(part: Part) -> tuple[str, str, str, str]:
    given, again = part.given or 0, part.again or 0
    return one_line(part.name, 30), f"{given:,}", percent(again / given) if given else "–", _kappa(part.found)


def _kappa(found: Agreement) -> str:
    if found.kappa is None or found.kappa_low is None or found.kappa_high is None:
        return "not defined: one answer throughout"
    return f"{found.kappa:.2f} ({found.kappa_low:.2f} – {found.kappa_high:.2f})"
