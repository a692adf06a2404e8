"""Exporting: every original column in its order, then what was decided; verified before it replaces anything."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import FileError
from core.files import formulas
from core.files.decided_rows import ADDED, FLAGGED, Plan, Tally, What, free
from core.files.values import Stored
from core.files.writing import dataset
from core.files.writing.table import Column, Format, Unguarded, Writer, format_of

if TYPE_CHECKING:
    from core.storage.database import Database

__all__ = ["ADDED", "Exported", "Format", "What", "Wish", "export"]

Progress = Callable[[int, int], None]
"""Told how many reviews are written, and of how many."""

CARD = ".md"
"""Ends the name of the data card beside a file."""


@dataclass(frozen=True)
class Wish:
    """What to export, and how."""

    what: What = What.LABELLED
    where: str = ""
    """A filter as it is typed in browse."""
    format: str = ""
    """Empty: what the name's suffix says."""
    guard: bool = True
    """Whether cells of CSV and TSV that a spreadsheet would run get an apostrophe, and a column that tells of it."""
    card: bool = True
    """Whether a data card is written beside the file."""


@dataclass(frozen=True)
class Exported:
    """What an export wrote."""

    path: Path
    rows: int
    columns: list[str]
    card: Path | None = None
    notes: list[str] = field(default_factory=list)
    """What is to be said of it: cells that were guarded, characters that were replaced."""


def export(
    database: Database,
    target: Path,
    what: What | Wish = What.LABELLED,
    progress: Progress = lambda _done, _of: None,
) -> Exported:
    """Write the project's reviews to a file, or with the format `dataset` to a folder.

    It is written beside its place, read back and compared cell by cell, and only then takes its place, so that an
    export that fails leaves what was there before. Raises FileError, and FilterError for a filter that is none.
    """
    wish = what if isinstance(what, Wish) else Wish(what)
    target = target.expanduser().absolute()
    format = format_of(target, wish.format)
    if not target.parent.is_dir():
        raise FileError(f"The folder {target.parent} does not exist.", "Make it first, or choose another.")
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        if format is Format.DATASET:
            dataset.refuse(target)
        with database.reading() as session:
            plan = Plan(session, wish.what, wish.where)
            done = _Export(plan, format, target, wish, progress).write(draft)
            card = _card(database, session, plan, done, format, wish) if wish.card else None
        written = dataset.put(draft, target, card) if format is Format.DATASET else _put(draft, target, card)
    except OSError as error:
        if not target.parent.is_dir():
            raise FileError(
                f"The folder {target.parent} was removed while {target.name} was written to it.",
                "Make it again, or choose another, then export once more.",
            ) from error
        # pyarrow puts words of its own around what the operating system says.
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise FileError(
            f"{target} cannot be written: {reason}.",
            "Check the room on the disk and your permissions.",
        ) from error
    finally:
        _discard(draft)
    return Exported(target, done.tally.rows, [column.name for column in done.columns], written, done.notes)


@dataclass
class _Done:
    """What was written to the draft."""

    columns: list[Column]
    tally: Tally
    notes: list[str]
    guarded: str | None


