"""What a rehearsal has measured, as rows of cells and lines of a chart: the same for the command and the screen."""

from __future__ import annotations

from collections.abc import Sequence

from core.evaluate.rehearsed import Row, Spread
from core.phrases import duration
from core.worker.requests import TRAINER
from tui.learning_chart import MARKS, At, Line

HEADINGS = ("method", "labels", "accuracy", "macro-F1", "ECE", "log-loss", "training")
HEADINGS_MULTI = ("method", "labels", "exact", "macro-F1", "micro-F1", "ECE", "log-loss", "training")


def method(name: str) -> str:
    """A method as people read it."""
    return "plain Trainer" if name == TRAINER else name


def cells(row: Row, multi: bool) -> list[str]:
    """A row of the table."""
    its = row.scores
    shares = ["accuracy", "macro_f1", *(["micro_f1"] if multi else []), "calibration_error"]
    seconds = duration(row.seconds.mean) if row.seconds.mean >= 10 else f"{row.seconds.mean:.1f} s"
    return [
        method(row.method),
        f"{row.labels:,}",
        *(_percent(its[name]) for name in shares),
        f"{its['log_loss'].mean:.3f}",
        seconds,
    ]


def score_of(multi: bool) -> tuple[str, str]:
    """The score that a curve shows, by its field and its name."""
    return ("micro_f1", "micro-F1") if multi else ("accuracy", "accuracy")


def lines(rows: Sequence[Row], multi: bool) -> list[Line]:
    """A line a method, with one deviation to either side."""
    field = score_of(multi)[0]
    found: dict[str, list[At]] = {}
    for row in rows:
        one = row.scores[field]
        off = one.deviation or 0.0
        found.setdefault(row.method, []).append(At(row.labels, one.mean, one.mean - off, one.mean + off))
    return [
        Line(method(name), points, MARKS[place % len(MARKS)]) for place, (name, points) in enumerate(found.items())
    ]


def spread_told(rows: Sequence[Row]) -> str:
    """What the numbers beside the means are."""
    seeds = max((row.seeds for row in rows), default=0)
    beside = "The plain Trainer has random labels. " if any(row.method == TRAINER for row in rows) else ""
    how = "ECE: expected calibration error. Training: all of it up to there, in one session."
    if seeds > 1:
        return f"Mean ± standard deviation over {seeds} sessions. {beside}{how}"
    return f"One session: differences of a few points may be chance. {beside}{how}"


def _percent(one: Spread) -> str:
    off = "" if one.deviation is None else f" ±{100 * one.deviation:.1f}"
    return f"{100 * one.mean:.1f}{off}"
