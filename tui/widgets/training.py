"""How a training goes, in a few lines: where it is, how quick, how long still, and on what."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from core.phrases import count, duration, one_line, percent
from core.worker.state import IN_PARTS, JobState, Phase

DOING = {
    Phase.STARTING: "loading the base model",
    Phase.TRAINING: "training",
    Phase.WORKING: "suggesting",
    Phase.TEACHING: "making a teacher for the unlabelled reviews",
    Phase.CROSS_VALIDATING: "cross-validating",
    Phase.STOPPING: "stopping at the next batch",
    Phase.FINISHED: "finished",
    Phase.CANCELLED: "stopped",
    Phase.FAILED: "failed",
}

COLOURS = {Phase.FINISHED: "$success", Phase.CANCELLED: "$warning", Phase.FAILED: "$error"}

Part = str | Content | tuple[str, str]


def progress(job: JobState, width: int) -> Content:
    """What the worker is at; at most four lines. Empty when there is no job."""
    if job.phase is Phase.IDLE:
        return Content("")
    name = f"run {job.run_id}" if job.run_id else job.job
    first: list[Part] = [(f"{name} · {DOING[job.phase]}", f"bold {COLOURS.get(job.phase, '$accent')}")]
    first += [part for fact in _facts(job) for part in ("   ", fact)]
    lines = [Content.assemble(*first)]
    if job.busy and job.total:
        lines.append(_bar(job, width))
    if job.loaded is not None:
        lines.append(Content.styled(_where(job), "$faint"))
    if told := _news(job):
        colour = "$error" if job.phase is Phase.FAILED else "$foreground"
        lines.append(Content.styled(one_line(told, 400), colour))
    return Content("\n").join(lines)


def no_curve(job: JobState, scored: Sequence[float]) -> str:
    """Why there is no held-out curve yet, and when it will come; `scored` is the accuracy measured so far."""
    if job.busy and job.loaded is None:
        return "It comes once the model itself is trained."
    if job.busy and job.loaded is not None and job.loaded.validation:
        held = count(job.loaded.validation, "held-out review")
        others = f"about every pass over the other {job.loaded.train:,}"
        first = f"{percent(scored[0], 1)} at first. " if scored else ""
        when = "Drawn from the second time on." if scored else "The curve begins with the second time."
        return f"{first}The {held} {'is' if job.loaded.validation == 1 else 'are'} scored after {others}. {when}"
    if scored:
        return f"{percent(scored[0], 1)}: scored once, so that there is no curve."
    if job.busy:
        return (
            "Nothing is held out here: with few labels all are learned from. How good it is stands below at the end, "
            "measured on reviews that the model had not seen."
        )
    return "Nothing was held out: with few labels all are learned from. Below stands how good it is."


def _news(job: JobState) -> str:
    """What is worth telling beside what stands in the line before."""
    loaded = job.loaded
    if loaded is None:
        return job.message
    known = f"{loaded.base_model} from {loaded.source}, on {loaded.device} in {loaded.precision}."
    return job.message.removeprefix(known).strip()


def _facts(job: JobState) -> list[str]:
    facts = []
    if job.phase in IN_PARTS and job.folds:
        facts.append(f"part {min(job.fold + 1, job.folds)} of {job.folds}")
    if job.phase is Phase.TEACHING:
        facts.append("the model itself is trained after that")
    if job.phase in (Phase.TRAINING, Phase.STOPPING) and job.loss is not None:
        facts += [f"epoch {job.epoch:.1f}", f"loss {job.loss:.3f}"]
        if job.evaluations:
            facts.append(f"held-out {percent(min(job.evaluations, key=lambda point: point.loss).accuracy)}")
    return facts


def _bar(job: JobState, width: int) -> Content:
    rates = [f"{job.per_second:,.0f} reviews/s"] if job.per_second else []
    if job.tokens_per_second and job.phase is Phase.TRAINING:
        rates.append(f"{job.tokens_per_second:,.0f} tokens/s")
    if job.seconds_left:
        rates.append(f"{duration(job.seconds_left)} left")
    what = "step" if job.phase in (Phase.TRAINING, Phase.STOPPING) else ""
    told = f" {percent(job.share)}  {what} {job.step:,} of {job.total:,}  {'  '.join(rates)}"
    bar = max(10, min(60, width - len(told) - 2))
    full = round(min(1.0, job.share) * bar)
    return Content.assemble(("━" * full, "$accent"), ("─" * (bar - full), "$border"), told)


def _where(job: JobState) -> str:
    loaded = job.loaded
    assert loaded is not None
    parts = [
        loaded.base_model,
        loaded.device,
        loaded.precision,
        f"{loaded.train:,} to train",
        f"{loaded.validation:,} held out",
        f"up to {loaded.max_length} tokens",
    ]
    if job.memory:
        parts.insert(3, f"{job.memory / 2**30:.1f} GB at most")
    if job.checkpoint_step and job.phase is not Phase.FINISHED:
        parts.append(f"checkpoint at step {job.checkpoint_step:,}")
    return " · ".join(parts)
