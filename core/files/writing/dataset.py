"""A folder as the library `datasets` and the Hugging Face hub read it: data/train.parquet, and README.md."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from core.errors import FileError
from core.files.data_card import MARK, with_licence_of

DATA = Path("data") / "train.parquet"
CARD = "README.md"


def refuse(target: Path) -> None:
    """Raise FileError where a folder must not be replaced: it is no export of labelloop."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    try:
        mine = target.is_dir() and MARK in (target / CARD).read_text(encoding="utf-8", errors="replace")
    except OSError:
        mine = False
    if not mine:
        raise FileError(
            f"{target} is there already, and is no data set that labelloop wrote.",
            "Choose another name, or end it in .csv, .tsv, .jsonl, .parquet or .xlsx for a single file.",
        )


def begin(draft: Path) -> Path:
    """Make the folder; returns where its rows are written to."""
    shutil.rmtree(draft, ignore_errors=True)
    (draft / DATA).parent.mkdir(parents=True, mode=0o700)
    draft.chmod(0o700)
    return draft / DATA


def put(draft: Path, target: Path, card: str | None) -> Path | None:
    """Write the card, and put the folder in the place of what stands there. Files that others added go with it."""
    written = None
    if card is not None:
        (draft / CARD).touch(mode=0o600)
        (draft / CARD).write_text(with_licence_of(card, target / CARD), encoding="utf-8", errors="replace")
        written = target / CARD
    old = target.with_name(f".{target.name}.{os.getpid()}.old")
    if target.exists():
        target.rename(old)
    try:
        draft.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
    return written
