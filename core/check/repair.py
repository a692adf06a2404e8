"""Restoring a damaged project: on a copy, which takes its place when it is whole; the original is moved aside."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from core.check import examine, leftovers, mending, salvage
from core.check.findings import Report
from core.errors import LabelloopError, ProjectBusy, ProjectError
from core.locations import models_folder
from core.phrases import count
from core.storage import backups, migrate, sqlite

SIDE_FILES = ("-wal", "-shm")
"""What SQLite keeps beside an open file. The first holds commits that are not in the file yet."""

SHARED_LOCK = (0x40000002, 510)
"""Place and length of the bytes on which SQLite's readers hold a lock, in WAL mode for as long as they are open."""

DAMAGE = (LabelloopError, SQLAlchemyError, ValueError, KeyError, TypeError, AttributeError)
"""What reading a file that holds anything at all can raise."""


@dataclass
class Repair:
    """What a repair did."""

    before: Report
    after: Report | None = None
    aside: Path | None = None
    """Where the original is now; none when nothing had to be changed in it."""
    restored: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The form of `--json`."""
        return {
            "before": self.before.to_json(),
            "after": self.after.to_json() if self.after else None,
            "aside": str(self.aside) if self.aside else None,
            "restored": self.restored,
            "lost": self.lost,
        }


def repair(path: Path, progress: examine.Progress = lambda _part: None) -> Repair:
    """Restore what is damaged in a project from its journal and its backups.

    The file is worked on as a copy. Raises ProjectBusy while another program has it open, NotAProject when it is
    none, and ProjectError when nothing can be restored; then everything is as it was.
    """
    path = path.expanduser().absolute()
    before = examine.examine(path, progress)
    done = Repair(before)
    if is_open_elsewhere(path):
        raise ProjectBusy(f"{path} is open in another program.", "Close it there, then repair.")
    exposed = leftovers.readable_by_others(path)
    if exposed:
        leftovers.make_private(exposed)
        done.restored.append(
            f"{count(len(exposed), 'file or folder', 'files or folders')} made readable by you alone"
        )
    if before.is_whole:
        done.after = examine.examine(path, progress) if exposed else before
        return done
    with _draft(path) as draft:
        progress("restoring")
        _make_whole(path, draft, done)
        mending.mend_models(draft, models_folder(path), done.restored, done.lost)
        with _models_of(path, draft):
            after = examine.examine(draft, progress)
        if not set(after.damaged_parts()) <= {"reviews", "journal"}:
            parts = ", ".join(after.damaged_parts())
            raise ProjectError(f"{path} could not be restored ({parts}); it was left as it was.", _what_else(path))
        done.aside = _swap(path, draft)
    done.after = examine.examine(path)
    return done


def is_open_elsewhere(path: Path) -> bool:
    """Whether another process has the project open. Where that cannot be told, no."""
    try:
        import fcntl
    except ImportError:
        return False
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        place, length = SHARED_LOCK
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, length, place)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _make_whole(path: Path, draft: Path, done: Repair) -> None:
    """Write a project without damage to `draft`: the file mended, else its rows salvaged, else the newest backup."""
    _copy_with_log(path, draft)
    try:
        mending.mend(draft, path, done.restored, done.lost)
        return
    except DAMAGE:
        done.restored.clear()
        done.lost.clear()
    damaged = draft.with_name(f"{draft.name}.damaged")
    draft.replace(damaged)
    _move_side_files(draft, damaged)
    try:
        _salvage(path, damaged, draft, done)
        mending.mend(draft, path, done.restored, done.lost)
    except DAMAGE as error:
        _remove(draft)
        _from_backup(path, draft, done, error)
    finally:
        _remove(damaged)


def _salvage(path: Path, damaged: Path, draft: Path, done: Repair) -> None:
    schema = salvage.schema_of(damaged)
    if schema is None:
        raise ProjectError(f"Nothing can be read from {path}.")
    engine = sqlite.connect(draft)
    try:
        with engine.connect() as connection:
            sqlite.mark(connection)
            connection.commit()
        migrate.upgrade(engine)
    finally:
        engine.dispose()
    if schema != migrate.HEAD:
        raise ProjectError(f"The rows of {path} are of schema {schema}.")
    with _newest_backup(path) as backup:
        found = salvage.salvage(damaged, backup, draft)
    rows = sum(found.from_file.values())
    done.restored.append(f"{count(rows, 'row')} read from the damaged file")
    for name, number in found.from_backup.items():
        done.restored.append(f"{count(number, 'row')} of {name} that it had lost, from the newest backup")


def _from_backup(path: Path, draft: Path, done: Repair, error: Exception) -> None:
    done.restored.clear()
    done.lost.clear()
    for one in backups.existing(path):
        shutil.copyfile(one.path, draft)
        try:
            engine = sqlite.connect(draft, existing=True)
            with contextlib.closing(_Disposed(engine)):
                migrate.upgrade(engine)
            mending.mend(draft, path, done.restored, done.lost)
        except DAMAGE:
            _remove(draft)
            continue
        done.restored.insert(0, f"everything of the backup of {one.taken_at:%Y-%m-%d %H:%M} UTC ({one.path.name})")
        done.lost.insert(0, f"everything that was done after {one.taken_at:%Y-%m-%d %H:%M} UTC")
        return
    raise ProjectError(f"{path} cannot be restored: too little of it can be read, and there is no backup.",
                       _what_else(path)) from error  # fmt: skip


@contextlib.contextmanager
def _newest_backup(path: Path) -> Iterator[Path | None]:
    """A copy of the newest backup that is whole, brought up to the present schema; none where there is none."""
    copied = path.with_name(f".{path.name}.backup.{os.getpid()}.tmp")
    try:
        for one in backups.existing(path):
            shutil.copyfile(one.path, copied)
            engine = sqlite.connect(copied, existing=True)
            try:
                if migrate.revision(engine) != migrate.HEAD:
                    migrate.upgrade(engine)
            except Exception:  # whatever a damaged backup makes Alembic or SQLite say: try the one before
                _remove(copied)
                continue
            finally:
                engine.dispose()
            yield copied
            return
        yield None
    finally:
        _remove(copied)


class _Disposed:
    """Lets `closing` dispose of an engine."""

    def __init__(self, engine: Any) -> None:
        self.close = engine.dispose


@contextlib.contextmanager
def _draft(path: Path) -> Iterator[Path]:
    draft = path.with_name(f".{path.name}.repair.{os.getpid()}.tmp")
    try:
        yield draft
    except OSError as error:
        raise ProjectError(
            f"{path} could not be restored: {error.strerror}; it was left as it was.",
            "There must be room for a second copy beside it, and you must be allowed to write there.",
        ) from error
    finally:
        _remove(draft)


@contextlib.contextmanager
def _models_of(path: Path, draft: Path) -> Iterator[None]:
    """Let the draft be looked at with the project's models beside it."""
    beside = models_folder(draft)
    link = models_folder(path).is_dir() and not beside.exists()
    if link:
        beside.symlink_to(models_folder(path), target_is_directory=True)
    try:
        yield
    finally:
        if link:
            beside.unlink()


