"""Where the bytes of a file come from: a file, a packed one, standard input."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from core.errors import FileError

STANDARD_INPUT = "-"

BOMB_RATIO = 100
"""How many times its packed size a file may be unpacked. Text packs to a tenth or a twentieth."""

BOMB_BYTES = 256 * 1024 * 1024
"""Unpacked bytes below which the ratio does not matter."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the operating system says when a disk, a quota or a limit of size is full."""

_BROKEN = (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, NotImplementedError)


@dataclass(frozen=True)
class Input:
    """Bytes that can be read from the start as often as needed."""

    path: Path
    """As it was named, absolute; for standard input where it is kept meanwhile."""
    name: str
    """What people call it."""
    suffix: str
    """The suffix of what is in it, in lower case: of `a.csv.gz`, “.csv”."""
    open: Callable[[], BinaryIO]
    size: int
    """Bytes to be read; of a gzip file, packed."""
    plain: bool = True
    """The path itself is what is read, so that one may seek in it."""
    kept: list[Path] = field(default_factory=list, compare=False)
    """Temporary files, removed by `close`."""
    opened: list[BinaryIO] = field(default_factory=list, compare=False)
    """The file that was opened last, for `share`."""

    def seekable(self) -> Path:
        """A file with the bytes, unpacked into a temporary one if need be."""
        if self.plain:
            return self.path
        with self.open() as file:
            self.kept.append(_keep(file, self.suffix))
        return self.kept[-1]

    def share(self) -> float:
        """How much of what was opened last is read, 0 to 1; 0 where that cannot be told."""
        if not self.opened:
            return 0.0
        file = self.opened[-1]
        return 1.0 if file.closed else min(1.0, file.tell() / max(1, self.size))

    def sha256(self) -> str:
        """The digest of the file as it lies there, packed or not, as hexadecimal digits."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def close(self) -> None:
        """Remove what was kept meanwhile."""
        for path in self.kept:
            path.unlink(missing_ok=True)


def find(named: Path | str) -> Input:
    """The bytes behind a path or “-”. Raises FileError when there are none, or a packed file is not to be trusted."""
    if str(named) == STANDARD_INPUT:
        return _standard_input()
    path = Path(named).expanduser()
    with reading(path):
        if path.is_dir():
            raise FileError(f"{path} is a folder.", "Name the file to read.")
        if not path.exists():
            raise FileError(f"{path} does not exist.", "Check the path.")
        if not path.is_file():
            raise FileError(f"{path} is no ordinary file.", "Pass it as standard input: “… | labelloop import … -”.")
        return unpacked(path.absolute(), path.name)


def unpacked(path: Path, name: str) -> Input:
    """A file, or what is in it if it is packed."""
    with path.open("rb") as file:
        magic = file.read(4)
    suffix = Path(name).suffix.casefold()
    if magic.startswith(b"\x1f\x8b") or suffix == ".gz":
        inner = Path(Path(name).stem).suffix.casefold() if suffix in (".gz", ".gzip") else suffix
        gunzipped: list[BinaryIO] = []
        return Input(
            path, name, inner, lambda: _gunzip(path, name, gunzipped), path.stat().st_size, False, opened=gunzipped
        )
    if suffix == ".zip" or (magic == b"PK\x03\x04" and suffix not in (".xlsx", ".xlsm")):
        return _zipped(path, name)
    opened: list[BinaryIO] = []
    return Input(path, name, suffix, lambda: _noted(path.open("rb"), opened), path.stat().st_size, opened=opened)


def _noted(file: BinaryIO, opened: list[BinaryIO]) -> BinaryIO:
    opened[:] = [file]
    return file


def _standard_input() -> Input:
    if sys.stdin is None or sys.stdin.isatty():
        raise FileError("Nothing comes in by standard input.", "Use it as “cat reviews.csv | labelloop import … -”.")
    # Beginning once more from the start needs a file. Only its owner can read it, and it goes when it is closed.
    kept = _keep(sys.stdin.buffer)
    found = unpacked(kept, "standard input")
    found.kept.append(kept)
    return found


def _keep(file: BinaryIO, suffix: str = "") -> Path:
    """Copy to a temporary file, of which nothing stays when that fails. Raises FileError when there is no room."""
    target = tempfile.NamedTemporaryFile(prefix="labelloop-", suffix=suffix, delete=False)  # noqa: SIM115
    try:
        with target:
            shutil.copyfileobj(file, target, 1024 * 1024)
    except BaseException as error:
        Path(target.name).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise FileError(
                f"There is no room in {tempfile.gettempdir()}, where what is read has to wait meanwhile.",
                "Free some space, or name another folder in the environment variable TMPDIR; nothing was imported.",
            ) from error
        raise
    return Path(target.name)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn the errors of the operating system and of packed files into sentences."""
    try:
        yield
    except (OSError, ValueError) as error:
        if isinstance(error, gzip.BadGzipFile):
            raise broken(path.name) from error
        reason = getattr(error, "strerror", None) or str(error)
        remedy = "Check its permissions." if isinstance(error, PermissionError) else "Check the path."
        raise FileError(f"{path} cannot be read: {reason}.", remedy) from error
    except _BROKEN as error:
        raise broken(path.name) from error


