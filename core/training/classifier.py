"""The model that is trained: an encoder with a new classifier, as transformers knows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
)

from core.errors import ModelError
from core.training.base_model import LocatedModel
from core.training.memory import ran_out
from core.training.quiet import quiet_transformers


def load_base(located: LocatedModel, label_names: Sequence[str], multi_label: bool) -> tuple[nn.Module, Any]:
    """The encoder with a freshly drawn classifier (from torch's generator), in fp32, and its fast tokenizer.

    Raises `ModelError` for a folder that transformers cannot load, or a model that is no text encoder.
    """
    kind = "multi_label_classification" if multi_label else "single_label_classification"
    names = list(label_names)
    _refuse_other_than_encoder(located)
    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(located.folder, local_files_only=True, trust_remote_code=False)
            model: nn.Module = AutoModelForSequenceClassification.from_pretrained(
                located.folder,
                num_labels=len(names),
                id2label=dict(enumerate(names)),
                label2id={name: index for index, name in enumerate(names)},
                problem_type=kind,
                ignore_mismatched_sizes=True,
                dtype=torch.float32,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
            )
    except Exception as error:  # transformers, safetensors and tokenizers raise whatever they like.
        if ran_out(error):
            raise
        raise _unloadable(located, error) from error
    if not getattr(tokenizer, "is_fast", False) or tokenizer.pad_token_id is None:
        raise ModelError(
            f"The base model {located.name} has no fast tokenizer with a padding token.",
            "Choose a BERT-like encoder.",
        )
    last_linear(model)
    return model, tokenizer


def _unloadable(located: LocatedModel, error: Exception) -> ModelError:
    return ModelError(
        f"The base model in {located.folder} cannot be loaded: {first_line(error)}.",
        "Choose another base model, or download this one again.",
    )


def _refuse_other_than_encoder(located: LocatedModel) -> None:
    """Raise `ModelError` for a model that writes text: it loads as a classifier, and learns poorly as one."""
    try:
        with quiet_transformers():
            config: Any = AutoConfig.from_pretrained(located.folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # transformers raises whatever it likes.
        raise _unloadable(located, error) from error
    kind = str(config.model_type)
    writes = kind in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and kind not in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    if writes or getattr(config, "is_encoder_decoder", False) or getattr(config, "is_decoder", False):
        raise ModelError(
            f"The base model {located.name} ({kind}) is no encoder: it is made to write text, not to read it.",
            "Choose a BERT-like encoder, or auto.",
        )


def first_line(error: Exception) -> str:
    """What a library's error says, in one line; its type when it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".:") if lines else type(error).__name__


def positions(model: nn.Module, tokenizer: Any) -> int:
    """Most tokens the model takes; RoBERTa-like models keep the first of their positions for padding."""
    config: Any = model.config
    most = int(getattr(config, "max_position_embeddings", 0) or 512)
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            reserved = 0 if module.padding_idx is None else module.padding_idx + 1
            most = min(most, module.num_embeddings - reserved)
    return max(min(most, int(min(tokenizer.model_max_length, most))), 8)


def fold_temperature(model: nn.Module, temperature: float) -> None:
    """Divide the last linear layer by the temperature, so that plain softmax or sigmoid is calibrated.

    Raises `ModelError` when the model does not end in a linear layer with one output a label.
    """
    last = last_linear(model)
    with torch.no_grad():
        last.weight.div_(temperature)
        if last.bias is not None:
            last.bias.div_(temperature)


def last_linear(model: nn.Module) -> nn.Linear:
    """The layer that makes the logits."""
    config: Any = model.config
    layers = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not layers or layers[-1].out_features != config.num_labels:
        raise ModelError("The model does not end in a linear classifier.", "Choose a BERT-like encoder.")
    return layers[-1]
