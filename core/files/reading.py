"""Reading files of every format without losing or guessing away a single cell.

`open_table` recognises a file by its suffix and what is in it and gives a `Table`, which knows its columns and gives
its rows one at a time. Each format is a module under `formats`.
"""

from __future__ import annotations

from pathlib import Path

from core.errors import FileError
from core.files import encodings, hub, inputs
from core.files.formats import dialect, plain_text
from core.files.formats.delimited import delimited
from core.files.inputs import Input
from core.files.table import BadRow, Entry, ReadingOptions, Row, Table

__all__ = ["FORMATS", "BadRow", "Entry", "ReadingOptions", "Row", "Table", "open_table"]

FORMATS = ("csv", "tsv", "text", "jsonl", "json", "parquet", "xlsx")

_BY_SUFFIX = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
}

_OTHERS = {
    ".xls": "Open it in a spreadsheet program and save it as xlsx or CSV.",
    ".ods": "Open it in a spreadsheet program and save it as xlsx or CSV.",
    ".doc": "Save it as plain text.",
    ".docx": "Save it as plain text.",
    ".pdf": "Save it as plain text.",
    ".rar": "Unpack it first.",
    ".7z": "Unpack it first.",
    ".tar": "Unpack it first.",
    ".tgz": "Unpack it first.",
    ".db": "Give a file with reviews; a project is opened with “labelloop open”.",
}
"""Files that people try, and what to do with them."""

MOST_COLUMNS = 10_000
"""Columns of a table; more are a file that is no table."""


def open_table(named: Path | str, encoding: str | None = None, options: ReadingOptions | None = None) -> Table:
    """Recognise what a path, “-” (standard input), or `hf:owner/name` (the hub) stands for, and read its columns.

    Raises FileError with a sentence when it is missing, empty, of another kind, damaged, or not to be trusted.
    """
    said = options or ReadingOptions()
    if said.format is not None and said.format not in FORMATS:
        raise FileError(f"There is no format “{said.format}”.", f"The formats are: {', '.join(FORMATS)}.")
    if (name := hub.named(str(named))) is not None:
        return hub.joined(name, hub.fetch(name), lambda path: _recognised(inputs.find(path), encoding, said))
    path = Path(named).expanduser()
    with inputs.reading(path):
        is_folder = str(named) != inputs.STANDARD_INPUT and path.is_dir()
    if is_folder:
        return plain_text.folder(path, encoding)
    found = inputs.find(named)
    try:
        return _recognised(found, encoding, said)
    except BaseException:
        found.close()
        raise


def _recognised(source: Input, encoding: str | None, said: ReadingOptions) -> Table:
    with inputs.reading(source.path), source.open() as file:
        found = encodings.beginning(file)
    if not found.head.strip():
        raise FileError(f"{source.name} is empty.", "Choose a file with a header line and reviews below it.")
    format = said.format or _format(source, found.head)
    table = _opened(source, format, found, encoding, said)
    if len(table.columns) > MOST_COLUMNS:
        raise FileError(
            f"{source.name} has {len(table.columns):,} columns.", f"A table has at most {MOST_COLUMNS:,} of them."
        )
    return table


def _opened(
    source: Input, format: str, found: encodings.Beginning, encoding: str | None, said: ReadingOptions
) -> Table:
    if format == "parquet":
        from core.files.formats.parquet import parquet

        return parquet(source)
    if format == "xlsx":
        from core.files.formats.workbook import workbook

        return workbook(source, said.sheet)
    codec = (
        encodings.wanted(encoding, found.head) if encoding is not None else encodings.recognise(found, source.name)
    )
    try:
        text = found.head.decode(codec, errors="ignore").removeprefix("\ufeff")
    except UnicodeError as error:
        raise FileError(
            f"{source.name} is not written in {codec}.", "Name its encoding, as --encoding cp1252."
        ) from error
    if format in ("json", "jsonl"):
        from core.files.formats.json_text import is_lines, json_document, json_lines

        as_lines = is_lines(text, format == "jsonl") if said.format is None else format == "jsonl"
        return json_lines(source, codec) if as_lines else json_document(source, codec)
    if format == "tsv":
        said = ReadingOptions(delimiter="\t", header=said.header, quote=said.quote)
    guessed = dialect.guess(text, found.whole, said.delimiter, said.quote, said.header)
    if format == "text" and (said.format == "text" or (said.delimiter is None and not _is_delimited(guessed, text))):
        return plain_text.lines(source, codec)
    return delimited(source, codec, guessed, "tsv" if guessed.delimiter == "\t" else "csv")


def _format(source: Input, head: bytes) -> str:
    """By its suffix, else by how it begins."""
    if source.suffix in _OTHERS:
        raise FileError(f"{source.name}: files ending in “{source.suffix}” cannot be read.", _OTHERS[source.suffix])
    known = _BY_SUFFIX.get(source.suffix)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PK\x03\x04"):
        return "xlsx"
    if known is not None:
        return known
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if source.suffix in plain_text.SUFFIXES or start not in (b"{", b"["):
        return "csv" if source.suffix in ("", ".dat", ".log") and _looks_delimited(head) else "text"
    return "json"


def _looks_delimited(head: bytes) -> bool:
    return any(sign.encode() in head.partition(b"\n")[0] for sign in dialect.DELIMITERS)


def _is_delimited(guessed: dialect.Dialect, text: str) -> bool:
    """Whether a file of text is a table: every row as wide as the first, of at least two cells, and a header."""
    rows, broken = dialect.sampled(guessed, text, False)
    widths = {len(row) for row in rows if row}
    if broken or len(widths) != 1 or widths == {1}:
        return False
    return guessed.delimiter != "," or any(cell.strip().casefold() in dialect.KNOWN for cell in rows[0])
