"""A small plot of curves, as they grow or as they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual_plot import HiResMode, PlotWidget

DRAWN_WITH = HiResMode.BRAILLE
"""Eight dots a cell; pictures taken with a font that has no braille use blocks."""

BY_LABELS = "out_of_sample_log_loss"
"""The one curve that the quick learner has: its log-loss by the number of labels."""

MOST_POINTS = 400
"""Points of a curve that are drawn; a terminal has no more columns than that."""


@dataclass(frozen=True)
class Series:
    """One curve."""

    name: str
    points: Sequence[tuple[int, float]]
    """(step, value), by step."""
    colour: str
    """Variable of the theme, without the dollar sign."""
    dots: bool = False
    """Whether every point is marked too, so that two curves differ by more than colour."""


class Curve(PlotWidget, can_focus=False):
    """Curves over the steps of a training; empty until one of them has two points."""

    DEFAULT_CSS = """
    Curve {
        height: 1fr; background: $surface;
        & > .plot--axis { color: $border; }
        & > .plot--tick { color: $faint; text-style: none; }
        #legend { border: none; background: $surface; }
    }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, allow_pan_and_zoom=False)
        self.set_reactive(Curve.margin_left, 6)
        self.set_reactive(Curve.margin_top, 0)
        self.set_reactive(Curve.margin_bottom, 1)

    def draw(self, curves: Sequence[Series], top: float | None = None) -> None:
        """Draw curves. The lower end follows the values, and the upper one too unless `top` says where it is."""
        self.clear()
        drawn = [curve for curve in curves if len(curve.points) > 1]
        for curve in drawn:
            steps, values = zip(*thinned(curve.points), strict=True)
            style = self.app.theme_variables[curve.colour][:7]
            self.plot(steps, values, line_style=style, hires_mode=DRAWN_WITH, label=curve.name)
            if curve.dots:
                self.scatter(steps, values, marker="●", marker_style=style)
        if drawn:
            seen = [value for curve in drawn for _, value in curve.points]
            lowest, highest = min(seen), max(seen)
            room = max(0.05, (highest - lowest) / 10)
            self.set_ylimits(max(0.0, lowest - room), highest + room if top is None else top)
            self.show_legend(is_visible=len(curves) > 1)
        self.refresh()


def draw_learning(loss: Curve, accuracy: Curve, curves: Mapping[str, Sequence[tuple[int, float]]]) -> None:
    """Draw how a run learned, from its curves by the names they are stored under."""
    loss.draw(
        [
            Series("training", curves["loss"], "primary"),
            Series("held-out", curves["validation_loss"], "accent", dots=True),
        ]
        if not curves.get(BY_LABELS)
        else [Series("out of sample, by labels", curves[BY_LABELS], "primary")]
    )
    accuracy.draw([Series("held-out", curves["validation_accuracy"], "success", dots=True)], top=1.0)


def thinned(points: Sequence[tuple[int, float]], most: int = MOST_POINTS) -> list[tuple[int, float]]:
    """At most about `most` of the points, evenly taken, the last one always."""
    apart = max(1, -(-len(points) // most))
    kept = list(points[::apart])
    return kept if kept[-1] == points[-1] else [*kept, points[-1]]
