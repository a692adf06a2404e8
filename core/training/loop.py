"""The training loop: it knows neither where reviews come from nor where models go."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from core.errors import OutOfMemory
from core.training.arguments import TrainingArguments
from core.training.checkpoint import Checkpoints
from core.training.device import Device, choose_device
from core.training.examples import TrainingSet
from core.training.finishing import finish
from core.training.inference import batched_logits
from core.training.memory import peak_memory, ran_out, start_measuring
from core.training.preparation import Prepared, not_finite, prepare
from core.training.progress import (
    BatchHalved,
    Evaluated,
    Progress,
    StepDone,
    StoppedEarly,
)
from core.training.state import TrainingState
from core.training.tuned import FineTuned, Stopped

Report = Callable[[Progress], None]
ShouldStop = Callable[[], bool]

CHECKPOINT_SECONDS = 30.0


def fine_tune(
    examples: TrainingSet,
    arguments: TrainingArguments,
    report: Report,
    should_stop: ShouldStop,
    device: Device | None = None,
    checkpoints: Path | None = None,
    resume: bool = False,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> FineTuned:
    """Fine-tune the base model on `examples` and return the weights with the lowest validation loss.

    With fewer validation reviews than `arguments.fewest_validation` the last weights are returned; without any,
    with a temperature of 1. `should_stop` is asked before every step, and while frozen layers are asked. The same
    seed, data, device and number of threads give the same weights; torch's global generators are left as they were.

    In the folder `checkpoints` everything is written that it takes to go on, when it is stopped and about every
    `checkpoint_seconds`. With `resume` it goes on from there, from the start where there is no checkpoint, and ends
    with the same weights, on the CPU bit for bit. The caller removes them (`checkpoint_folder.discard`) once
    the model is saved.

    Raises `Stopped` (with the best model until then), `BaseModelNotFound`, `ModelError`, `CheckpointError`,
    `LossNotFinite`, `OutOfMemory`.
    """
    started = time.monotonic()
    device = (device or choose_device()).with_precision(arguments.precision)
    device.prepare()
    start_measuring(device)
    try:
        with torch.random.fork_rng(devices=[0] if device.kind == "cuda" else []):
            torch.manual_seed(arguments.seed)
            prepared = prepare(examples, arguments, device, should_stop)
            kept = checkpoints and Checkpoints(checkpoints, prepared, checkpoint_seconds, report)
            return _Training(prepared, report, kept or None, started).carry_out(should_stop, resume)
    except (RuntimeError, MemoryError) as error:
        if not ran_out(error):
            raise
        raise OutOfMemory(
            f"{device.name} has no memory for the base model and its training.",
            "Choose a smaller base model, freeze_layers, or close what else uses the device.",
        ) from error


class Interrupted(Exception):
    """An evaluation was asked to stop."""


class _Training:
    """One training, from its first step in this process to its model."""

    def __init__(self, prepared: Prepared, report: Report, checkpoints: Checkpoints | None, started: float) -> None:
        self.prepared = prepared
        self.report = report
        self.checkpoints = checkpoints
        self.noted = started
        self.state = TrainingState.first(prepared, lambda reviews: report(BatchHalved(self.state.step, reviews)))

    def carry_out(self, should_stop: ShouldStop, resume: bool) -> FineTuned:
        """All of it; raises `Stopped` when asked to stop."""
        self.prepared.prove()
        if resume and self.checkpoints is not None:
            self.checkpoints.resume(self.state)
        if self.state.step == 0:
            self.fit_memory()
        state, prepared = self.state, self.prepared
        self.report(prepared.loaded(state.gradient.at_once, state.step))
        try:
            stopped = self.run(should_stop)
        except Interrupted:
            stopped = True
        self.note_time()
        if not stopped:
            return finish(self.prepared, self.state, self.report)
        if self.checkpoints is not None:
            self.checkpoints.write(state)
        resumable = self.checkpoints is not None and self.checkpoints.there
        nothing = state.step == 0 or (state.validation.kept is None and len(prepared.validation) > 0)
        raise Stopped(state.step, None if nothing else finish(prepared, state, self.report), resumable)

    def fit_memory(self) -> None:
        """On a GPU, find out how many reviews of an automatic batch fit at a time."""
        prepared = self.prepared
        if prepared.device.kind == "cuda" and prepared.arguments.batch_size is None:
            longest = prepared.longest
            self.state.gradient.fit(prepared.computed.part(longest), prepared.targets[longest])

    def run(self, should_stop: ShouldStop) -> bool:
        """All steps and evaluations that are left. True when it was asked to stop."""
        state, schedule = self.state, self.prepared.schedule
        while not self.is_over(should_stop):
            self.note_time()
            if self.checkpoints is not None and state.step:
                self.checkpoints.write_if_due(state)
            if should_stop():
                return True
            rate = schedule.rate(state.step)
            for group, peak in zip(state.adam.param_groups, state.peaks, strict=True):
                group["lr"] = peak * rate
            self.take_step([self.prepared.places[place] for place in state.order.next_batch()])
        return False

    def note_time(self) -> None:
        """Add what passed since it was noted last."""
        now = time.monotonic()
        self.state.seconds += now - self.noted
        self.noted = now

    def is_over(self, should_stop: ShouldStop) -> bool:
        """Evaluate where the step just taken asks for it, and say whether it was the last."""
        state, total = self.state, self.prepared.schedule.total_steps
        due = state.step > 0 and self.prepared.schedule.evaluates_after(state.step)
        if due and len(self.prepared.validation) and not state.is_evaluated:
            self.evaluate(should_stop)
        if state.step >= total:
            return True
        kept = state.validation.kept
        if due and kept is not None and state.validation.is_over:
            self.report(StoppedEarly(state.step, kept.step))
            return True
        return False

    def take_step(self, batch: list[int]) -> None:
        """One optimiser step over `batch`, the places of its reviews."""
        state, prepared = self.state, self.prepared
        began = time.monotonic()
        prepared.computed.model.train()
        value = state.gradient.compute(prepared.computed.part(batch), prepared.targets[batch])
        if not math.isfinite(value):
            raise not_finite(state.step)
        torch.nn.utils.clip_grad_norm_(prepared.model.parameters(), prepared.arguments.gradient_clip)
        state.adam.step()
        state.step += 1
        state.losses.append(value)
        state.tokens += sum(len(prepared.train.ids[place]) for place in batch)
        state.training_seconds += time.monotonic() - began
        self.report(self._step_done(value))

    def evaluate(self, should_stop: ShouldStop) -> None:
        """Predict the validation reviews; keep the weights that may be returned.

        Raises `Interrupted` when `should_stop` says so between two batches.
        """
        state, prepared = self.state, self.prepared
        began = time.monotonic()
        logits = np.zeros((len(prepared.validation), len(prepared.examples.label_names)), dtype=np.float32)
        for places, batch in batched_logits(
            prepared.model, prepared.validation.ids, prepared.pad_token, prepared.device
        ):
            logits[places] = batch
            if should_stop():
                raise Interrupted
        if not np.isfinite(logits).all():
            raise not_finite(state.step)
        epoch = state.step / prepared.schedule.steps_per_epoch
        keeps = state.validation.add(prepared.model, logits, state.step, epoch, state.losses)
        state.losses.clear()
        state.evaluation_seconds = time.monotonic() - began
        point = state.validation.history[-1]
        self.report(Evaluated(state.step, epoch, point.validation_loss, point.validation_accuracy, keeps))

    def _step_done(self, value: float) -> StepDone:
        state, prepared = self.state, self.prepared
        schedule, seconds = prepared.schedule, max(state.training_seconds, 1e-9)
        left = schedule.total_steps - state.step
        evaluations = math.ceil(left / schedule.evaluate_every)
        epochs = state.step / schedule.steps_per_epoch
        return StepDone(
            step=state.step,
            total_steps=schedule.total_steps,
            epoch=epochs,
            loss=value,
            examples_per_second=epochs * len(prepared.places) / seconds,
            seconds_left=left * state.training_seconds / state.step + evaluations * state.evaluation_seconds,
            tokens_per_second=state.tokens / seconds,
            memory=peak_memory(prepared.device),
            precision=prepared.device.precision,
        )
