"""Which parts of an encoder learn, and how quickly each does."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from core.training.arguments import TrainingArguments
from core.training.device import Device

NARROW = 512
"""Numbers a token up to which an encoder counts as narrow."""

FEW_RATE, NARROW_RATE, WIDE_RATE = 2e-4, 1e-4, 5e-5
"""Automatic learning rates: of a narrow encoder with few labels, with many, of a wide one. MiniLM and 64 labels of
six kinds of questions gave 76.5 % with the first and 74.0 % with the second; beside a pool, at 256 labels, the second
gave more on three of four sets (airline_tweets 73.6 and 72.0, sst2 81.2 and 80.4, trec 90.8 and 89.8)."""


def freeze(model: nn.Module, arguments: TrainingArguments, device: Device, few: bool) -> None:
    """Leave out of training what the arguments say, and on a CPU by themselves the embeddings.

    These are half of MiniLM's parameters, and a quarter of its time on a CPU.
    """
    lowest = encoder_layers(model)[: frozen_layers(model, arguments, device, few)]
    for layer in lowest:
        layer.requires_grad_(False)
    embeddings = arguments.freeze_embeddings
    if embeddings or (embeddings is None and (device.kind == "cpu" or lowest)):
        embeddings_of(model).requires_grad_(False)


def frozen_layers(model: nn.Module, arguments: TrainingArguments, device: Device, few: bool) -> int:
    """How many of the lowest layers are frozen; never the highest.

    Lower layers change least in fine-tuning (Merchant et al. 2020, "What Happens To BERT Embeddings During
    Fine-tuning?"). With MiniLM and 64 labels of six kinds of questions all layers gave 72.2 %, the upper half 77.0;
    with 1,500 labels of sst2 all gave 84.9 % (two seeds), the upper five 84.8, four 84.0 and half 82.7 (one seed).
    """
    count = len(encoder_layers(model))
    wanted = arguments.freeze_layers
    if wanted is None:
        many = count // 3 if device.kind == "cpu" else 0
        wanted = 0 if arguments.freeze_embeddings is False else count // 2 if few else many
    return min(wanted, max(count - 1, 0))


def encoder_layers(model: nn.Module) -> list[nn.Module]:
    """The encoder's layers, lowest first; none where they are not kept as one list."""
    config: Any = model.config
    count = int(getattr(config, "num_hidden_layers", 0))
    for module in model.modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return list(module)
    return []


def embeddings_of(model: nn.Module) -> nn.Module:
    """What turns token ids into vectors."""
    encoder: Any = getattr(model, str(model.base_model_prefix), model)
    embeddings: nn.Module = getattr(encoder, "embeddings", None) or encoder.get_input_embeddings()
    return embeddings


def drop_no_attention(model: nn.Module) -> None:
    """Take the dropout out of the attention probabilities; that of the layers' outputs stays.

    On a CPU torch has no fused attention with dropout: without it a step over 16 reviews of 256 tokens takes half
    the time and no memory for the probabilities.
    """
    for module in model.modules():
        dropout = getattr(module, "dropout", None)
        if isinstance(dropout, nn.Dropout) and (hasattr(module, "query") or hasattr(module, "q_lin")):
            dropout.p = 0.0


def optimiser(model: nn.Module, arguments: TrainingArguments, few: bool = False) -> torch.optim.AdamW:
    """Fused AdamW over what is trained; each layer has its rate, biases and normalisation do not decay.

    Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization"; the rates of the layers as in Howard and
    Ruder 2018, "Universal Language Model Fine-tuning for Text Classification".
    """
    rates = learning_rates(model, arguments, few)
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((rates[name], parameter.ndim > 1), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": parameters, "lr": rate, "weight_decay": arguments.weight_decay if decays else 0.0}
            for (rate, decays), parameters in groups.items()
        ],
        fused=True,
    )


def learning_rates(model: nn.Module, arguments: TrainingArguments, few: bool = False) -> dict[str, float]:
    """The peak learning rate of every parameter, by its name.

    The classifier has the encoder's times `head_multiplier`. The highest layer, and what stands above it, has the
    encoder's own, each lower layer `layer_decay` times that of the one above, the embeddings that once more.
    """
    decay, peak = arguments.layer_decay, arguments.learning_rate
    if peak is None:
        config: Any = model.config
        narrow = int(getattr(config, "hidden_size", 0) or 768) <= NARROW
        peak = WIDE_RATE if not narrow else FEW_RATE if few else NARROW_RATE
    layers = encoder_layers(model)
    depth = {
        id(parameter): len(layers) - 1 - place
        for place, layer in enumerate(layers)
        for parameter in layer.parameters()
    }
    depth |= {id(parameter): len(layers) for parameter in embeddings_of(model).parameters()}
    encoder = f"{model.base_model_prefix}."
    return {
        name: peak * (decay ** depth.get(id(parameter), 0) if name.startswith(encoder) else arguments.head_multiplier)
        for name, parameter in model.named_parameters()
    }