def _copy_with_log(path: Path, draft: Path) -> None:
    """Copy the file and the commits that are not in it yet."""
    shutil.copyfile(path, draft)
    draft.chmod(0o600)
    log = path.with_name(path.name + "-wal")
    if log.exists():
        shutil.copyfile(log, draft.with_name(draft.name + "-wal"))


def _swap(path: Path, draft: Path) -> Path:
    """Move the original aside and the draft into its place; returns where the original is."""
    stamp = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    aside = path.with_name(f"{path.stem}.damaged-{stamp}.db")
    draft.chmod(0o600)
    for end in SIDE_FILES:
        if path.with_name(path.name + end).exists():
            path.with_name(path.name + end).rename(aside.with_name(aside.name + end))
    path.rename(aside)
    draft.rename(path)
    return aside


def _move_side_files(from_: Path, to: Path) -> None:
    for end in SIDE_FILES:
        with contextlib.suppress(FileNotFoundError):
            from_.with_name(from_.name + end).rename(to.with_name(to.name + end))


def _remove(path: Path) -> None:
    for end in ("", *SIDE_FILES, "-journal"):
        with contextlib.suppress(OSError):
            path.with_name(path.name + end).unlink()


def _what_else(path: Path) -> str:
    return f"Look for copies of it elsewhere, and for {path.stem}.backups; “labelloop import” reads the files anew."
