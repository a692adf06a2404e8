"""The parts of an encoder that have to be computed, and no more, with the same answers.

Two things are left out. The classifier reads the first token of the last layer alone, so that layer is computed for
that token alone: a seventh of MiniLM's arithmetic. And what is frozen says the same about a review at every step, so
it is asked once.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from core.training.layers import embeddings_of, encoder_layers

KNOWN = frozenset(
    f"{kind}Layer" for kind in ("Bert", "Camembert", "Data2VecText", "Electra", "Ernie", "Roberta", "XLMRoberta")
)
"""Layers computed as BERT's are, below classifiers that read the first token. Others have parts of the same names and
use them differently: RoFormer turns queries by their place, ConvBERT adds convolutions, RoBERTa-PreLayerNorm
normalises first."""


class FirstTokenLayer(nn.Module):
    """A BERT layer computed for the first token only: hidden states [n, tokens, width] to [n, 1, width]."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(
        self, hidden_states: torch.Tensor, attention_mask: torch.Tensor | None = None, *_: Any, **__: Any
    ) -> torch.Tensor:
        layer: Any = self.layer
        attention = layer.attention.self
        first = hidden_states[:, :1]
        query, key, value = (
            projected.view(*projected.shape[:2], -1, attention.attention_head_size).transpose(1, 2)
            for projected in (attention.query(first), attention.key(hidden_states), attention.value(hidden_states))
        )
        said = nn.functional.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=None if attention_mask is None else attention_mask[:, :, :1],
            dropout_p=attention.dropout.p if self.training else 0.0,
        )
        attended = layer.attention.output(said.transpose(1, 2).reshape(*first.shape), first)
        computed: torch.Tensor = layer.feed_forward_chunk(attended)
        return computed


class Given(nn.Module):
    """Stands in for the embeddings where hidden states are given."""

    def forward(self, *_: Any, inputs_embeds: torch.Tensor, **__: Any) -> torch.Tensor:
        return inputs_embeds


def first_token_only(model: nn.Module) -> nn.Module:
    """A view of `model`, of the same weights, whose last layer is computed for the first token only.

    The model itself where its last layer is none of those in `KNOWN`.
    """
    layers = encoder_layers(model)
    return _with_layers(model, [*layers[:-1], _last(layers[-1])]) if layers and _is_bert_like(layers[-1]) else model


def halves(model: nn.Module, depth: int) -> tuple[nn.Module, nn.Module] | None:
    """Views of the encoder up to layer `depth`, and of the classifier above it; None where that cannot be.

    The layers have to be of those in `KNOWN`. The lower view takes token ids and says hidden states
    (`last_hidden_state`), the upper one takes these as `inputs_embeds` and says logits.
    """
    layers = encoder_layers(model)
    if not 0 < depth < len(layers) or not _is_bert_like(layers[-1]):
        return None
    lower = getattr(_with_layers(model, layers[:depth]), str(model.base_model_prefix))
    lower._modules["pooler"] = None
    upper = _with_layers(model, [*layers[depth:-1], _last(layers[-1])])
    encoder = getattr(upper, str(model.base_model_prefix))
    name = next(name for name, one in encoder.named_children() if one is embeddings_of(model))
    encoder._modules[name] = Given()
    if "embeddings_project" in encoder._modules:  # ELECTRA's, from narrow embeddings to the layers' width
        encoder._modules["embeddings_project"] = nn.Identity()
    return lower, upper


def _last(layer: nn.Module) -> FirstTokenLayer:
    return FirstTokenLayer(layer).train(layer.training)


def _is_bert_like(layer: nn.Module) -> bool:
    inner: Any = getattr(getattr(layer, "attention", None), "self", None)
    # Relative positions are an option of older versions of transformers.
    return type(layer).__name__ in KNOWN and getattr(inner, "position_embedding_type", "absolute") == "absolute"


def _with_layers(model: nn.Module, layers: list[nn.Module]) -> nn.Module:
    """A shallow copy of `model` down to its list of layers, with other layers in it."""
    old = encoder_layers(model)
    path = next(
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList) and len(module) == len(old) and list(module) == old
    ).split(".")
    view = place = _shallow(model)
    for name in path[:-1]:
        below = _shallow(place._modules[name])
        place._modules[name] = below
        place = below
    place._modules[path[-1]] = nn.ModuleList(layers)
    return view


def _shallow(module: nn.Module | None) -> nn.Module:
    assert module is not None
    copied = copy.copy(module)
    copied._modules = dict(module._modules)
    return copied