def broken(name: str) -> FileError:
    """The sentence for a packed file that does not unpack."""
    return FileError(f"{name} is damaged: it does not unpack.", "Get the file anew.")


class _Guarded(io.RawIOBase):
    """Unpacks until it is more than text can be."""

    def __init__(self, inner: BinaryIO, packed: int, name: str, beneath: BinaryIO | None = None) -> None:
        self._inner, self._packed, self._name, self._read, self._beneath = inner, packed, name, 0, beneath

    def tell(self) -> int:
        return self._read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        try:
            data = self._inner.read(len(view))
        except _BROKEN as error:
            raise broken(self._name) from error
        self._read += len(data)
        if self._read > BOMB_BYTES and self._read > self._packed * BOMB_RATIO:
            raise bomb(self._name)
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._inner.close()
        if self._beneath is not None:
            self._beneath.close()
        super().close()


def bomb(name: str) -> FileError:
    """The sentence for what unpacks to far more than it may."""
    return FileError(
        f"{name} unpacks to more than {BOMB_RATIO} times its size, as no real data does.",
        "It was not read further. If you trust it, unpack it yourself and import that.",
    )


def refuse_bomb(members: list[zipfile.ZipInfo], name: str) -> None:
    """Raise FileError when the members of an archive are too large for what they are packed in."""
    size, packed = sum(one.file_size for one in members), sum(one.compress_size for one in members)
    if size > BOMB_BYTES and size > packed * BOMB_RATIO:
        raise bomb(name)


def _gunzip(path: Path, name: str, opened: list[BinaryIO]) -> BinaryIO:
    packed = _noted(path.open("rb"), opened)
    inner = cast(BinaryIO, gzip.GzipFile(fileobj=packed))
    return io.BufferedReader(_Guarded(inner, path.stat().st_size, name, packed), 1024 * 1024)


def _zipped(path: Path, name: str) -> Input:
    with zipfile.ZipFile(path) as archive:
        listed = archive.infolist()
        if any(one.filename == "xl/workbook.xml" for one in listed):
            return Input(path, name, ".xlsx", lambda: path.open("rb"), path.stat().st_size)
        members = [one for one in listed if not _is_beside(one)]
    if len(members) != 1:
        said = ", ".join(one.filename for one in members[:5]) + (" …" if len(members) > 5 else "")
        raise FileError(
            f"{name} holds {len(members)} files{f': {said}' if said else ''}.",
            "Unpack it, then import one of the files, or the folder if they are one text each.",
        )
    member = members[0]
    if member.flag_bits & 1:
        raise FileError(f"{name} is protected by a password.", "Unpack it first.")
    refuse_bomb(members, name)
    # Nothing is unpacked under the names in the archive, wherever these may point.
    suffix = PurePosixPath(member.filename).suffix.casefold()
    opened: list[BinaryIO] = []
    return Input(
        path, name, suffix, lambda: _noted(_unzip(path, member, name), opened), member.file_size, False, opened=opened
    )


def _is_beside(member: zipfile.ZipInfo) -> bool:
    """Whether it is a folder, or one of the files that operating systems add."""
    last = PurePosixPath(member.filename).name
    return member.is_dir() or member.filename.startswith("__MACOSX/") or last.startswith(".")


def _unzip(path: Path, member: zipfile.ZipInfo, name: str) -> BinaryIO:
    archive = zipfile.ZipFile(path)
    try:
        inner = cast(BinaryIO, archive.open(member))
    finally:
        archive.close()  # The file stays open until the member is closed.
    return io.BufferedReader(_Guarded(inner, member.compress_size, name), 1024 * 1024)
