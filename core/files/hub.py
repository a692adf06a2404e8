"""Data sets of the Hugging Face hub by name: their files are fetched into its cache and read like others."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from core.errors import FileError
from core.files.inputs import Input
from core.files.table import BadRow, Entry, Table

PREFIXES = ("hf://datasets/", "hf:")
"""What a name begins with: `hf:owner/name`, or `hf:owner/name/path/of/a/file.csv`."""

CONVERTED = "refs/convert/parquet"
"""The branch with the Parquet that the hub makes of data sets that keep none themselves."""

SUFFIXES = (".parquet", ".jsonl", ".csv", ".tsv", ".json", ".jsonl.gz", ".csv.gz", ".json.gz")
"""Files that hold rows, the better first: Parquet has types."""

_SHARD = re.compile(r"-?\d{4,5}(?:-of-\d{5})?(?:-[0-9a-f]{16})?(?=\.)")


def named(text: str) -> str | None:
    """What stands after the prefix; none where it is no name of a data set."""
    return next((text[len(prefix) :].strip("/") for prefix in PREFIXES if text.startswith(prefix)), None)


def fetch(name: str) -> list[Path]:
    """The files of a data set, or one of them by its path, in the hub's cache.

    Without a path, those of the split “train”. Raises FileError when the hub cannot be reached or has none such.
    """
    parts = name.split("/")
    if not 1 <= len(parts[:2]) <= 2 or not all(re.fullmatch(r"[\w.\-]+", part) for part in parts[:2]):
        raise FileError(f"“{name}” is no name of a data set.", "Write hf:owner/name.")
    repository, path = "/".join(parts[:2]), "/".join(parts[2:])
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, OfflineModeIsEnabled, RepositoryNotFoundError

    try:
        revision, files = _files(repository)
        if path and path not in files:
            raise FileError(f"{repository} has no file {path}.", f"It has: {_listed(files)}.")
        wanted = [path] if path else chosen(repository, files)
        return [Path(hf_hub_download(repository, one, repo_type="dataset", revision=revision)) for one in wanted]
    except RepositoryNotFoundError as error:
        raise FileError(
            f"The Hugging Face hub has no data set {repository}, or it needs a login.",
            "Check its name; for a private one, log in with “hf auth login”.",
        ) from error
    except EntryNotFoundError as error:
        raise FileError(f"A file of {repository} could not be fetched.", "Try again.") from error
    except OfflineModeIsEnabled as error:
        raise FileError(
            f"{repository} was not fetched: HF_HUB_OFFLINE is set.", "Unset it, or import a file."
        ) from error
    except FileError:
        raise
    except Exception as error:  # each version of the hub's client has other errors of the network
        raise FileError(
            f"The Hugging Face hub could not be reached for {repository} ({type(error).__name__}).",
            "Check the connection, or fetch the file elsewhere and import it.",
        ) from error


def _files(repository: str) -> tuple[str | None, list[str]]:
    """A branch of a data set that has files with rows, and these."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RevisionNotFoundError

    found = [one for one in HfApi().list_repo_files(repository, repo_type="dataset") if one.endswith(SUFFIXES)]
    if found:
        return None, found
    try:
        listed = HfApi().list_repo_files(repository, repo_type="dataset", revision=CONVERTED)
    except RevisionNotFoundError:
        listed = []
    found = [one for one in listed if one.endswith(SUFFIXES)]
    if not found:
        raise FileError(f"{repository} has no Parquet, CSV or JSON files.", "Import a file of it instead.")
    return CONVERTED, found


def chosen(repository: str, files: list[str]) -> list[str]:
    """The files of the split “train”, or all if they are one table; in the best format there is.

    Raises FileError naming the files where that is not plain.
    """
    suffix = next(one for one in SUFFIXES if any(file.endswith(one) for file in files))
    same = sorted(file for file in files if file.endswith(suffix))
    train = [file for file in same if "train" in PurePosixPath(file).as_posix().casefold()] or same
    tables = {_SHARD.sub("", file) for file in train}
    if len(tables) > 1:
        raise FileError(
            f"{repository} has more than one table: {_listed(train)}.", "Name one, as hf:owner/name/path/of/the/file."
        )
    return train


def _listed(files: list[str]) -> str:
    return ", ".join(files[:8]) + (f" and {len(files) - 8} more" if len(files) > 8 else "")


@dataclass(frozen=True)
class JoinedInput(Input):
    """Several files in the place of one."""

    parts: tuple[Input, ...] = ()

    def sha256(self) -> str:
        """Over those of the parts."""
        if len(self.parts) == 1:
            return self.parts[0].sha256()
        return hashlib.sha256("".join(part.sha256() for part in self.parts).encode()).hexdigest()

    def close(self) -> None:
        """Remove what was kept for the parts."""
        for part in self.parts:
            part.close()


def joined(name: str, paths: list[Path], opened: Callable[[Path], Table]) -> Table:
    """The files as one table. Raises FileError unless all have the same columns."""
    tables = [opened(path) for path in paths]
    first = tables[0]
    for table in tables[1:]:
        if table.columns != first.columns:
            raise FileError(
                f"{table.name} has other columns than {first.name}.", "Import one of the files by its path."
            )
    parts = tuple(table.source for table in tables)
    source = JoinedInput(
        paths[0], name, first.source.suffix, first.source.open, sum(part.size for part in parts), False, parts=parts
    )
    rows = [table.known_rows for table in tables]
    known = None if None in rows else sum(one or 0 for one in rows)

    def entries() -> Iterator[Entry]:
        before = 0
        for table in tables:
            number = 0
            for entry in table.entries():
                number = entry.number
                yield entry._replace(number=before + number, line=before + entry.line)
                if isinstance(entry, BadRow) and entry.ends:
                    break
            before += number

    return replace(
        first, source=source, entries=entries, known_rows=known, extended=None if len(tables) > 1 else first.extended
    )
