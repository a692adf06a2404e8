"""How long an export of very many reviews takes, and what it weighs; beside it pandas doing only the writing.

    python -m tests.benchmarks.exporting [--rows 1000000] [--formats csv,jsonl,parquet] [PROJECT.db]

Each in a process of its own. The time of labelloop includes reading the file back and comparing every cell. Without a
project one of the corpus is made.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from tests.benchmarks.corpus import make_project

MEASURED = """
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"seconds": seconds, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss / 1024}))
"""

EXPORT = (
    """
import json, resource, sys, time
from pathlib import Path
from core.files.exporting import What, Wish, export
from core.storage.database import open_project
database = open_project(Path(sys.argv[1]))
began = time.perf_counter()
export(database, Path(sys.argv[2]), Wish(What.ALL, card=False))
seconds = time.perf_counter() - began
"""
    + MEASURED
)

PANDAS = (
    """
import json, resource, sys, time
import pandas
path = sys.argv[2]
suffix = path.rsplit(".", 1)[-1]
read = {"csv": pandas.read_csv, "jsonl": lambda p: pandas.read_json(p, lines=True), "parquet": pandas.read_parquet}
frame = read[suffix](sys.argv[1])
write = {"csv": lambda: frame.to_csv(path, index=False), "parquet": lambda: frame.to_parquet(path),
         "jsonl": lambda: frame.to_json(path, orient="records", lines=True)}[suffix]
began = time.perf_counter()
write()
seconds = time.perf_counter() - began
"""
    + MEASURED
)


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("project", type=Path, nargs="?")
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--formats", default="csv,jsonl,parquet")
    wanted = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "reviews.db"
        if wanted.project is None:
            make_project(project, wanted.rows, 10_000, suggestions=True)
        else:
            shutil.copyfile(wanted.project, project)
        rows = _rows(project)
        load = psutil.getloadavg()[0]
        table = Table(title=f"Export of {rows:,} reviews; {psutil.cpu_count()} cores; load {load:.1f}")
        for column in ("what", "seconds", "of these busy", "rows/s", "peak memory, MB", "file, MB"):
            table.add_column(column, justify="left" if column == "what" else "right")
        for format in wanted.formats.split(","):
            out, other = Path(folder) / f"out.{format}", Path(folder) / f"pandas.{format}"
            _add(table, f"labelloop, {format}", _run(EXPORT, project, out), rows, out)
            if format in ("csv", "jsonl", "parquet"):
                _add(table, f"pandas, {format}, writing only", _run(PANDAS, out, other), rows, other)
            out.unlink(missing_ok=True)
            other.unlink(missing_ok=True)
        Console(width=120).print(table)


def _add(table: Table, name: str, one: dict[str, float], rows: int, file: Path) -> None:
    cells = (f"{one['seconds']:.1f}", f"{one['cpu']:.1f}", f"{rows / one['seconds']:,.0f}", f"{one['peak']:,.0f}")
    table.add_row(name, *cells, f"{file.stat().st_size / 2**20:,.0f}")


def _rows(project: Path) -> int:
    from core.storage import browse
    from core.storage.database import open_project

    database = open_project(project)
    with database.reading() as session:
        rows = browse.counts(session, with_audit=False).reviews
    database.close()
    return rows


def _run(program: str, *arguments: object) -> dict[str, Any]:
    command = [sys.executable, "-P", "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


if __name__ == "__main__":
    main()
