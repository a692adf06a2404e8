"""Logits for many texts, in batches of similar length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.errors import OutOfMemory
from core.training.device import Device
from core.training.encoding import pad, prediction_batches
from core.training.memory import ran_out


def forward(model: nn.Module, ids: Sequence[list[int]], pad_token: int, device: Device) -> torch.Tensor:
    """Logits [texts, classes] in fp32, computed in the device's precision."""
    inputs = pad(ids, pad_token, device.torch_device)
    with device.autocast():
        logits: torch.Tensor = model(**inputs).logits
    return logits.float()


def batched_logits(
    model: nn.Module, ids: Sequence[list[int]], pad_token: int, device: Device
) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
    """A batch's places in `ids`, and their logits [batch, classes]; the longest texts come first.

    Leaves the model in evaluation mode. Raises `OutOfMemory` when not even one text fits.
    """
    model.eval()
    for batch in prediction_batches([len(one) for one in ids], device.tokens_per_batch):
        yield batch, _logits(model, [ids[index] for index in batch], pad_token, device)


@torch.inference_mode()
def _logits(model: nn.Module, ids: Sequence[list[int]], pad_token: int, device: Device) -> NDArray[np.float32]:
    """Logits [texts, classes]; a batch that does not fit into memory is computed in halves."""
    try:
        logits: NDArray[np.float32] = forward(model, ids, pad_token, device).cpu().numpy()
        return logits
    except (RuntimeError, MemoryError) as error:
        if not ran_out(error):
            raise
        if len(ids) == 1:
            raise OutOfMemory(
                f"{device.name} has no memory for even one text of {len(ids[0])} tokens.",
                "Choose a smaller model, or close what else uses the device.",
            ) from error
    middle = len(ids) // 2
    halves = [_logits(model, half, pad_token, device) for half in (ids[:middle], ids[middle:])]
    return np.concatenate(halves)
