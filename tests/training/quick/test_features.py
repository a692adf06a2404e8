"""Features of texts: the means of their tokens in some layers, and the word list's opinion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from core.training.base_model import locate
from core.training.device import Device
from core.training.quick.features import FeatureExtractor
from core.training.quick.opinion_words import opinion
from core.training.tuned import Stopped

TEXTS = ["great phone", "it is not very good and it was broken today", "", "the case " * 60]


def test_they_are_the_means_of_the_tokens_and_an_opinion(tiny_bert: Path, cpu: Device) -> None:
    extractor = FeatureExtractor(locate(str(tiny_bert), has_gpu=False), cpu)
    found = extractor.extract(TEXTS)
    assert found.shape == (4, extractor.dimensions) == (4, 2 * 32 + 1)
    model, tokenizer = AutoModel.from_pretrained(tiny_bert).eval(), AutoTokenizer.from_pretrained(tiny_bert)
    for text, row in zip(TEXTS, found, strict=True):
        with torch.no_grad():
            inputs = tokenizer(text, truncation=True, max_length=64, return_tensors="pt")
            states = model(**inputs, output_hidden_states=True).hidden_states
        expected = torch.cat([states[layer][0].mean(dim=0) for layer in (1, 2)]).numpy()
        assert row[:-1] == pytest.approx(expected, abs=5e-3)
        assert row[-1] == pytest.approx(opinion(text), abs=1e-2)
    assert np.allclose(extractor.extract(TEXTS[:1]), found[:1], atol=5e-3), "whatever else is asked with it"
    assert extractor.extract([]).shape == (0, 65)


def test_asked_to_stop_it_stops(tiny_bert: Path, cpu: Device) -> None:
    with pytest.raises(Stopped):
        FeatureExtractor(locate(str(tiny_bert), has_gpu=False), cpu).extract(TEXTS, lambda: True)
