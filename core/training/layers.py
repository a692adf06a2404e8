"""Which parts of an encoder learn, and how quickly each does."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from core.training.arguments import TrainingArguments
from core.training.device import Device


def freeze(model: nn.Module, arguments: TrainingArguments, device: Device) -> None:
    """Leave out of training what the arguments say, and on a CPU by themselves the embeddings.

    These are half of MiniLM's parameters, and a quarter of its time on a CPU.
    """
    layers = encoder_layers(model)
    lowest = layers[: min(arguments.freeze_layers, len(layers) - 1)] if layers else []
    for layer in lowest:
        layer.requires_grad_(False)
    embeddings = arguments.freeze_embeddings
    if embeddings or (embeddings is None and (device.kind == "cpu" or lowest)):
        embeddings_of(model).requires_grad_(False)


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


def optimiser(model: nn.Module, arguments: TrainingArguments) -> torch.optim.AdamW:
    """Fused AdamW over what is trained; each layer has its rate, biases and normalisation do not decay.

    Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization"; the rates of the layers as in Howard and
    Ruder 2018, "Universal Language Model Fine-tuning for Text Classification".
    """
    rates = learning_rates(model, arguments)
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


def learning_rates(model: nn.Module, arguments: TrainingArguments) -> dict[str, float]:
    """The peak learning rate of every parameter, by its name.

    The classifier has the encoder's times `head_multiplier`. The highest layer, and what stands above it, has the
    encoder's own, each lower layer `layer_decay` times that of the one above, the embeddings that once more.
    """
    decay = arguments.layer_decay
    layers = encoder_layers(model)
    depth = {
        id(parameter): len(layers) - 1 - place
        for place, layer in enumerate(layers)
        for parameter in layer.parameters()
    }
    depth |= {id(parameter): len(layers) for parameter in embeddings_of(model).parameters()}
    encoder = f"{model.base_model_prefix}."
    return {
        name: arguments.learning_rate
        * (decay ** depth.get(id(parameter), 0) if name.startswith(encoder) else arguments.head_multiplier)
        for name, parameter in model.named_parameters()
    }
