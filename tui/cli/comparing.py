"""Two runs beside each other, as `evaluate --against` prints them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rich.table import Table

from core.phrases import count, one_line, percent
from tui.cli.diagrams import side_by_side
from tui.cli.output import grid, show
from tui.cli.tables import LONGEST_LABEL

if TYPE_CHECKING:
    from core.comparison import Comparison, OnAudit

MOST_FLIPS = 12
"""Rows of the table of flips; the rest is summed up in one."""


def show_comparison(found: Comparison) -> None:
    """Print the verdict, both runs' scores, what flipped, and in what the runs differ."""
    names = f"run {found.run_id}", f"run {found.against_id}"
    if found.audit is not None:
        audit = found.audit
        title = f"Both on {count(audit.paired.size, 'audit review')}"
        show(side_by_side(title, [audit.run, audit.against]))
    show(found.sentence)
    if found.audit is not None:
        show(_macro_f1(found.audit), _labels(found.audit, *names))
    share = f" ({percent(found.changed / found.both, 1)})" if found.both else ""
    show(f"Of {count(found.both, 'review')} with suggestions of both, {found.changed:,}{share} changed.")
    if found.audit is not None and found.audit.changed:
        show(_audit_flips(found.audit))
    if found.flips:
        show(_flips(found, *names))
    if found.differences:
        rows = [(one.name, _value(one.run), _value(one.against)) for one in found.differences]
        show(grid("What the runs differ in", ("", *names), rows, ()))


def _macro_f1(audit: OnAudit) -> str:
    of = audit.paired
    low, high = f"{of.macro_f1_low * 100:+.1f}", f"{of.macro_f1_high * 100:+.1f}"
    return f"Macro-F1 differs by {of.macro_f1_difference * 100:+.1f} points (95 %: {low} to {high})."


def _labels(audit: OnAudit, run: str, against: str) -> Table:
    rows = [
        (
            one_line(one.label, LONGEST_LABEL),
            percent(one.run, 1),
            percent(one.against, 1),
            f"{one.difference * 100:+.1f}",
            f"{one.support:,}",
        )
        for one in audit.labels
    ]
    return grid("F1 by label", ("label", run, against, "points", "reviews"), rows, (1, 2, 3, 4))


def _audit_flips(audit: OnAudit) -> str:
    rest = audit.changed - audit.to_right - audit.to_wrong
    also = f", {rest:,} from wrong to wrong" if rest else ""
    changed = f"Of the audit reviews {audit.changed:,} changed"
    return f"{changed}: {audit.to_right:,} to right, {audit.to_wrong:,} to wrong{also}."


def _flips(found: Comparison, run: str, against: str) -> Table:
    if any(not flip.before or not flip.after for flip in found.flips):
        return _gained_and_lost(found)
    listed = found.flips[:MOST_FLIPS]
    rows = [
        (one_line(flip.before, LONGEST_LABEL), one_line(flip.after, LONGEST_LABEL), f"{flip.count:,}")
        for flip in listed
    ]
    if rest := sum(flip.count for flip in found.flips[MOST_FLIPS:]):
        rows.append(("all others", "", f"{rest:,}"))
    return grid("Suggestions that changed", (f"{against} said", f"{run} says", "reviews"), rows, (2,))


def _gained_and_lost(found: Comparison) -> Table:
    gained: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for flip in found.flips:
        lost[flip.before] += flip.count
        gained[flip.after] += flip.count
    names = sorted((gained + lost).keys() - {""}, key=lambda name: -(gained[name] + lost[name]))
    rows = [(one_line(name, LONGEST_LABEL), f"{gained[name]:,}", f"{lost[name]:,}") for name in names[:MOST_FLIPS]]
    return grid("Suggestions that changed", ("label", "gained", "lost"), rows, (1, 2))


def _value(value: Any) -> str:
    return "—" if value is None else one_line(str(value), 30)
