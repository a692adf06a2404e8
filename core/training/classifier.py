"""The model that is trained: an encoder with a new classifier, as transformers knows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from core.errors import ModelError
from core.training.arguments import TrainingArguments
from core.training.base_model import LocatedModel
from core.training.quiet import quiet_transformers


def load_base(located: LocatedModel, label_names: Sequence[str], multi_label: bool) -> tuple[nn.Module, Any]:
    """The encoder with a freshly drawn classifier (from torch's generator), in fp32, and its fast tokenizer.

    Raises `ModelError` for a folder that transformers cannot load, or a model that is no text encoder.
    """
    kind = "multi_label_classification" if multi_label else "single_label_classification"
    names = list(label_names)
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
        raise ModelError(
            f"The base model in {located.folder} cannot be loaded: {first_line(error)}.",
            "Choose another base model, or download this one again.",
        ) from error
    if not getattr(tokenizer, "is_fast", False) or tokenizer.pad_token_id is None:
        raise ModelError(
            f"The base model {located.name} has no fast tokenizer with a padding token.",
            "Choose a BERT-like encoder.",
        )
    last_linear(model)
    return model, tokenizer


def first_line(error: Exception) -> str:
    """What a library's error says, in one line; its type when it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".:") if lines else type(error).__name__


def positions(model: nn.Module, tokenizer: Any) -> int:
    """Most tokens the model takes; RoBERTa-like models keep two of their positions for themselves."""
    config: Any = model.config
    most = int(getattr(config, "max_position_embeddings", 0) or 512)
    return max(min(most, int(min(tokenizer.model_max_length, most))), 8)


def freeze_embeddings(model: nn.Module) -> None:
    """Leave the embedding matrices out of training: half of MiniLM's parameters, a quarter of its time."""
    encoder: Any = getattr(model, str(model.base_model_prefix), model)
    embeddings = getattr(encoder, "embeddings", None) or encoder.get_input_embeddings()
    embeddings.requires_grad_(False)


def optimiser(model: nn.Module, arguments: TrainingArguments) -> torch.optim.AdamW:
    """Fused AdamW; the classifier has a rate of its own, biases and normalisation do not decay.

    Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization".
    """
    encoder = f"{model.base_model_prefix}."
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((name.startswith(encoder), parameter.ndim > 1), []).append(parameter)
    rate = arguments.learning_rate
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "lr": rate if in_encoder else rate * arguments.head_multiplier,
                "weight_decay": arguments.weight_decay if decays else 0.0,
            }
            for (in_encoder, decays), parameters in groups.items()
        ],
        fused=True,
    )


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
