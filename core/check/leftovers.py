"""Files beside a project that nobody needs any more, and files that others than their owner can read."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import psutil

from core.check.findings import Finding, good, notice
from core.locations import backups_folder, models_folder
from core.phrases import count
from core.storage import feature_cache

_DRAFT = re.compile(r"^\..+\.(\d+)\.tmp$")
_PART = re.compile(r"^\..+\.[0-9a-f]{8}\.(part|old)$")
OTHERS = 0o077
"""Permissions of group and others."""


def find(project: Path, known: set[str]) -> list[Path]:
    """Drafts of processes that are gone, and folders of models that no run has; `known` are those runs have."""
    found = []
    for folder in (project.parent, backups_folder(project)):
        for path in _in(folder):
            draft = _DRAFT.match(path.name)
            mine = path.name.startswith(f".{project.stem}")
            if mine and draft is not None and not psutil.pid_exists(int(draft[1])):
                found.append(path)
    for path in _in(models_folder(project)):
        if _PART.match(path.name) or (path.is_dir() and path.name not in {*known, feature_cache.FOLDER}):
            found.append(path)
    return sorted(found)


def readable_by_others(project: Path) -> list[Path]:
    """The project's files and folders that others than their owner may read or change."""
    if os.name != "posix":
        return []
    files = [project, *(project.with_name(project.name + end) for end in ("-wal", "-shm"))]
    files += [models_folder(project), backups_folder(project), *_in(backups_folder(project))]
    found = []
    for path in files:
        with contextlib.suppress(OSError):
            if path.stat().st_mode & OTHERS:
                found.append(path)
    return found


def make_private(paths: list[Path]) -> None:
    """Take the permissions of group and others away. Raises OSError."""
    for path in paths:
        path.chmod(path.stat().st_mode & ~OTHERS)


def leftovers(project: Path, known: set[str]) -> Finding:
    """Whether anything can be deleted."""
    found = find(project, known)
    if not found:
        return good("leftovers", "none")
    size = sum(_size(path) for path in found)
    told = f"{count(len(found), 'file or folder', 'files or folders')} of {size / 2**20:,.1f} MB can be deleted"
    return notice("leftovers", told, map(str, found))


def permissions(project: Path) -> Finding:
    """Whether only the owner can read the project."""
    found = readable_by_others(project)
    if not found:
        return good("permissions", "only you can read it")
    return notice("permissions", "others can read it; --repair changes that", map(str, found))


def _in(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from sorted(folder.iterdir())


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):
        files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
        return sum(one.stat().st_size for one in files)
    return 0
