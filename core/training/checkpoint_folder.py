"""A folder of checkpoints of which one is there, whole, at any moment: plain files, free of torch.

    reviews.models/run-7.checkpoints/
        checkpoint-000012/
            tensors.safetensors
            state.json
            SHA256SUMS            as `sha256sum --check` reads it

A new one is written under another name, synced to the disk and renamed; only then the one before is removed.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.errors import CheckpointError
from core.training.base_model import sha256

TENSORS, STATE, SUMS = "tensors.safetensors", "state.json", "SHA256SUMS"
NAME = "checkpoint-"
ANEW = "Train anew without resuming; the checkpoint stays until then."


def newest(folder: Path) -> Path | None:
    """The newest whole checkpoint in `folder`; None when there is none."""
    found = _numbered(folder)
    return found[max(found)] if found else None


def write(folder: Path, state: dict[str, Any], write_tensors: Callable[[Path], None]) -> None:
    """Put a new checkpoint into `folder`, then remove those before; `write_tensors` writes the file it is given.

    Raises `OSError`, and whatever `write_tensors` raises; then the one before is still there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{uuid.uuid4().hex[:8]}.part"
    try:
        temporary.mkdir()
        write_tensors(temporary / TENSORS)
        (temporary / STATE).write_text(json.dumps(state, allow_nan=False) + "\n", encoding="utf-8")
        sums = "".join(f"{sha256(temporary / name)}  {name}\n" for name in (TENSORS, STATE))
        (temporary / SUMS).write_text(sums, encoding="utf-8")
        for name in (TENSORS, STATE, SUMS):
            _sync(temporary / name)
        _sync(temporary)
        before = _numbered(folder)
        temporary.rename(folder / f"{NAME}{max(before, default=0) + 1:06d}")
        _sync(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    for old in [*before.values(), *folder.glob(".*.part")]:
        shutil.rmtree(old, ignore_errors=True)


def read_state(checkpoint: Path) -> dict[str, Any]:
    """What a checkpoint's state.json holds, all its files checked against their digests.

    Raises `CheckpointError` for one that is damaged or incomplete.
    """
    try:
        lines = (line.split("  ", 1) for line in (checkpoint / SUMS).read_text(encoding="utf-8").splitlines())
        digests = {name: digest for digest, name in lines}
        for name in (TENSORS, STATE):
            if sha256(checkpoint / name) != digests.get(name):
                raise damaged(checkpoint, f"{name} is not as it was written (the SHA-256 differs)")
        state = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise damaged(checkpoint, str(error)) from error
    if not isinstance(state, dict):
        raise damaged(checkpoint, f"{STATE} is no JSON object")
    return state


def discard(folder: Path) -> None:
    """Remove the checkpoints of a training that is finished, and the folder where it holds nothing else."""
    for one in [*_numbered(folder).values(), *folder.glob(".*.part")]:
        shutil.rmtree(one, ignore_errors=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def damaged(checkpoint: Path, reason: str) -> CheckpointError:
    """The error of a checkpoint that cannot be read."""
    return CheckpointError(f"The checkpoint {checkpoint} is damaged: {reason}.", ANEW)


def _numbered(folder: Path) -> dict[int, Path]:
    numbers = ((one.name.removeprefix(NAME), one) for one in folder.glob(f"{NAME}*"))
    return {int(number): one for number, one in numbers if number.isdecimal()}


def _sync(path: Path) -> None:
    """Have the system put a file, or a folder's list of names, onto the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folders
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
