"""How long an import of very many reviews takes, what it weighs, and which near-duplicates it finds.

    python -m tests.benchmarks.importing [--rows 1000000] [--alike 0.8] [--format csv|jsonl|parquet]

Imported and read each in a process of its own. Beside the import stand pandas, which only reads the same file, and
the reader of labelloop, which gives its rows one at a time.
"""

from __future__ import annotations

import argparse
import csv
import json
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from core.files.alike import similarity
from tests.benchmarks.corpus import write_corpus

IMPORT = """
import json, resource, sys, time
from pathlib import Path
from core.files.importing import Choice, import_file
from core.labels import SchemeKind, new_labels
from core.storage.database import create
database = create(Path(sys.argv[2]), SchemeKind.SINGLE, new_labels(["positive", "negative"]))
choice = Choice(Path(sys.argv[1]), text_column="text", id_column="id", alike=float(sys.argv[3]))
began = time.perf_counter()
report = import_file(database, choice, "bench")
database.close()
seconds = time.perf_counter() - began
usage = resource.getrusage(resource.RUSAGE_SELF)
peak, cpu = usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime
print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak, "alike": report.alike_texts}))
"""

READ = """
import json, resource, sys, time
import pandas
began = time.perf_counter()
file = sys.argv[1]
if file.endswith(".csv"):
    pandas.read_csv(file)
elif file.endswith(".jsonl"):
    pandas.read_json(file, lines=True)
else:
    pandas.read_parquet(file)
seconds = time.perf_counter() - began
usage = resource.getrusage(resource.RUSAGE_SELF)
peak, cpu = usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime
print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak}))
"""

ROWS = """
import json, resource, sys, time
from core.files.reading import open_table
began = time.perf_counter()
for row in open_table(sys.argv[1]).rows():
    pass
seconds = time.perf_counter() - began
usage = resource.getrusage(resource.RUSAGE_SELF)
peak, cpu = usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime
print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak}))
"""


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--alike", type=float, default=0.8)
    arguments.add_argument("--format", choices=("csv", "jsonl", "parquet"), default="csv")
    wanted = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file, project = Path(folder) / "reviews.csv", Path(folder) / "reviews.db"
        write_corpus(file, wanted.rows)
        given = _converted(file, wanted.format)
        read = _run(READ, given)
        rows = _run(ROWS, given)
        imported = _run(IMPORT, given, project, wanted.alike)
        near, found, wrong = _planted(file, project, wanted.alike)
        size = f"{given.stat().st_size / 2**20:,.0f} MB of {wanted.format}"
        title = f"Import of {wanted.rows:,} reviews, {size}; {psutil.cpu_count()} cores"
        table = Table(title=f"{title}; load {psutil.getloadavg()[0]:.1f}")
        for column in ("what", "seconds", "of these busy", "rows/s", "ratio", "peak memory, MB"):
            table.add_column(column)
        for name, one in (("pandas, reading", read), ("labelloop, reading", rows), ("labelloop import", imported)):
            table.add_row(
                name,
                f"{one['seconds']:.1f}",
                f"{one['cpu']:.1f}",
                f"{wanted.rows / one['seconds']:,.0f}",
                f"{one['seconds'] / read['seconds']:.1f}",
                f"{one['peak']:,.0f}",
            )
        Console().print(table)
        Console().print(
            f"Project file {project.stat().st_size / 2**20:,.0f} MB. {imported['alike']:,} texts grouped with a "
            f"different one, {wrong:,} of them less than {wanted.alike} similar; {found / max(1, near):.1%} of the "
            f"{near:,} planted near-duplicates that are {wanted.alike} similar or more found."
        )


def _converted(file: Path, format: str) -> Path:
    """The corpus in another format, written a portion at a time."""
    if format == "csv":
        return file
    import pyarrow as pa
    import pyarrow.parquet as pq

    target = file.with_suffix(f".{format}")
    with file.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines)
        if format == "jsonl":
            with target.open("w", encoding="utf-8") as out:
                out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            return target
        names = rows.fieldnames or ()
        schema = pa.schema([(name, pa.string()) for name in names])
        with pq.ParquetWriter(target, schema) as writer:
            while portion := list(islice(rows, 50_000)):
                writer.write_table(pa.Table.from_pylist(portion, schema))
    return target


def _run(program: str, *arguments: object) -> dict[str, Any]:
    command = [sys.executable, "-P", "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _planted(file: Path, project: Path, threshold: float) -> tuple[int, int, int]:
    """Planted copies that are similar enough, those of them in one group, and grouped reviews that are not."""
    with file.open(encoding="utf-8", newline="") as lines:
        copies = [(int(row["id"][1:]), int(row["copy_of"][1:])) for row in csv.DictReader(lines) if row["copy_of"]]
    with closing(sqlite3.connect(project)) as connection:
        one = "SELECT text, group_id FROM review WHERE id = ?"
        near = found = 0
        for copy, original in copies:
            (text, group), (other, its) = (
                connection.execute(one, (number,)).fetchone() for number in (copy, original)
            )
            if similarity(text, other) >= threshold:
                near += 1
                found += group == its
        grouped = connection.execute(
            "SELECT a.text, b.text FROM review a JOIN review b ON b.id = a.group_id WHERE a.group_id != a.id"
        )
        wrong = sum(similarity(text, other) < threshold for text, other in grouped)
    return near, found, wrong


if __name__ == "__main__":
    main()
