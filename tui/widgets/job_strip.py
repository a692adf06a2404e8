"""One line about the training that runs, or what became of the last one."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from core.phrases import duration, one_line, percent
from core.worker.assist_state import AssistState
from core.worker.state import IN_PARTS, JobState, Phase

DOING = {
    Phase.TRAINING: "training",
    Phase.STOPPING: "stopping",
    Phase.TEACHING: "making a teacher",
    Phase.CROSS_VALIDATING: "cross-validating",
}
"""What a busy worker is at; suggesting or exporting otherwise."""


NARROWEST = 60
"""Cells that the job's own state keeps, whatever is told beside it."""


class JobStrip(Static):
    """The state of the worker in one line; takes no room while there is nothing to tell."""

    DEFAULT_CSS = """
    JobStrip { height: 1; padding: 0 1; background: $panel; display: none; }
    JobStrip.-shown { display: block; }
    """

    aside: reactive[str] = reactive("")
    """What is said beside the state: why the job began by itself, and how many wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self._job = JobState()
        self._quick = AssistState()

    def show(self, job: JobState) -> None:
        """Draw the line."""
        self._job = job
        self._draw()

    def show_quick(self, quick: AssistState) -> None:
        """Say what the quick learner does: alone, or in few words beside the job."""
        self._quick = quick
        self._draw()

    def _draw(self) -> None:
        job = self._job
        idle = job.phase is Phase.IDLE
        words = self._quick.words if idle else self._quick.few_words
        self.set_class(not idle or bool(words), "-shown")
        width = max(self.size.width - 2, 40)
        if idle:
            self.update(Content.styled(one_line(words, width), "$faint"))
            return
        beside = [(f" · {text}", style) for text, style in ((self.aside, "$accent"), (words, "$faint")) if text]
        room = width - sum(len(text) for text, _ in beside)
        if room < NARROWEST and words:
            beside.pop()
            room = width - sum(len(text) for text, _ in beside)
        self.update(Content.assemble(strip(job, room), *beside))


def strip(job: JobState, width: int) -> Content:
    """The line for a job in so many cells."""
    name = f"run {job.run_id}" if job.run_id else job.job
    if job.phase is Phase.FAILED:
        return Content.styled(one_line(f"✗ {name}: {job.message}", width), "bold $error")
    if job.phase is Phase.CANCELLED:
        return Content.styled(one_line(f"◼ {name}: {job.message}", width), "$warning")
    if job.phase is Phase.FINISHED:
        return Content.styled(one_line(f"✓ {name} finished. {job.message}", width), "$success")
    if job.phase is Phase.STARTING:
        return Content.styled(f"… {job.job}: loading the base model", "$accent")
    bar = 24 if width >= 100 else 12
    full = round(job.share * bar)
    doing = DOING.get(job.phase, "giving labels" if job.job == "rehearse" else "suggesting")
    if job.phase in IN_PARTS and job.folds:
        doing += f", part {min(job.fold + 1, job.folds)} of {job.folds}"
    parts: list[Content | str | tuple[str, str]] = [
        (f"▶ {name} {doing} ", "bold $accent"),
        ("━" * full, "$accent"),
        ("─" * (bar - full), "$border"),
        (f" {percent(job.share)}", ""),
    ]
    if job.phase is Phase.TRAINING and job.loss is not None:
        parts.append((f"  epoch {job.epoch:.1f}", "$faint"))
        parts.append((f"  loss {job.loss:.3f}", ""))
        if job.evaluations:
            best = min(job.evaluations, key=lambda point: point.loss)
            parts.append((f"  held-out {percent(best.accuracy)}", "$success"))
    if job.per_second:
        parts.append((f"  {job.per_second:.0f}/s", "$faint"))
    if job.seconds_left is not None and job.seconds_left > 0:
        parts.append((f"  {duration(job.seconds_left)} left", "$faint"))
    return Content.assemble(*parts)
