"""Plain text: a review a line, or a folder with a review a file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import FileError
from core.files.encodings import beginning, decoded, recognise, stray
from core.files.inputs import Input, reading
from core.files.table import LONGEST_LINE, BadRow, Entry, Row, Table

TEXT = "text"
FILE = "file"
"""The column with the name of a review's file, in a folder."""

SUFFIXES = (".txt", ".text", ".md")

LARGEST_FILE = 64 * 1024 * 1024
"""Bytes of one review's file."""


def lines(source: Input, encoding: str) -> Table:
    """A table of one column; empty lines are none of its rows."""
    return Table(source, [TEXT], encoding, "", lambda: _lines(source, encoding), "text", quote="", header=False)


def _lines(source: Input, encoding: str) -> Iterator[Entry]:
    number = at = 0
    with reading(source.path), decoded(source.open(), encoding) as file:
        while line := file.readline(LONGEST_LINE):
            at += 1
            text = line.rstrip("\r\n")
            if len(text) == LONGEST_LINE:
                number += 1
                yield BadRow(number, at, f"longer than {LONGEST_LINE:,} characters")
                while (rest := file.readline(LONGEST_LINE)) and rest[-1] not in "\r\n":
                    pass
            elif odd := stray(text):
                number += 1
                yield BadRow(number, at, f"not written in {encoding} (byte {odd[0]:02X})", [text])
            elif text.strip():
                number += 1
                yield Row(number, at, [text])


@dataclass(frozen=True)
class FolderInput(Input):
    """A folder in the place of a file."""

    files: tuple[Path, ...] = ()

    def sha256(self) -> str:
        """Over the names and contents of the files."""
        digest = hashlib.sha256()
        for path in self.files:
            name = os.fsencode(path.relative_to(self.path))
            digest.update(len(name).to_bytes(8, "big") + name)
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()


def folder(path: Path, encoding: str | None) -> Table:
    """A review a file: all text files in a folder and below it, by name. Links are not followed out of it.

    Raises FileError when there are none.
    """
    with reading(path):
        root = path.absolute()
        files = tuple(sorted(_below(root)))
        size = sum(one.stat().st_size for one in files)
    if not files:
        raise FileError(
            f"{path} is a folder without text files.", f"Text files end in {', '.join(SUFFIXES)}. Or name a file."
        )
    source = FolderInput(root, root.name, "", lambda: files[0].open("rb"), size, False, files=files)
    first = encoding or _recognised(files[0])
    return Table(
        source, [FILE, TEXT], first, "", lambda: _files(source, encoding), "folder", known_rows=len(files),
        notes=[f"{len(files):,} text files, a review each"],
    )  # fmt: skip


def _below(root: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(root):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        for name in names:
            path = Path(where) / name
            if path.suffix.casefold() in SUFFIXES and not name.startswith(".") and not path.is_symlink():
                yield path


def _recognised(path: Path) -> str:
    with reading(path), path.open("rb") as file:
        return recognise(beginning(file), path.name)


def _files(source: FolderInput, encoding: str | None) -> Iterator[Entry]:
    for number, path in enumerate(source.files, start=1):
        name = os.fsencode(path.relative_to(source.path)).decode("utf-8", "replace")
        try:
            if path.stat().st_size > LARGEST_FILE:
                yield BadRow(number, number, f"{name}: larger than {LARGEST_FILE:,} bytes")
                continue
            with reading(path), decoded(path.open("rb"), encoding or _recognised(path)) as file:
                text = file.read()
        except FileError as error:
            yield BadRow(number, number, f"{name}: {error.message.rstrip('.')}")
            continue
        if odd := stray(text):
            yield BadRow(number, number, f"{name}: not written in its encoding (byte {odd[0]:02X})", [name, text])
        else:
            yield Row(number, number, [name, text])
