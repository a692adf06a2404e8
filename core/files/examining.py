"""Reading a whole file before anything of it is written: what is new, what is known, what is wrong."""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlmodel import Session

from core.errors import FileError
from core.files import problems, reading
from core.files.choice import Choice, KnownLabels, Progress
from core.files.examined import Examined, Fate, Roles, portions, roles
from core.files.import_report import Report
from core.files.known import NEW, Comparing, Comparison, Known, Looked
from core.files.labelling import Labels
from core.files.problems import Action, Problem, Tally
from core.files.screening import Screening, Taken
from core.files.table import Entry, Row, Table
from core.files.values import as_text
from core.labels import SchemeKind
from core.storage import scheme
from core.storage.database import Database, project_of

if TYPE_CHECKING:
    from core.files.grouping import Groups

LATE_COLUMNS = 1_000
"""Columns that rows after the first thousand may bring."""


def examine(database: Database, choice: Choice, progress: Progress, opened: Table | None = None) -> Examined:
    """Read the file and find out what importing it would do. Raises FileError when it cannot be read.

    The table is the caller's to close; one that is `opened` already is read again.
    """
    handling = problems.handling(choice.handling)
    table = opened or reading.open_table(choice.path, choice.encoding, choice.options)
    try:
        found = None
        while not isinstance(found, Examined):
            found_roles = roles(table, choice)
            with database.reading() as session:
                # Columns that come late, as they may in JSON, are known only now: it is read once more with them.
                found = _Examination(database, session, table, found_roles, choice, handling).run(progress)
            if isinstance(found, Table):
                table = found
    except BaseException:
        table.close()
        raise
    return found


