"""The details of a run beside the list of runs."""

from __future__ import annotations

from textual.content import Content

from core.phrases import count, percent
from tui.run_views import RunView
from tui.trust import to_go_by
from tui.widgets import run_details
from tui.widgets.learning_curve import drawn, forecast_lines
from tui.widgets.scores import by_label, interval, side_by_side

WIDEST, HEIGHT = 100, 14
"""Cells of the learning curve."""


def about(found: RunView, width: int) -> Content:
    """The details of a run."""
    run, blank = found.run, Content("")
    lines = [run_details.heading(run, found.in_use), run_details.arguments(run)]
    model, rule, majority = to_go_by(found.measured) if found.measured is not None else (None, None, None)
    if found.measured is not None and model is not None:
        beside = [one for one in (model, rule, majority) if one is not None]
        lines += [blank, side_by_side(beside, width), Content.styled(found.measured.basis, "$faint")]
        if model.macro_f1_low is not None and model.macro_f1_high is not None:
            reach = interval(model.macro_f1_low, model.macro_f1_high)
            lines.append(Content(f"Macro-F1 {percent(model.macro_f1, 1)}, 95 % interval {reach}."))
        lines += [Content(found.verdict)] if found.verdict else []
        lines += [blank, by_label(model, found.colours, width)]
    if found.outlook is not None and found.outlook.points:
        chart = drawn(forecast_lines(found.outlook), min(width, WIDEST), HEIGHT)
        lines += [blank, Content.styled("Time to target", "bold"), Content(found.outlook.sentence), chart]
    if found.accepted:
        told = f"{count(found.accepted, 'decision')} accepted from it, unconfirmed since: w takes them back."
        lines += [blank, Content.styled(told, "$faint")]
    return Content("\n").join([*lines, blank, run_details.facts(run)])
