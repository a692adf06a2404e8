"""`mistakes`: labels that are likely wrong, the most likely first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.phrases import count, one_line, percent
from tui.cli.failures import guarded
from tui.cli.opening import opened
from tui.cli.options import Json, Project
from tui.cli.output import grid, print_json, say, show

if TYPE_CHECKING:
    from core.mistakes import Found
    from core.storage.cards import Card

Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="List at most so many suspects.")]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("mistakes")(mistakes)


@guarded
def mistakes(project: Project, limit: Limit = 20, as_json: Json = False) -> None:
    """List labels that are likely wrong, and say how many are.

    Every label is held against a model that had not seen it: the quick learner, cross-validation, or suggestions made
    before the label (confident learning, Northcutt et al. 2021). In the app, M walks through them.
    """
    with opened(project) as database:
        from core.mistakes import find
        from core.storage import cards, scheme
        from core.storage.database import project_of

        with database.reading() as session:
            found = find(session)
            multi = project_of(session).kind.value == "multi"
            named = {label.id: label.name for label in scheme.labels(session, archived=True)}
            wanted = [one.review_id for one in found.suspects[:limit]]
            shown = {card.review_id: card for card in cards.cards(session, wanted, multi)}
    names = {label_id: name for label_id, name in named.items() if label_id is not None}
    if as_json:
        print_json(_document(found, shown, names, limit))
        return
    _tell(found, shown, names, limit)


def _tell(found: Found, shown: dict[int, Card], names: dict[int, str], limit: int) -> None:
    expected, low, high = found.count_of_wrong()
    show(
        f"Of {count(found.answered, 'label')} about {expected:,} are expected to be wrong "
        f"({percent(found.wrong.expected, 1)}; 95 %: {low:,} to {high:,})."
    )
    if found.judged is not None:
        done = found.judged
        share = f"{done.low * 100:.0f} – {done.high * 100:.0f} %"
        show(f"{count(done.looked_at, 'suspect')} judged, {done.corrected:,} of them corrected (95 %: {share}).")
    if found.answered < found.labelled:
        say(f"Of {found.labelled - found.answered:,} more no model has said anything yet.")
    rows = [
        (
            shown[one.review_id].name,
            one_line(", ".join(names[label] for label in one.given) or "no label", 20),
            one_line(", ".join(names[label] for label in one.proposed) or "no label", 20),
            percent(one.chance),
            one_line(shown[one.review_id].text, 60),
        )
        for one in found.suspects[:limit]
        if one.review_id in shown
    ]
    if rows:
        title = f"{count(len(found.suspects), 'suspect')}, the most likely wrong first"
        show(grid(title, ("review", "given", "model says", "wrong", "text"), rows, (3,)))


def _document(found: Found, shown: dict[int, Card], names: dict[int, str], limit: int) -> dict[str, Any]:
    expected, low, high = found.count_of_wrong()
    return {
        "labelled": found.labelled,
        "answered": found.answered,
        "expected_wrong": expected,
        "expected_wrong_low": low,
        "expected_wrong_high": high,
        "judged": found.judged.looked_at if found.judged is not None else 0,
        "corrected": found.judged.corrected if found.judged is not None else 0,
        "suspected": len(found.suspects),
        "suspects": [
            {
                "review": shown[one.review_id].name,
                "given": [names[label] for label in one.given],
                "proposed": [names[label] for label in one.proposed],
                "chance_wrong": round(one.chance, 4),
                "audit": one.audit,
                "text": shown[one.review_id].text,
            }
            for one in found.suspects[:limit]
            if one.review_id in shown
        ],
    }
