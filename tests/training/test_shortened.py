"""Views of a model that compute less say what the whole model says."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    CamembertConfig,
    CamembertForSequenceClassification,
    ConvBertConfig,
    ConvBertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    PreTrainedModel,
    RobertaConfig,
    RobertaForSequenceClassification,
    RobertaPreLayerNormConfig,
    RobertaPreLayerNormForSequenceClassification,
    RoFormerConfig,
    RoFormerForSequenceClassification,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

from core.training.shortened import first_token_only, halves

SMALL: dict[str, Any] = {
    "vocab_size": 60,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 40,
    "num_labels": 3,
}
LENGTHS = (3, 9, 14, 6)

BERT_LIKE = {
    "bert": (BertForSequenceClassification, BertConfig, {}),
    "roberta": (RobertaForSequenceClassification, RobertaConfig, {"pad_token_id": 1}),
    "xlm-roberta": (XLMRobertaForSequenceClassification, XLMRobertaConfig, {"pad_token_id": 1}),
    "camembert": (CamembertForSequenceClassification, CamembertConfig, {"pad_token_id": 1}),
    "electra": (ElectraForSequenceClassification, ElectraConfig, {"embedding_size": 32}),
    "electra, narrow embeddings": (ElectraForSequenceClassification, ElectraConfig, {"embedding_size": 16}),
}
OTHERS = {
    "distilbert": (
        DistilBertForSequenceClassification,
        DistilBertConfig,
        {"dim": 32, "n_layers": 3, "n_heads": 2, "hidden_dim": 64},
    ),
    "roformer": (RoFormerForSequenceClassification, RoFormerConfig, {}),
    "convbert": (ConvBertForSequenceClassification, ConvBertConfig, {"embedding_size": 32}),
    "roberta-prelayernorm": (
        RobertaPreLayerNormForSequenceClassification,
        RobertaPreLayerNormConfig,
        {"pad_token_id": 1},
    ),
}


def made(kind: str) -> PreTrainedModel:
    model, config, more = (BERT_LIKE | OTHERS)[kind]
    given = {**SMALL, **more}
    if kind == "distilbert":
        given = {"vocab_size": 60, "max_position_embeddings": 40, "num_labels": 3, **more}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        whole = model(config(**given))
        for parameter in whole.parameters():  # as large as trained ones, so that a difference would be seen
            parameter.data += 0.2 * torch.randn(parameter.shape)
    return whole.eval()


@pytest.fixture
def batch() -> dict[str, torch.Tensor]:
    """Four texts of different lengths, padded."""
    ids = torch.randint(5, 60, (len(LENGTHS), max(LENGTHS)), generator=torch.Generator().manual_seed(0))
    mask = torch.zeros_like(ids)
    for row, length in enumerate(LENGTHS):
        mask[row, :length] = 1
        ids[row, length:] = 1
    return {"input_ids": ids, "attention_mask": mask}


def logits(model: nn.Module, **inputs: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model(**inputs).logits
    return found


@pytest.mark.parametrize("kind", BERT_LIKE)
def test_a_last_layer_for_the_first_token_alone_says_the_same(kind: str, batch: dict[str, torch.Tensor]) -> None:
    whole = made(kind)
    view = first_token_only(whole)
    assert view is not whole
    expected = logits(whole, **batch)
    assert expected.std() > 0.01
    assert torch.allclose(logits(view, **batch), expected, atol=1e-5)
    one = {"input_ids": batch["input_ids"][:1, :3], "attention_mask": torch.ones(1, 3, dtype=torch.long)}
    assert torch.allclose(logits(view, **one), expected[:1], atol=1e-5), "the padding said nothing"


@pytest.mark.parametrize("kind", BERT_LIKE)
@pytest.mark.parametrize("depth", [1, 2])
def test_two_halves_say_what_the_whole_model_says(kind: str, depth: int, batch: dict[str, torch.Tensor]) -> None:
    whole = made(kind)
    parts = halves(whole, depth)
    assert parts is not None
    lower, upper = parts
    with torch.no_grad():
        hidden = lower(**batch).last_hidden_state
    assert hidden.shape == (len(LENGTHS), max(LENGTHS), 32)
    hidden[batch["attention_mask"] == 0] = 9.0  # whatever stands in the place of padding
    found = logits(upper, inputs_embeds=hidden, attention_mask=batch["attention_mask"])
    assert torch.allclose(found, logits(whole, **batch), atol=1e-5)


@pytest.mark.parametrize("kind", OTHERS)
def test_a_model_that_is_built_otherwise_is_left_as_it_is(kind: str, batch: dict[str, torch.Tensor]) -> None:
    whole = made(kind)
    expected = logits(whole, **batch)
    assert torch.allclose(logits(first_token_only(whole), **batch), expected, atol=1e-5)
    assert halves(whole, 1) is None


def test_there_are_no_halves_without_layers_on_both_sides() -> None:
    whole = made("bert")
    assert halves(whole, 0) is None
    assert halves(whole, 3) is None


def test_a_view_learns_into_the_model_it_is_of(batch: dict[str, torch.Tensor]) -> None:
    whole = made("bert")
    view = first_token_only(whole)
    view(**batch, labels=torch.tensor([0, 1, 2, 0])).loss.backward()
    gradients = {name: one.grad.clone() for name, one in whole.named_parameters() if one.grad is not None}
    whole.zero_grad()
    whole(**batch, labels=torch.tensor([0, 1, 2, 0])).loss.backward()
    expected = {name: one.grad for name, one in whole.named_parameters() if one.grad is not None}
    assert gradients.keys() == expected.keys() >= {"classifier.weight", "bert.encoder.layer.2.output.dense.weight"}
    for name, gradient in gradients.items():
        assert torch.allclose(gradient, expected[name], atol=1e-5), name
    assert len(list(whole.named_parameters())) == len({id(one) for one in view.parameters()})
    with torch.no_grad():
        whole.classifier.bias += 5
    assert torch.allclose(logits(view, **batch), logits(whole, **batch), atol=1e-5)


def test_a_view_drops_out_only_while_it_trains(batch: dict[str, torch.Tensor]) -> None:
    whole = made("bert")
    view = first_token_only(whole)
    view.train()
    torch.manual_seed(0)
    assert not torch.equal(logits(view, **batch), logits(view, **batch))
    whole.eval()
    view.eval()
    assert torch.equal(logits(view, **batch), logits(view, **batch))