class _Export:
    """Writes a plan to a draft, and verifies it."""

    def __init__(self, plan: Plan, format: Format, target: Path, wish: Wish, progress: Progress) -> None:
        self._plan, self._format, self._target, self._wish = plan, format, target, wish
        self._progress = progress
        self._columns = plan.columns

    def write(self, draft: Path) -> _Done:
        """Write and verify. Raises FileError when it does not read back as it was written."""
        if self._format in (Format.PARQUET, Format.DATASET):
            self._columns = self._typed()
        file = draft
        if self._format is Format.DATASET:
            file = dataset.begin(draft)
        try:
            writer, tally, guarded = self._written(file, None)
        except Unguarded:
            name = free(formulas.COLUMN, [column.name for column in self._columns])
            writer, tally, guarded = self._written(file, name)
        self._verify(writer, file)
        notes = []
        if guarded is not None:
            notes.append(
                f"Cells that a spreadsheet would run begin with an apostrophe; the column “{guarded}” has the "
                "numbers of their columns. Importing takes it away again."
            )
        if writer.replaced:
            notes.append(
                f"{writer.replaced:,} half characters (lone surrogates) that {self._format} cannot hold are �."
            )
        return _Done(self._columns, tally, notes, guarded)

    def _typed(self) -> list[Column]:
        from core.files.writing.parquet import Kinds

        kinds = Kinds(self._columns)
        if kinds.needed:
            for _, rows in self._plan.portions():
                kinds.look(rows)
        return kinds.columns()

    def _written(self, file: Path, guarded: str | None) -> tuple[Writer, Tally, str | None]:
        tally = Tally()
        file.touch(mode=0o600)
        writer = self._writer(file, guarded)
        with writer:
            for seen, rows in self._plan.portions(tally):
                writer.write(self._shown(rows))
                self._progress(seen, self._plan.total)
        return writer, tally, guarded

    def _verify(self, writer: Writer, file: Path) -> None:
        """Read the file back and compare every cell with what it should hold."""
        wanted: Iterator[Any] = (
            row for _, rows in self._plan.portions() for row in writer.encoded(self._shown(rows))
        )
        position = 0
        try:
            for found in writer.read_back(file):
                position += 1
                if found != next(wanted, None):
                    raise self._spoilt(f"Row {position:,} of the export did not read back as it was written.")
        except OSError:
            raise
        except FileError:
            raise
        except Exception as error:  # csv, json, pyarrow and openpyxl each raise their own
            raise self._spoilt(f"The export could not be read back after row {position:,}.") from error
        if next(wanted, None) is not None:
            raise self._spoilt(f"The export ended after {position:,} rows when it was read back.")

    def _spoilt(self, what: str) -> FileError:
        return FileError(what, f"{self._target} was left as it was; check the disk, then export again.")

    def _writer(self, file: Path, guarded: str | None) -> Writer:
        if self._format in (Format.CSV, Format.TSV):
            from core.files.writing.delimited import DelimitedWriter

            delimiter = "\t" if self._format is Format.TSV else ","
            return DelimitedWriter(file, self._columns, delimiter, guarded, self._wish.guard)
        if self._format is Format.JSONL:
            from core.files.writing.json_lines import JsonLinesWriter

            return JsonLinesWriter(file, self._columns)
        if self._format is Format.XLSX:
            from core.files.writing.workbook import WorkbookWriter

            return WorkbookWriter(file, self._columns)
        from core.files.writing.parquet import ParquetWriter

        return ParquetWriter(file, self._columns)

    def _shown(self, rows: list[list[Stored]]) -> Sequence[Sequence[Stored]]:
        """In text a flag is “yes” or nothing."""
        if self._format in (Format.CSV, Format.TSV):
            at = len(self._plan.original) + FLAGGED
            for row in rows:
                row[at] = "yes" if row[at] is True else "" if row[at] is False else row[at]
        return rows


def _card(database: Database, session: Any, plan: Plan, done: _Done, format: Format, wish: Wish) -> str:
    from core.files import data_card

    return data_card.render(
        data_card.gather(session, database.path, plan, done.tally),
        done.columns,
        format,
        wish.where,
        wish.what,
        done.guarded,
    )


def _put(draft: Path, target: Path, card: str | None) -> Path | None:
    """Put a file in its place, and the card beside it; what a person wrote into the card's front matter stays."""
    from core.files import data_card

    beside = target.with_name(target.name + CARD)
    if card is not None:
        card = data_card.with_licence_of(card, beside)
        draft_card = beside.with_name(f".{beside.name}.{os.getpid()}.tmp")
        try:
            draft_card.touch(mode=0o600)
            draft_card.write_text(card, encoding="utf-8", errors="replace")
            draft.replace(target)
            draft_card.replace(beside)
        finally:
            with contextlib.suppress(OSError):
                draft_card.unlink()
        return beside
    draft.replace(target)
    return None


def _discard(draft: Path) -> None:
    with contextlib.suppress(OSError):
        if draft.is_dir():
            shutil.rmtree(draft)
        else:
            draft.unlink()
