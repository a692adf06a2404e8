"""What a training leaves."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import Any

import numpy as np
import safetensors
import tokenizers
import torch
import transformers
from numpy.typing import NDArray
from torch import nn

from core.training.arguments import TrainingArguments
from core.training.device import Device


@dataclass(frozen=True)
class CurvePoint:
    """One evaluation, and the training loss that led to it."""

    step: int
    epoch: float
    training_loss: float
    """Mean over the steps since the last evaluation."""
    validation_loss: float
    """Mean cross-entropy in nats (multi-label: binary), at the temperature that fits this point."""
    validation_accuracy: float


@dataclass(frozen=True)
class FineTuned:
    """A trained model with its temperature folded in, and how it came about."""

    model: nn.Module
    """An `AutoModelForSequenceClassification` on the CPU, in evaluation mode."""
    tokenizer: Any
    label_names: tuple[str, ...]
    multi_label: bool
    base_model: str
    source: str
    arguments: TrainingArguments
    best_step: int
    """The optimiser step whose weights these are."""
    total_steps: int
    """Optimiser steps that were taken."""
    history: tuple[CurvePoint, ...]
    validation_probabilities: NDArray[np.float32]
    """[validation reviews, classes], after the temperature."""
    temperature: float
    """Already divided into the classifier; 1.0 without validation reviews."""
    divergence: float | None
    """Of what it says from what its teacher says (Kullback and Leibler), on pool reviews it did not learn from: nats
    a review, multi-label a review and label. None without a teacher."""
    seconds: float
    device: Device
    max_length: int
    train: int
    validation: int
    train_truncated: int
    validation_truncated: int
    versions: dict[str, str]

    @property
    def precision(self) -> str:
        return self.device.precision


class Stopped(Exception):
    """A training was asked to stop. Nothing is lost: `best` is the best model until then.

    Not an error: a person wanted it.
    """

    def __init__(self, step: int, best: FineTuned | None, resumable: bool = False) -> None:
        super().__init__(f"The training was stopped at step {step}.")
        self.step = step
        self.best = best
        """None when it came before the first evaluation."""
        self.resumable = resumable
        """Whether there is a checkpoint from which it can go on."""


def library_versions() -> dict[str, str]:
    """What computed this, by name."""
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
        "safetensors": safetensors.__version__,
        "numpy": np.__version__,
    }
