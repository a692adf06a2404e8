"""The training loop: it knows neither where reviews come from nor where models go."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from core.errors import LossNotFinite
from core.training.arguments import TrainingArguments
from core.training.base_model import LocatedModel, locate
from core.training.classifier import (
    fold_temperature,
    freeze_embeddings,
    load_base,
    optimiser,
    positions,
)
from core.training.device import Device, choose_device
from core.training.encoding import Encoded, encode_for_training, training_batches
from core.training.examples import TrainingSet
from core.training.gradient import BatchGradient
from core.training.inference import batched_logits
from core.training.progress import (
    BatchHalved,
    Calibrated,
    Evaluated,
    Loaded,
    Progress,
    StepDone,
    StoppedEarly,
)
from core.training.schedule import Schedule
from core.training.targets import target_array
from core.training.temperature import fit_temperature, loss, probabilities
from core.training.tuned import FineTuned, Stopped, library_versions
from core.training.validation import Validation

Report = Callable[[Progress], None]
ShouldStop = Callable[[], bool]


def fine_tune(
    examples: TrainingSet,
    arguments: TrainingArguments,
    report: Report,
    should_stop: ShouldStop,
    device: Device | None = None,
) -> FineTuned:
    """Fine-tune the base model on `examples` and return the weights with the lowest validation loss.

    With fewer validation reviews than `arguments.fewest_validation` the last weights are returned; without any,
    with a temperature of 1. `should_stop` is asked
    before every step. The same seed, data and device give the same weights; torch's global generators are
    left as they were. Raises `Stopped` (with the best model until then), `BaseModelNotFound`, `ModelError`,
    `LossNotFinite`, `OutOfMemory`.
    """
    started = time.monotonic()
    device = (device or choose_device()).with_precision(arguments.precision)
    device.prepare()
    located = locate(arguments.base_model, device.kind != "cpu")
    with torch.random.fork_rng(devices=[0] if device.kind == "cuda" else []):
        torch.manual_seed(arguments.seed)
        training = _Training.load(examples, arguments, device, located, report)
        training.prove()
        try:
            stopped = training.run(should_stop)
        except Interrupted:
            stopped = True
    if stopped and training.validation.kept is None and len(training.validation_ids):
        raise Stopped(training.step, None)
    tuned = training.finish(time.monotonic() - started)
    if stopped:
        raise Stopped(training.step, tuned if training.step else None)
    return tuned


class Interrupted(Exception):
    """An evaluation was asked to stop."""


@dataclass
class _Training:
    """The state of one training."""

    examples: TrainingSet
    arguments: TrainingArguments
    device: Device
    located: LocatedModel
    report: Report
    model: nn.Module
    tokenizer: Any
    train: Encoded
    validation_ids: Encoded
    step: int = 0
    losses: list[float] = field(default_factory=list)
    """Of the steps since the last evaluation."""
    training_seconds: float = 0.0
    evaluation_seconds: float = 0.0

    def __post_init__(self) -> None:
        classes, multi_label = len(self.examples.label_names), self.examples.multi_label
        self.targets = torch.from_numpy(target_array(self.examples.train_labels, classes, multi_label))
        self.validation = Validation(
            target_array(self.examples.validation_labels, classes, multi_label),
            chooses=len(self.validation_ids) >= self.arguments.fewest_validation,
            patience=self.arguments.patience,
        )
        self.schedule = Schedule.of(len(self.train), self.arguments)

    @classmethod
    def load(
        cls,
        examples: TrainingSet,
        arguments: TrainingArguments,
        device: Device,
        located: LocatedModel,
        report: Report,
    ) -> _Training:
        """Load the model onto the device and tokenise every review once."""
        model, tokenizer = load_base(located, examples.label_names, examples.multi_label)
        train, validation = encode_for_training(
            tokenizer,
            examples.train_texts,
            examples.validation_texts,
            arguments.max_length,
            positions(model, tokenizer),
        )
        freeze = arguments.freeze_embeddings
        if freeze or (freeze is None and device.kind == "cpu"):
            freeze_embeddings(model)
        model.to(device.torch_device)
        return cls(examples, arguments, device, located, report, model, tokenizer, train, validation)

    def prove(self) -> None:
        """One evaluation batch, before anything costs time: it must give finite numbers."""
        few = self.train.ids[: self.arguments.batch_size]
        for _, logits in batched_logits(self.model, few, self.tokenizer.pad_token_id, self.device):
            if not np.isfinite(logits).all():
                raise self._not_finite()
        parameters = [(parameter.numel(), parameter.requires_grad) for parameter in self.model.parameters()]
        self.report(
            Loaded(
                base_model=self.located.name,
                source=self.located.source,
                device=self.device.name,
                precision=self.device.precision,
                parameters=sum(count for count, _ in parameters),
                trainable_parameters=sum(count for count, trained in parameters if trained),
                train=len(self.train),
                validation=len(self.validation_ids),
                truncated=self.train.truncated + self.validation_ids.truncated,
                max_length=self.train.max_length,
                total_steps=self.schedule.total_steps,
            )
        )

    def run(self, should_stop: ShouldStop) -> bool:
        """All steps and evaluations. True when it was asked to stop."""
        adam = optimiser(self.model, self.arguments)
        peaks = [group["lr"] for group in adam.param_groups]
        gradient = BatchGradient(
            self.model,
            self.tokenizer.pad_token_id,
            self.device,
            self.examples.multi_label,
            self.arguments.label_smoothing,
            at_once=self.arguments.batch_size,
            halved=lambda reviews: self.report(BatchHalved(self.step, reviews)),
        )
        for batch in itertools.islice(self.batches(), self.schedule.total_steps):
            if should_stop():
                return True
            for group, peak in zip(adam.param_groups, peaks, strict=True):
                group["lr"] = peak * self.schedule.rate(self.step)
            self.take_step(adam, gradient, batch)
            if self.schedule.evaluates_after(self.step) and self.evaluate(should_stop):
                if self.validation.kept is not None and self.step < self.schedule.total_steps:
                    self.report(StoppedEarly(self.step, self.validation.kept.step))
                break
        return False

    def batches(self) -> Iterator[list[int]]:
        """Batches without end, epoch after epoch, in an order that the seed decides."""
        generator = torch.Generator().manual_seed(self.arguments.seed)
        lengths = [len(one) for one in self.train.ids]
        while True:
            yield from training_batches(lengths, self.arguments.batch_size, generator)

    def take_step(self, adam: torch.optim.AdamW, gradient: BatchGradient, batch: Sequence[int]) -> None:
        """One optimiser step over `batch`."""
        began = time.monotonic()
        self.model.train()
        value = gradient.compute([self.train.ids[index] for index in batch], self.targets[list(batch)])
        if not math.isfinite(value):
            raise self._not_finite()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.arguments.gradient_clip)
        adam.step()
        self.step += 1
        self.losses.append(value)
        self.training_seconds += time.monotonic() - began
        self.report(self._step_done(value))

    def evaluate(self, should_stop: ShouldStop) -> bool:
        """Predict the validation reviews; keep the weights that may be returned. True to end early.

        Raises `Interrupted` when `should_stop` says so between two batches.
        """
        if not len(self.validation_ids):
            return False
        began = time.monotonic()
        logits = np.zeros((len(self.validation_ids), len(self.examples.label_names)), dtype=np.float32)
        pad_token = self.tokenizer.pad_token_id
        for places, batch in batched_logits(self.model, self.validation_ids.ids, pad_token, self.device):
            logits[places] = batch
            if should_stop():
                raise Interrupted
        if not np.isfinite(logits).all():
            raise self._not_finite()
        epoch = self.step / self.schedule.steps_per_epoch
        keeps = self.validation.add(self.model, logits, self.step, epoch, self.losses)
        self.losses.clear()
        self.evaluation_seconds = time.monotonic() - began
        point = self.validation.history[-1]
        self.report(Evaluated(self.step, epoch, point.validation_loss, point.validation_accuracy, keeps))
        return self.validation.is_over

    def finish(self, seconds: float) -> FineTuned:
        """Go back to the best weights, fit the temperature and fold it in."""
        classes = len(self.examples.label_names)
        logits = np.zeros((0, classes), dtype=np.float32)
        targets, kept = self.validation.targets, self.validation.kept
        if kept is not None:
            self.model.load_state_dict(kept.weights, strict=False)
            logits = kept.logits
        self.model.requires_grad_(True).eval().cpu()
        temperature = fit_temperature(logits, targets)
        fold_temperature(self.model, temperature)
        if len(logits):
            self.report(
                Calibrated(
                    temperature,
                    validation_loss_before=loss(logits, targets),
                    validation_loss_after=loss(logits / temperature, targets),
                )
            )
        return FineTuned(
            model=self.model,
            tokenizer=self.tokenizer,
            label_names=tuple(self.examples.label_names),
            multi_label=self.examples.multi_label,
            base_model=self.located.name,
            source=self.located.source,
            arguments=self.arguments,
            best_step=self.step if kept is None else kept.step,
            total_steps=self.step,
            history=tuple(self.validation.history),
            validation_probabilities=probabilities(logits / temperature, self.examples.multi_label),
            temperature=temperature,
            seconds=seconds,
            device=self.device,
            max_length=self.train.max_length,
            train=len(self.train),
            validation=len(self.validation_ids),
            train_truncated=self.train.truncated,
            validation_truncated=self.validation_ids.truncated,
            versions=library_versions(),
        )

    def _step_done(self, value: float) -> StepDone:
        left = self.schedule.total_steps - self.step
        evaluations = math.ceil(left / self.schedule.evaluate_every)
        epochs = self.step / self.schedule.steps_per_epoch
        return StepDone(
            step=self.step,
            total_steps=self.schedule.total_steps,
            epoch=epochs,
            loss=value,
            examples_per_second=epochs * len(self.train) / max(self.training_seconds, 1e-9),
            seconds_left=left * self.training_seconds / self.step + evaluations * self.evaluation_seconds,
        )

    def _not_finite(self) -> LossNotFinite:
        return LossNotFinite(
            f"The loss became NaN or infinite at step {self.step}.",
            "Lower learning_rate or set precision to fp32; if that does not help, choose another base model.",
        )
