"""The gradient of one batch, in as many parts as the device's memory asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from core.errors import OutOfMemory
from core.training.device import Device
from core.training.inference import forward


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

    def compute(self, ids: Sequence[list[int]], targets: torch.Tensor) -> float:
        """The mean loss of the batch, whose gradient is left in the parameters.

        `targets` is [reviews] class indices or [reviews, classes] zeros and ones. Raises `OutOfMemory` when
        not even one review fits.
        """
        while True:
            self.model.zero_grad(set_to_none=True)
            try:
                return self._accumulate(ids, targets)
            except torch.OutOfMemoryError as error:
                if self.at_once == 1:
                    raise OutOfMemory(
                        f"{self.device.name} has no memory for even one review of {len(ids[0])} tokens.",
                        "Choose a smaller base model or max_length, or close what else uses the device.",
                    ) from error
            # Outside the handler: inside, the error still holds the failed pass's tensors.
            self.at_once = max(min(self.at_once, len(ids)) // 2, 1)
            if self.device.kind == "cuda":
                torch.cuda.empty_cache()
            self.halved(self.at_once)

    def _accumulate(self, ids: Sequence[list[int]], targets: torch.Tensor) -> float:
        total = 0.0
        for start in range(0, len(ids), self.at_once):
            part = ids[start : start + self.at_once]
            logits = forward(self.model, part, self.pad_token, self.device)
            share = len(part) / len(ids)
            loss = self._loss(logits, targets[start : start + self.at_once].to(logits.device)) * share
            torch.autograd.backward(loss)
            total += loss.item()
        return total

    def _loss(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        smoothing = self.label_smoothing
        if self.multi_label:
            smooth = targets * (1 - smoothing) + smoothing / 2
            return nn.functional.binary_cross_entropy_with_logits(logits, smooth)
        return nn.functional.cross_entropy(logits, targets, label_smoothing=smoothing)
