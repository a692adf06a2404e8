"""What is said of a rehearsal: how far it is, of what it is, and which strategy came out best."""

from __future__ import annotations

from core.evaluate.rehearsed import Row
from core.kept_rehearsal import Kept
from core.phrases import count, duration, one_line, percent
from core.worker.requests import FEATURES, TRAINER
from core.worker.state import JobState, Phase
from tui import rehearsal_table


def best(found: list[Row], multi: bool) -> Row | None:
    """The strategy with the highest score where most labels are given."""
    score = rehearsal_table.score_of(multi)[0]
    mine = [row for row in found if row.method != TRAINER]
    last = max((row.budget for row in mine), default=0)
    return max((row for row in mine if row.budget == last), key=lambda row: row.scores[score].mean, default=None)


def best_told(best: Row, found: list[Row], multi: bool) -> str:
    """Which strategy is best, and whether by more than sessions differ from each other."""
    score = rehearsal_table.score_of(multi)[0]
    others = [row for row in found if row.budget == best.budget and row.method not in (best.method, TRAINER)]
    told = f"Best with {count(best.labels, 'label')}: {best.method}"
    if not others:
        return f"{told}."
    mine, second = best.scores[score], max((row.scores[score] for row in others), key=lambda one: one.mean)
    spread = max(mine.deviation or 0.0, second.deviation or 0.0)
    return f"{told}, but by less than sessions differ." if mine.mean - second.mean < spread else f"{told}."


def progress(job: JobState, kept: Kept | None) -> tuple[str, str]:
    """How far the rehearsal is, and the style to say it in."""
    of = f" {one_line(kept.of, 60)}, {kept.when}." if kept is not None else ""
    if job.phase is Phase.FAILED:
        return f"✗ {job.message}{of}", "$error"
    if job.phase is Phase.CANCELLED:
        return f"◼ {job.message} What was measured by then stands below.{of}", "$warning"
    if job.phase is Phase.FINISHED:
        return f"✓ The rehearsal is finished.{of} f5 starts another.", "$success"
    if job.phase is Phase.STOPPING:
        return "Stopping at the next batch …", "$warning"
    if not job.total:
        return f"… {job.message or 'loading the base model'}", "$accent"
    left = f", {duration(job.seconds_left)} left" if job.seconds_left is not None else ""
    rate = f", {job.per_second:.1f} a second" if job.per_second else ""
    done = "reviews have features" if job.what == FEATURES else "labels given"
    what = f"▶ {job.step:,} of {job.total:,} {done}, {percent(job.share)}{rate}{left}. f6 stops."
    return what, "$accent"
