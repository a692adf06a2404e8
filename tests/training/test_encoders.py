"""Base models of other kinds: those that write text are refused, longer texts are cut to the positions there are."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    ElectraConfig,
    ElectraModel,
    GPT2Config,
    GPT2Model,
    PreTrainedModel,
    RobertaConfig,
    RobertaModel,
    T5Config,
    T5Model,
    ViTConfig,
    ViTModel,
)

from core.errors import ModelError
from core.training.arguments import TrainingArguments
from core.training.device import Device
from core.training.loop import fine_tune

from .reviews import separable
from .test_loop import ignore, never

GPT2 = GPT2Config(vocab_size=120, n_embd=32, n_layer=1, n_head=2, n_positions=64)
T5 = T5Config(vocab_size=120, d_model=32, d_kv=16, d_ff=64, num_layers=1, num_heads=2)
SMALL = {"vocab_size": 120, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
         "intermediate_size": 64}  # fmt: skip


def folder_of(model: PreTrainedModel, tiny_bert: Path, folder: Path) -> str:
    """A base model's folder with the tiny BERT's tokenizer, which says nothing of a longest text."""
    model.save_pretrained(folder)
    shutil.copy(tiny_bert / "tokenizer.json", folder)
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]", "sep_token": "[SEP]"}'
    )
    return str(folder)


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        (GPT2Model(GPT2), "gpt2"),
        (T5Model(T5), "t5"),
        (BertModel(BertConfig(**SMALL, is_decoder=True)), "bert"),
    ],
    ids=["gpt2", "t5", "bert"],
)
def test_a_model_that_writes_text_is_refused(
    quick: TrainingArguments, cpu: Device, tiny_bert: Path, tmp_path: Path, model: PreTrainedModel, kind: str
) -> None:
    arguments = replace(quick, base_model=folder_of(model, tiny_bert, tmp_path / "base"))
    with pytest.raises(ModelError, match=rf"\({kind}\) is no encoder: it is made to write text.*BERT-like"):
        fine_tune(separable(), arguments, ignore, never, cpu)


def test_a_model_of_pictures_is_refused(
    quick: TrainingArguments, cpu: Device, tiny_bert: Path, tmp_path: Path
) -> None:
    vision = ViTModel(
        ViTConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, image_size=32)
    )
    arguments = replace(quick, base_model=folder_of(vision, tiny_bert, tmp_path / "base"))
    with pytest.raises(ModelError, match="cannot be loaded"):
        fine_tune(separable(), arguments, ignore, never, cpu)


@pytest.mark.parametrize(
    ("model", "positions"),
    [
        (RobertaModel(RobertaConfig(**SMALL, max_position_embeddings=42, pad_token_id=1)), 40),
        (DistilBertModel(DistilBertConfig(vocab_size=120, dim=32, n_layers=2, n_heads=2, hidden_dim=64,
                                          max_position_embeddings=40)), 40),
        (ElectraModel(ElectraConfig(**SMALL, embedding_size=16, max_position_embeddings=40)), 40),
    ],
    ids=["roberta", "distilbert", "electra"],
)  # fmt: skip
def test_other_encoders_take_texts_up_to_their_positions(
    quick: TrainingArguments, cpu: Device, tiny_bert: Path, tmp_path: Path, model: PreTrainedModel, positions: int
) -> None:
    base = separable()
    examples = replace(base, train_texts=["phone " * 300, *base.train_texts[1:]])
    arguments = replace(
        quick, base_model=folder_of(model, tiny_bert, tmp_path / "base"), max_length=512, epochs=None, steps=3,
        freeze_layers=1, layer_decay=0.9,
    )  # fmt: skip
    tuned = fine_tune(examples, arguments, ignore, never, cpu)
    assert tuned.max_length == positions
    assert tuned.train_truncated == 1
    assert all(torch.isfinite(one).all() for one in tuned.model.parameters())
