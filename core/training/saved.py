"""A fine-tuned model as a folder that plain transformers loads, and back."""

from __future__ import annotations

import json
import shutil
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from core.errors import ModelError
from core.training.base_model import sha256
from core.training.card import ModelCard, render
from core.training.classifier import first_line
from core.training.device import Device
from core.training.disk import UNWRITTEN, reason
from core.training.predict import Predictor
from core.training.quiet import quiet_transformers
from core.training.tuned import FineTuned

WEIGHTS = "model.safetensors"
FACTS = "labelloop.json"
AGAIN = "Train the model again, or copy its folder again."


@dataclass(frozen=True)
class SavedFacts:
    """What labelloop.json holds: what transformers' own files have no place for."""

    sha256: str
    """Of model.safetensors."""
    max_length: int
    temperature: float
    """Already divided into the classifier."""
    precision: str
    """In which it was trained."""
    multi_label: bool
    base_model: str
    arguments: dict[str, Any]
    train: int
    validation: int
    best_step: int
    versions: dict[str, str]
    files: dict[str, str] = field(default_factory=dict)
    """SHA-256 by name of the configuration and the tokenizer, which decide labels and token ids."""


def save(folder: Path, tuned: FineTuned, card: ModelCard) -> str:
    """Write the model to `folder`, whole or not at all, replacing what is there; return the weights' SHA-256.

    All is written to a folder beside it first, then renamed. Raises `ModelError` when it cannot be written.
    """
    temporary = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        temporary.mkdir(parents=True)
        digest = _write(temporary, tuned, card)
        _replace(temporary, folder)
    except UNWRITTEN as error:
        raise ModelError(
            f"The model cannot be saved to {folder}: {reason(error)}.",
            "Make room, or choose a folder that can be written to.",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return digest


def _write(folder: Path, tuned: FineTuned, card: ModelCard) -> str:
    model: Any = tuned.model
    with quiet_transformers():
        model.save_pretrained(folder)
        tuned.tokenizer.save_pretrained(folder)
    # safetensors makes its file readable to its owner alone; the others follow the umask.
    (folder / WEIGHTS).chmod((folder / "config.json").stat().st_mode)
    digest = sha256(folder / WEIGHTS)
    facts = SavedFacts(
        sha256=digest,
        max_length=tuned.max_length,
        temperature=tuned.temperature,
        precision=tuned.precision,
        multi_label=tuned.multi_label,
        base_model=tuned.base_model,
        arguments=json.loads(tuned.arguments.to_json()),
        train=tuned.train,
        validation=tuned.validation,
        best_step=tuned.best_step,
        versions=tuned.versions,
        files={file.name: sha256(file) for file in sorted(folder.iterdir()) if file.name != WEIGHTS},
    )
    (folder / FACTS).write_text(json.dumps(asdict(facts), indent=2) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(render(card, tuned, digest), encoding="utf-8")
    return digest


def _replace(temporary: Path, folder: Path) -> None:
    """Put `temporary` in the place of `folder`, which steps aside: a filled folder cannot be renamed over."""
    old = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.old")
    if folder.exists():
        folder.rename(old)
    try:
        temporary.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def load(folder: Path, device: Device) -> Predictor:
    """A predictor from a folder that `save` wrote.

    Raises `ModelError` when the folder or one of its files is missing, unreadable, or not as it was saved.
    """
    facts = read_facts(folder)
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise ModelError(f"The model folder {folder} has no {WEIGHTS}.", AGAIN)
    if sha256(weights) != facts.sha256:
        raise ModelError(f"The weights in {folder} are not the ones that were saved (the SHA-256 differs).", AGAIN)
    for name, digest in facts.files.items():
        if not (folder / name).is_file() or sha256(folder / name) != digest:
            raise ModelError(f"The file {name} in {folder} is not as it was saved (the SHA-256 differs).", AGAIN)
    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            model: nn.Module = AutoModelForSequenceClassification.from_pretrained(
                folder,
                dtype=torch.float32,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
            )
    except Exception as error:  # transformers, safetensors and tokenizers raise whatever they like.
        raise ModelError(f"The model in {folder} cannot be loaded: {first_line(error)}.", AGAIN) from error
    config: Any = model.config
    names = [config.id2label[index] for index in range(config.num_labels)]
    return Predictor(
        model, tokenizer, names, multi_label=facts.multi_label, max_length=facts.max_length, device=device
    )


def _others(folder: Path) -> str:
    """Which models lie beside a folder that is not there."""
    try:
        names = sorted(file.parent.name for file in folder.parent.glob(f"*/{FACTS}"))
    except OSError:
        return ""
    return f"In {folder.parent} there is {', '.join(names)}." if names else ""


def read_facts(folder: Path) -> SavedFacts:
    """What labelloop.json in `folder` says; raises `ModelError` when it is missing or wrong."""
    if not folder.is_dir():
        raise ModelError(f"There is no model folder {folder}.", _others(folder) or AGAIN)
    file = folder / FACTS
    try:
        return SavedFacts(**json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ModelError(
            f"The folder {folder} has no {FACTS}, so it is no model that labelloop saved.",
            "Choose another folder.",
        ) from None
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{file} cannot be read: {error}.", AGAIN) from error
