"""The gradient of one batch, in as many parts as the device's memory asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from core.errors import OutOfMemory
from core.training.device import Device
from core.training.memory import ran_out
from core.training.passing import Inputs, forward


@dataclass
class BatchGradient:
    """Fills `model`'s gradients with those of a batch's mean loss, whatever the number of parts."""

    model: nn.Module
    pad_token: int
    device: Device
    multi_label: bool
    label_smoothing: float
    at_once: int
    """Reviews computed at a time; halved, for good, whenever the device runs out of memory."""
    halved: Callable[[int], None]
    """Told the new `at_once`."""
    class_weights: torch.Tensor | None = None
    """[classes]: a review's weight by its class, or for multi-label that of a label that holds; None weighs all 1."""

    def compute(self, inputs: Inputs, targets: torch.Tensor) -> float:
        """The mean loss of the batch, whose gradient is left in the parameters.

        `targets` is [reviews] class indices, or [reviews, classes] probabilities or zeros and ones. Raises
        `OutOfMemory` when not even one review fits.
        """
        while True:
            self.model.zero_grad(set_to_none=True)
            try:
                return self._accumulate(inputs, targets)
            except (RuntimeError, MemoryError) as error:
                if not ran_out(error):
                    raise
                if self.at_once == 1:
                    raise OutOfMemory(
                        f"{self.device.name} has no memory for even one review of {len(inputs[0])} tokens.",
                        "Choose a smaller base model or max_length, or close what else uses the device.",
                    ) from error
            # Outside the handler: inside, the error still holds the failed pass's tensors.
            self.at_once = max(min(self.at_once, len(inputs)) // 2, 1)
            if self.device.kind == "cuda":
                torch.cuda.empty_cache()
            self.halved(self.at_once)

    def fit(self, inputs: Inputs, targets: torch.Tensor) -> int:
        """Bring `at_once` down to what the memory has room for, by a trial with the longest reviews; return it.

        Changes neither weights nor torch's random state. Raises as `compute`.
        """
        told, self.halved = self.halved, lambda _: None
        with torch.random.fork_rng(devices=[0] if self.device.kind == "cuda" else []):
            self.model.train()
            self.compute(inputs, targets)
        self.model.zero_grad(set_to_none=True)
        self.halved = told
        return self.at_once

    def _accumulate(self, inputs: Inputs, targets: torch.Tensor) -> float:
        total = torch.zeros((), device=self.device.torch_device)
        for start in range(0, len(inputs), self.at_once):
            part = inputs[start : start + self.at_once]
            logits = forward(self.model, part, self.pad_token, self.device)
            share = len(part) / len(inputs)
            loss = self._loss(logits, targets[start : start + self.at_once].to(logits.device)) * share
            torch.autograd.backward(loss)
            total += loss.detach()
        return total.item()

    def _loss(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        smoothing = self.label_smoothing
        if self.multi_label:
            smooth = targets * (1 - smoothing) + smoothing / 2
            weights = None if self.class_weights is None else self.class_weights.to(logits.device)
            return nn.functional.binary_cross_entropy_with_logits(logits, smooth, pos_weight=weights)
        if self.class_weights is None:
            # Class indices, or probabilities of the classes.
            return nn.functional.cross_entropy(logits, targets, label_smoothing=smoothing)
        # Not cross_entropy's own weights: it divides by those of the part, which the other parts do not have.
        each = nn.functional.cross_entropy(logits, targets, label_smoothing=smoothing, reduction="none")
        weights = self.class_weights.to(logits.device)
        return (each * (weights[targets] if targets.ndim == 1 else targets @ weights)).mean()
