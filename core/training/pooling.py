"""A last layer that averages the tokens, inside an ordinary BERT.

BERT's classifier reads the first token, which pre-training of sentence encoders has never looked at: fine-tuned on 64
labels it stays at the majority class, where a classifier on the mean of the tokens reaches 76 % on six classes of
questions. A BERT layer can say that mean: with no query and no key attention is uniform over the tokens that are
there, values and output hand them on as they are, and the feed-forward part adds nothing. It takes the place of the
base model's own last layer, so that the model is as large and as quick as before, is saved and loaded as any
`BertForSequenceClassification`, and learns from there.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from core.errors import ModelError
from core.training.arguments import Pooling
from core.training.base_model import LocatedModel
from core.training.layers import encoder_layers

MEAN_WEIGHT = 4.0
"""The mean against the first token's own state, which the layer's residual connection adds to it."""

POOLED_SCALE = 0.3
"""Of the pooler's identity: tanh is nearly straight there, normalised states being mostly within ±1."""


def reads_mean(model: nn.Module, located: LocatedModel, pooling: Pooling, few: bool) -> bool:
    """Whether the classifier shall read the mean. Raises `ModelError` when that is asked of a model that cannot."""
    possible = can_average(model)
    if pooling == "mean" and not possible:
        raise ModelError(
            f"The base model {located.name} cannot be made to average its tokens: it is no BERT with a pooler.",
            "Set pooling to first, or to auto.",
        )
    made_for_it = located.name.startswith("sentence-transformers/") or any(
        (located.folder / name).exists() for name in ("modules.json", "sentence_bert_config.json")
    )
    return possible and (pooling == "mean" or (pooling == "auto" and made_for_it and few))


def can_average(model: nn.Module) -> bool:
    """Whether the model is built so that its last layer can be made to average: a BERT with its pooler."""
    base: Any = getattr(model, str(model.base_model_prefix), None)
    layers = encoder_layers(model)
    if base is None or len(layers) < 3 or getattr(base, "pooler", None) is None:
        return False
    last: Any = layers[-1]
    return (
        type(model).__name__ == "BertForSequenceClassification"
        and last.attention.self.query.in_features == last.attention.self.value.out_features
    )


def average_tokens(model: nn.Module) -> None:
    """Turn the last layer and the pooler into the mean of the layer below, as described above. In place."""
    last: Any = encoder_layers(model)[-1]
    base: Any = getattr(model, str(model.base_model_prefix))
    attention, output = last.attention.self, last.attention.output
    with torch.no_grad():
        # The keys stay: with queries and keys both zero, neither would ever have a gradient.
        attention.query.weight.zero_()
        attention.query.bias.zero_()
        for linear, scale in ((attention.value, 1.0), (output.dense, MEAN_WEIGHT), (base.pooler.dense, POOLED_SCALE)):
            linear.weight.copy_(torch.eye(len(linear.weight)) * scale)
            linear.bias.zero_()
        # The first half of the feed-forward part keeps the base model's weights: with both halves zero none learns.
        last.output.dense.weight.zero_()
        last.output.dense.bias.zero_()
        for norm in (output.LayerNorm, last.output.LayerNorm):
            norm.weight.fill_(1.0)
            norm.bias.zero_()