class _Examination:
    """One reading of the file."""

    def __init__(
        self,
        database: Database,
        session: Session,
        table: Table,
        its_roles: Roles,
        choice: Choice,
        handling: dict[Problem, Action],
    ) -> None:
        # numpy comes with it, which would cost a tenth of a second of the app's start.
        from core.files.grouping import Grouping

        self._table, self._roles, self._choice = table, its_roles, choice
        self._tallies = {problem: Tally(action) for problem, action in handling.items()}
        self._kind: SchemeKind = project_of(session).kind
        self._scheme = set(scheme.ids_by_name(session))
        classes = table.classes.get(table.columns[its_roles.label]) if its_roles.label is not None else None
        self._labels = Labels(self._kind, self._scheme, classes, self._tallies)
        self._screening = Screening(table, its_roles.text, self._tallies)
        self._known = Known(session, table.columns, table.columns[its_roles.text])
        self._comparing = Comparing(session) if its_roles.label is not None else None
        self._grouping = Grouping(database, choice.alike)
        self._fates = bytearray()
        self._lines = array("q")
        self._known_ids = array("q")
        self._ids = bytearray()
        self._seen: dict[Problem, set[bytes]] = {}
        self._counts: dict[str, int] = {}
        self._labelled = 0
        # Sets of a million cost memory: unless repeats are left out they are counted at the end, in arrays.
        self._drops_repeats = any(handling[one] is Action.LEAVE_OUT for one in (Problem.SAME_ID, Problem.SAME_TEXT))
        self._late: dict[str, None] = {}
        self._sample: list[str] = []

    def run(self, progress: Progress) -> Examined | Table:
        """All that is found; or the table with the columns that come late."""
        try:
            rows = 0
            for portion in portions(self._table):
                rows += len(portion)
                self._take(portion)
                progress("reading", rows, self._guess(rows))
                if self._roles.label is not None:
                    self._labels.refuse_many(self._table.columns[self._roles.label], self._table.name)
            if rows == 0:
                raise FileError(f"{self._table.name} has a header but no rows.", "Choose a file with reviews in it.")
            if self._late and self._table.extended is not None:
                return self._table.extended(list(self._late))
            progress("comparing", 0, rows)
            groups = self._grouping.done() if self._lines else None
        finally:
            self._grouping.close()
        sha256 = self._table.source.sha256()
        return Examined(
            self._table, sha256, self._roles, self._screening, self._labels, self._report(rows, groups), groups,
            self._fates, self._known_ids,
        )  # fmt: skip

    def _guess(self, rows: int) -> int:
        known, share = self._table.known_rows, self._table.source.share()
        return max(rows, known if known is not None else round(rows / share) if share else rows)

    def _take(self, portion: list[Entry]) -> None:
        of = self._screening.of
        taken = [of(entry) for entry in portion]
        if self._table.extended is not None:
            self._note_late(portion)
        if len(self._sample) < 3:
            self._note_sample(taken)
        from core.files.grouping import text_digest

        rows = [row for row in taken if row is not None]
        digests = [text_digest(row.text) for row in rows]
        if self._known.is_empty and not self._drops_repeats:
            self._fates += bytes([row is not None for row in taken])
            self._keep(rows, digests)
            return
        looked = iter(self._look_up(rows, digests)) if not self._known.is_empty else None
        kept: list[Taken] = []
        kept_digests: list[bytes] = []
        compared: list[tuple[int, tuple[str, ...]]] = []
        its = iter(digests)
        for row in taken:
            fate = Fate.LEFT_OUT
            if row is not None:
                digest = next(its)
                known = next(looked) if looked is not None else NEW
                if known.review_id:
                    fate = Fate.KNOWN
                    self._known_ids.append(known.review_id)
                    if self._comparing is not None:
                        compared.append((known.review_id, self._names(row)))
                elif self._is_wanted(row, digest, known):
                    fate = Fate.IMPORTED
                    kept.append(row)
                    kept_digests.append(digest)
            self._fates.append(fate)
        self._keep(kept, kept_digests)
        if self._comparing is not None and compared:
            self._comparing.add(compared)

    def _keep(self, rows: list[Taken], digests: list[bytes]) -> None:
        from core.files.grouping import text_digest

        self._grouping.add([row.text for row in rows], digests)
        self._lines.extend([row.line for row in rows])
        at = self._roles.id
        if at is not None:
            self._ids += b"".join([text_digest(as_text(row.cells[at])) for row in rows])
        if self._roles.label is None:
            return
        for row in rows:
            names = self._names(row)
            self._labelled += bool(names)
            for name in names:
                self._counts[name] = self._counts.get(name, 0) + 1

    def _names(self, row: Taken) -> tuple[str, ...]:
        assert self._roles.label is not None
        return self._labels.of(row.cells[self._roles.label], row.line)

    def _look_up(self, rows: list[Taken], digests: list[bytes]) -> list[Looked]:
        text_at = self._roles.text
        if self._roles.id is not None:
            ids = [self._roles.external_id(row.cells) for row in rows]
            return self._known.by_id(list(zip(ids, digests, strict=True)))
        others = [row.cells[:text_at] + row.cells[text_at + 1 :] for row in rows]
        return self._known.by_content(list(zip(others, digests, strict=True)))

    def _is_wanted(self, row: Taken, digest: bytes, known: Looked) -> bool:
        """Whether a row that is new is imported, as far as its id and its likes go."""
        if known.taken:
            tally = self._tallies[Problem.ID_TAKEN]
            tally.note(row.line, f"the id “{self._roles.external_id(row.cells)}” has another text in the project")
            if tally.action is Action.LEAVE_OUT:
                return False
        for problem in (Problem.SAME_ID, Problem.SAME_TEXT):
            tally = self._tallies[problem]
            if tally.action is not Action.LEAVE_OUT or (problem is Problem.SAME_ID and self._roles.id is None):
                continue
            from core.files.grouping import text_digest

            key = digest if problem is Problem.SAME_TEXT else text_digest(as_text(row.cells[self._roles.id or 0]))
            seen = self._seen.setdefault(problem, set())
            if key in seen:
                tally.note(row.line, _again(problem))
                return False
            seen.add(key)
        return True

    def _note_late(self, portion: list[Entry]) -> None:
        for entry in portion:
            if isinstance(entry, Row) and entry.more:
                self._late.update(dict.fromkeys(entry.more))
        if len(self._late) > LATE_COLUMNS:
            raise FileError(
                f"{self._table.name}: its rows have more than {LATE_COLUMNS:,} different names of columns.",
                "Give all rows the same keys.",
            )

    def _note_sample(self, taken: list[Taken | None]) -> None:
        """Texts that show whether the encoding is right: such as are not plain ASCII, if there are any."""
        texts = [row.text for row in taken if row is not None and row.text]
        telling = [text for text in texts if not text.isascii()][:3]
        self._sample = [*telling, *(text for text in texts[: 3 - len(telling)] if text not in telling)]
        self._sample = [text[:300] for text in self._sample]

    def _report(self, rows: int, groups: Groups | None) -> Report:
        from core.files.grouping import repeats

        table, its, tallies = self._table, self._roles, self._tallies
        for problem, places in (
            (Problem.SAME_ID, repeats(bytes(self._ids)) if self._ids else []),
            (Problem.SAME_TEXT, groups.repeated.tolist() if groups is not None else []),
        ):
            for place in places[: problems.SHOWN]:
                tallies[problem].note(self._lines[place], _again(problem))
            tallies[problem].count += max(0, len(places) - problems.SHOWN)
        comparison = self._comparing.found if self._comparing is not None and self._known_ids else None
        return Report(
            file_name=table.name,
            format=table.format,
            rows=rows,
            new=self._fates.count(Fate.IMPORTED),
            known=self._fates.count(Fate.KNOWN),
            left_out=self._fates.count(Fate.LEFT_OUT),
            mended=self._screening.mended,
            columns=table.columns,
            types=table.types,
            encoding=table.encoding,
            delimiter=table.delimiter,
            quote=table.quote,
            header=table.header,
            notes=table.notes,
            text_column=table.columns[its.text],
            id_column=table.columns[its.id] if its.id is not None else None,
            label_column=table.columns[its.label] if its.label is not None else None,
            labelled=self._labelled,
            label_counts=self._counts,
            new_labels=list(self._labels.new),
            label_variants=self._labels.variants,
            empty_texts=tallies[Problem.EMPTY].count,
            duplicate_texts=tallies[Problem.SAME_TEXT].count,
            already_there=groups.already_there if groups is not None else 0,
            duplicate_ids=tallies[Problem.SAME_ID].count,
            alike_texts=groups.alike_texts if groups is not None else 0,
            problems={
                one: replace(tally, examples=list(tally.examples)) for one, tally in tallies.items() if tally.count
            },
            comparison=comparison,
            relabelled=_relabelled(comparison, self._choice.known_labels),
            sample=self._sample,
        )


def _relabelled(comparison: Comparison | None, wanted: KnownLabels) -> int:
    if comparison is None or wanted is KnownLabels.KEEP:
        return 0
    return comparison.only_file + (comparison.different if wanted is KnownLabels.REPLACE else 0)


def _again(problem: Problem) -> str:
    return "its id stands in an earlier row" if problem is Problem.SAME_ID else "its text stands in an earlier row"
