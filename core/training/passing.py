"""The forward pass of a training step: over token ids, or over what frozen layers have said about them already."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from core.training import inference
from core.training.device import Device
from core.training.encoding import pad, prediction_batches
from core.training.shortened import first_token_only, halves

Inputs = Sequence[list[int]] | Sequence[torch.Tensor]
"""A review each: token ids, or hidden states [tokens, width]."""

ROOM = 2 << 30
"""Bytes that hidden states may take, at most an eighth of the device's memory: 30,000 reviews of 40 tokens in MiniLM
take 0.9 GB."""


@dataclass(frozen=True)
class Computed:
    """What is computed at every step: a view of the model's upper part, and what it is given."""

    model: nn.Module
    train: Inputs

    @classmethod
    @torch.no_grad()
    def of(
        cls,
        model: nn.Module,
        ids: Sequence[list[int]],
        frozen_layers: int,
        pad_token: int,
        device: Device,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Computed:
        """Ask the frozen layers once, where there are any, they can be taken apart, and the answers fit.

        What lies below the layers has to be frozen too: embeddings that learn say something else at every step. When
        `should_stop` says so before all are asked, nothing is computed beforehand: a training that stops before its
        first step needs none of it.
        """
        parts = halves(model, frozen_layers)
        width = int(getattr(model.config, "hidden_size", 0))
        size = sum(len(one) for one in ids) * width * (2 if device.precision == "bf16" else 4)
        learns = parts is not None and any(one.requires_grad for one in parts[0].parameters())
        if parts is None or learns or size > min(ROOM, device.memory // 8 or ROOM):
            return cls(first_token_only(model), ids)
        lower, upper = parts
        lower.eval()
        hidden: list[torch.Tensor] = [torch.empty(0)] * len(ids)
        kind = torch.bfloat16 if device.precision == "bf16" else torch.float32
        for batch in prediction_batches([len(one) for one in ids], device.tokens_per_batch):
            if should_stop():
                return cls(first_token_only(model), ids)
            with device.autocast():
                said = lower(**pad([ids[place] for place in batch], pad_token, device.torch_device)).last_hidden_state
            for row, place in enumerate(batch):
                hidden[place] = said[row, : len(ids[place])].to(kind, copy=True)
        logging.info("The lowest %d layers were asked once: %.0f MB", frozen_layers, size / 1e6)
        return cls(upper, hidden)

    def part(self, places: Sequence[int]) -> Inputs:
        """The inputs of some reviews."""
        return [self.train[place] for place in places]  # type: ignore[return-value]  # of one kind, as they all are


def forward(model: nn.Module, inputs: Inputs, pad_token: int, device: Device) -> torch.Tensor:
    """Logits [reviews, classes] in fp32, computed in the device's precision."""
    hidden = [one for one in inputs if isinstance(one, torch.Tensor)]
    if not hidden:
        return inference.forward(model, inputs, pad_token, device)  # type: ignore[arg-type]  # token ids, then
    given = nn.utils.rnn.pad_sequence(hidden, batch_first=True).float()
    lengths = torch.tensor([len(one) for one in hidden], device=given.device)
    mask = (torch.arange(given.shape[1], device=given.device)[None] < lengths[:, None]).long()
    with device.autocast():
        logits: torch.Tensor = model(inputs_embeds=given, attention_mask=mask).logits
    return logits.float()
