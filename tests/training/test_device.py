"""The device is chosen by what is there, and says so."""

from __future__ import annotations

import os

import pytest
import torch

from core.errors import TrainingError
from core.training.device import choose_device, describe


def test_the_cpu_leaves_a_core_to_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, threads in ((1, 1), (2, 2), (3, 2), (16, 15)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, n=cores: set(range(n)), raising=False)
        device = choose_device("cpu")
        assert device.threads == threads
        assert device.name == f"CPU, {threads} thread{'s' if threads > 1 else ''}"


def test_bf16_only_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for question in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, question, lambda: False)
    assert choose_device("cpu").precision == "fp32"
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    assert choose_device("cpu").precision == "bf16"
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported")
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported")
    assert choose_device("cpu").precision == "fp32"
    assert choose_device("cpu").with_precision("bf16").precision == "bf16"
    assert choose_device("cpu").with_precision("auto").precision == "fp32"


def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TrainingError, match=r"'cuda' is not available\. Choose one of: .*cpu"):
        choose_device("cuda")
    with pytest.raises(TrainingError, match="'tpu' is not available"):
        choose_device("tpu")


def test_doctor_gets_pairs_of_words() -> None:
    facts = dict(describe())
    assert set(facts) >= {"device", "precision", "memory", "torch"}
    assert all(facts.values())
