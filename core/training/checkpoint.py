"""Checkpoints of a training: written now and then, and taken up again only by the training they are of."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from core.errors import CheckpointError, TrainingError
from core.training import checkpoint_folder
from core.training.arguments import TrainingArguments
from core.training.base_model import sha256
from core.training.checkpoint_folder import ANEW, TENSORS
from core.training.disk import UNWRITTEN, reason
from core.training.preparation import Prepared
from core.training.progress import CheckpointFailed, CheckpointWritten
from core.training.state import TrainingState

FORMAT = 1
SHARE = 0.05
"""Most of a training's time that goes into checkpoints: with a model that takes seconds to write they come later."""


class Checkpoints:
    """The checkpoints of one training in one folder."""

    def __init__(
        self,
        folder: Path,
        prepared: Prepared,
        every_seconds: float,
        report: Callable[[CheckpointWritten | CheckpointFailed], None],
    ) -> None:
        self.there = False
        """Whether the folder holds a checkpoint of this training."""
        self._folder = folder
        self._identity = identity(prepared)
        self._every = every_seconds
        self._report = report
        self._last = time.monotonic()
        self._took = 0.0
        self._failing = False

    def resume(self, state: TrainingState) -> None:
        """Bring `state` to the newest checkpoint; to where it is when the folder has none.

        Raises `CheckpointError` for one that is damaged, or of another training.
        """
        newest = checkpoint_folder.newest(self._folder)
        if newest is None:
            return
        saved = checkpoint_folder.read_state(newest)
        self._refuse_other(newest, saved.get("identity"))
        try:
            state.restore(load_file(newest / TENSORS), saved["facts"])
        except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise checkpoint_folder.damaged(newest, f"{type(error).__name__}: {error}") from error
        self.there = True

    def write_if_due(self, state: TrainingState) -> None:
        """Write a checkpoint when the last one is old enough."""
        passed = time.monotonic() - self._last
        if passed >= max(self._every, self._took / SHARE):
            self.write(state)

    def write(self, state: TrainingState) -> None:
        """Write a checkpoint; where that fails say so once, and leave the one before as it is."""
        began = time.monotonic()
        try:
            checkpoint_folder.write(
                self._folder,
                {"identity": self._identity, "facts": state.facts()},
                lambda file: save_file({name: one.contiguous() for name, one in state.tensors().items()}, file),
            )
        except UNWRITTEN as error:
            if not self._failing:
                self._report(CheckpointFailed(state.step, reason(error)))
            self._failing = True
        else:
            self.there, self._failing = True, False
            self._report(CheckpointWritten(state.step, time.monotonic() - began))
        self._last = time.monotonic()
        self._took = self._last - began

    def _refuse_other(self, checkpoint: Path, saved: Any) -> None:
        if not isinstance(saved, dict) or saved.get("format") != FORMAT:
            raise CheckpointError(f"The checkpoint {checkpoint} was written by another version of labelloop.", ANEW)
        ours = self._identity
        if changed := _changed_arguments(saved["arguments"], ours["arguments"]):
            raise CheckpointError(
                f"The checkpoint {checkpoint} is of a training with other arguments: {', '.join(changed)}.",
                f"Set them back to resume it. Or: {ANEW[0].lower()}{ANEW[1:]}",
            )
        for key, what in (
            ("data", "is of other reviews, labels or classes"),
            ("base_model", "starts from another base model"),
            ("device", f"was computed otherwise ({saved['device']}, now {ours['device']})"),
        ):
            if saved[key] != ours[key]:
                raise CheckpointError(f"The checkpoint {checkpoint} {what}.", ANEW)


def identity(prepared: Prepared) -> dict[str, Any]:
    """What two trainings must share for one to go on where the other stopped."""
    examples, device = prepared.examples, prepared.device
    data = [
        list(examples.train_texts),
        list(examples.train_labels),
        list(examples.validation_texts),
        list(examples.validation_labels),
        list(examples.label_names),
        examples.multi_label,
    ]
    if examples.pool_targets is not None:
        data += [list(examples.pool_texts), hashlib.sha256(examples.pool_targets.tobytes()).hexdigest()]
    return {
        "format": FORMAT,
        "arguments": json.loads(prepared.arguments.to_json()),
        "data": hashlib.sha256(json.dumps(data).encode()).hexdigest(),
        "base_model": folder_digest(prepared.located.folder),
        "device": f"{device.kind} in {device.precision}",
    }


def folder_digest(folder: Path) -> str:
    """The SHA-256 of a base model: names and contents of its weights, configuration and tokenizer."""
    total = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        if file.is_file() and file.suffix in {".safetensors", ".json", ".txt", ".model"}:
            total.update(f"{sha256(file)}  {file.name}\n".encode())
    return total.hexdigest()


def _changed_arguments(saved: Any, now: dict[str, Any]) -> list[str]:
    """As `learning_rate 0.0001, now 0.0003`; an argument the checkpoint does not know had its default."""
    try:
        before = json.loads(TrainingArguments.from_json(json.dumps(saved)).to_json())
    except TrainingError as error:
        return [error.message]
    return [f"{name} {before[name]!r}, now {now[name]!r}" for name in now if before[name] != now[name]]
