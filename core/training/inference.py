"""Logits for many texts, in batches of similar length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.errors import OutOfMemory
from core.training.device import Device
from core.training.encoding import packed_batches, pad, prediction_batches
from core.training.memory import ran_out
from core.training.packed import PackedBert, fits

PACKED_TOKENS = 4_096
"""Tokens a packed batch: one is as quick from 2,048 to 8,192."""

Batches = Iterator[tuple[list[int], NDArray[np.float32]]]
"""A batch's places among the texts, and its logits [batch, classes]."""

Logits = Callable[[Sequence[list[int]]], NDArray[np.float32]]
"""Of token ids, texts of one length being neighbours: [texts, classes]."""


def forward(model: nn.Module, ids: Sequence[list[int]], pad_token: int, device: Device) -> torch.Tensor:
    """Logits [texts, classes] in fp32, computed in the device's precision."""
    inputs = pad(ids, pad_token, device.torch_device)
    with device.autocast():
        logits: torch.Tensor = model(**inputs).logits
    return logits.float()


def batched_logits(model: nn.Module, ids: Sequence[list[int]], pad_token: int, device: Device) -> Batches:
    """A batch's places in `ids`, and their logits [batch, classes]; the longest texts come first.

    Leaves the model in evaluation mode. Raises `OutOfMemory` when not even one text fits.
    """
    model.eval()
    for batch in prediction_batches([len(one) for one in ids], device.tokens_per_batch):
        yield batch, _logits(model, [ids[index] for index in batch], pad_token, device)


def answerer(model: nn.Module, pad_token: int, device: Device) -> Callable[[Sequence[list[int]]], Batches]:
    """What answers for many texts with a model that no longer changes, by the quickest way there is.

    On the CPU a plain BERT is packed, which copies its weights; any other model or device is padded.
    """
    if device.kind != "cpu" or not fits(model):
        return lambda ids: batched_logits(model, ids, pad_token, device)
    packed = PackedBert(model, torch.bfloat16 if device.precision == "bf16" else torch.float32)

    def answer(ids: Sequence[list[int]]) -> Batches:
        for batch in packed_batches([len(one) for one in ids], PACKED_TOKENS):
            yield batch, halving(packed.logits, [ids[index] for index in batch], device)

    return answer


def _logits(model: nn.Module, ids: Sequence[list[int]], pad_token: int, device: Device) -> NDArray[np.float32]:
    @torch.inference_mode()
    def padded(some: Sequence[list[int]]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = forward(model, some, pad_token, device).cpu().numpy()
        return found

    return halving(padded, ids, device)


def halving(logits: Logits, ids: Sequence[list[int]], device: Device) -> NDArray[np.float32]:
    """Logits [texts, classes]; a batch that does not fit into memory is computed in halves."""
    try:
        return logits(ids)
    except (RuntimeError, MemoryError) as error:
        if not ran_out(error):
            raise
        if len(ids) == 1:
            raise OutOfMemory(
                f"{device.name} has no memory for even one text of {len(ids[0])} tokens.",
                "Choose a smaller model, or close what else uses the device.",
            ) from error
    middle = len(ids) // 2
    return np.concatenate([halving(logits, half, device) for half in (ids[:middle], ids[middle:])])
