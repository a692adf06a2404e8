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
from numpy.typing import NDArray
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
    predict_logits,
)
from core.training.device import Device, choose_device
from core.training.encoding import Encoded, encode_for_training, training_batches
from core.training.examples import TrainingSet
from core.training.gradient import BatchGradient
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
from core.training.targets import accuracy, target_array
from core.training.temperature import fit_temperature, loss, probabilities
from core.training.tuned import CurvePoint, FineTuned, Stopped, library_versions

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

    Without validation reviews the last weights are returned, with a temperature of 1. `should_stop` is asked
    before every step. The same seed, data and device give the same weights; torch's global generators are
    left as they were. Raises `Stopped` (with the best model until then), `BaseModelNotFound`, `ModelError`,
    `LossNotFinite`, `OutOfMemory`.
    """
    started = time.monotonic()
    device = (device or choose_device()).with_precision(arguments.precision)
    device.prepare()
    located = locate(arguments.base_model, device.kind != "cpu")
    with torch.random.fork_rng(device_type="mps" if device.kind == "mps" else "cuda"):
        torch.manual_seed(arguments.seed)
        training = _Training.load(examples, arguments, device, located, report)
        training.prove()
        stopped = training.run(should_stop)
    if stopped and training.best is None and len(training.validation):
        raise Stopped(training.step, None)
    tuned = training.finish(time.monotonic() - started)
    if stopped:
        raise Stopped(training.step, tuned if training.step else None)
    return tuned


@dataclass(frozen=True)
class _Best:
    """What the lowest validation loss came with."""

    step: int
    evaluation: int
    """Its place in the history."""
    logits: NDArray[np.float32]
    weights: dict[str, torch.Tensor]
    """The trained parameters only, on the CPU."""


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
    validation: Encoded
    step: int = 0
    losses: list[float] = field(default_factory=list)
    """Of the steps since the last evaluation."""
    history: list[CurvePoint] = field(default_factory=list)
    best: _Best | None = None
    training_seconds: float = 0.0
    evaluation_seconds: float = 0.0

    def __post_init__(self) -> None:
        classes, multi_label = len(self.examples.label_names), self.examples.multi_label
        self.targets = torch.from_numpy(target_array(self.examples.train_labels, classes, multi_label))
        self.validation_targets = target_array(self.examples.validation_labels, classes, multi_label)
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
        few = Encoded(self.train.ids[: self.arguments.batch_size], self.train.max_length, 0)
        if not np.isfinite(self.predict(few)).all():
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
                validation=len(self.validation),
                truncated=self.train.truncated + self.validation.truncated,
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
            if self.schedule.evaluates_after(self.step) and self.evaluate():
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

    def evaluate(self) -> bool:
        """Predict the validation reviews; keep the weights when they are the best yet. True to stop early."""
        if not len(self.validation):
            return False
        began = time.monotonic()
        logits = self.predict(self.validation)
        value = loss(logits, self.validation_targets)
        if not math.isfinite(value):
            raise self._not_finite()
        is_best = all(value < point.validation_loss for point in self.history)
        if is_best:
            self.best = _Best(self.step, len(self.history), logits, self._trained_weights())
        epoch = self.step / self.schedule.steps_per_epoch
        right = accuracy(logits, self.validation_targets)
        self.history.append(CurvePoint(self.step, epoch, float(np.mean(self.losses)), value, right))
        self.losses.clear()
        self.evaluation_seconds = time.monotonic() - began
        self.report(Evaluated(self.step, epoch, value, right, is_best))
        return self._patience_is_over()

    def predict(self, encoded: Encoded) -> NDArray[np.float32]:
        return predict_logits(self.model, encoded, self.tokenizer.pad_token_id, self.device)

    def finish(self, seconds: float) -> FineTuned:
        """Go back to the best weights, fit the temperature and fold it in."""
        classes = len(self.examples.label_names)
        logits = np.zeros((0, classes), dtype=np.float32)
        if self.best is not None:
            self.model.load_state_dict(self.best.weights, strict=False)
            logits = self.best.logits
        self.model.requires_grad_(True).eval().cpu()
        temperature = fit_temperature(logits, self.validation_targets)
        fold_temperature(self.model, temperature)
        if len(logits):
            before, after = (loss(logits / t, self.validation_targets) for t in (1.0, temperature))
            self.report(Calibrated(temperature, before, after))
        return FineTuned(
            model=self.model,
            tokenizer=self.tokenizer,
            label_names=tuple(self.examples.label_names),
            multi_label=self.examples.multi_label,
            base_model=self.located.name,
            source=self.located.source,
            arguments=self.arguments,
            best_step=self.step if self.best is None else self.best.step,
            total_steps=self.step,
            history=tuple(self.history),
            validation_probabilities=probabilities(logits / temperature, self.examples.multi_label),
            temperature=temperature,
            seconds=seconds,
            device=self.device,
            max_length=self.train.max_length,
            train=len(self.train),
            validation=len(self.validation),
            train_truncated=self.train.truncated,
            validation_truncated=self.validation.truncated,
            versions=library_versions(),
        )

    def _trained_weights(self) -> dict[str, torch.Tensor]:
        """A copy of what training changes."""
        named = self.model.named_parameters()
        return {name: one.detach().to("cpu", copy=True) for name, one in named if one.requires_grad}

    def _patience_is_over(self) -> bool:
        patience = self.arguments.patience
        if patience is None or self.best is None or len(self.history) - 1 - self.best.evaluation < patience:
            return False
        if self.step < self.schedule.total_steps:
            self.report(StoppedEarly(self.step, self.best.step))
        return True

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
