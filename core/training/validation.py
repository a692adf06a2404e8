"""What the validation reviews say while a model trains, and which weights they choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.training.targets import accuracy
from core.training.temperature import fit_temperature, loss
from core.training.tuned import CurvePoint


@dataclass(frozen=True)
class Kept:
    """The weights to return: those of the lowest validation loss, or where few reviews would tell it, the last."""

    step: int
    evaluation: int
    """Its place in the history."""
    logits: NDArray[np.float32]
    """Of the validation reviews, [n, classes]."""
    weights: dict[str, torch.Tensor]
    """The trained parameters only, on the CPU."""


@dataclass
class Validation:
    """The history of one training's evaluations.

    The loss is that of the model as it would be returned, temperature included. The bare loss rises with confidence
    long before accuracy falls: choosing by it on 50 validation reviews gave cr 61.7 % and sst2 77.0 %, this way 80.3
    and 80.7.
    """

    targets: NDArray[Any]
    """[n] class indices or [n, classes] zeros and ones."""
    chooses: bool
    """Whether there are enough reviews to choose the weights by; else the last are kept."""
    patience: int | None
    history: list[CurvePoint] = field(default_factory=list)
    kept: Kept | None = None

    def add(
        self, model: nn.Module, logits: NDArray[np.float32], step: int, epoch: float, training_losses: Sequence[float]
    ) -> bool:
        """Note an evaluation after `step`, keep the weights where they are to be kept, and say whether they were."""
        value = loss(logits / fit_temperature(logits, self.targets), self.targets)
        keeps = not self.chooses or all(value < point.validation_loss for point in self.history)
        if keeps:
            self.kept = Kept(step, len(self.history), logits, trained_weights(model))
        mean = float(np.mean(training_losses))
        self.history.append(CurvePoint(step, epoch, mean, value, accuracy(logits, self.targets)))
        return keeps

    @property
    def is_over(self) -> bool:
        """Whether the loss has not fallen for `patience` evaluations."""
        if not self.chooses or self.patience is None or self.kept is None:
            return False
        return len(self.history) - 1 - self.kept.evaluation >= self.patience


def trained_weights(model: nn.Module) -> dict[str, torch.Tensor]:
    """A copy, on the CPU, of the parameters that training changes."""
    named = model.named_parameters()
    return {name: one.detach().to("cpu", copy=True) for name, one in named if one.requires_grad}
