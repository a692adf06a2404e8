"""The import command: every format, what to do about problems, standard input, a data set of the hub."""

from __future__ import annotations

import gzip
import http.server
import json
import os
import random
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from core import settings
from core.storage import backups
from tests.cli.conftest import Command

Document = Callable[..., Any]


@pytest.fixture
def path(document: Document, tmp_path: Path) -> Path:
    """An empty project."""
    document("new", tmp_path / "a.db", "--labels", "good,bad")
    return tmp_path / "a.db"


def test_a_dry_run_says_how_it_is_read_and_what_is_wrong(labelloop: Command, path: Path) -> None:
    Path("shop.csv").write_bytes(
        "id;text;mark\n1;schön – für große Leute;Good\n2;a;b;bad\n3;\x1b[2Jhello;bad\n4;;bad\n".encode("cp1252")
    )
    result = labelloop("import", path, "shop.csv", "--label", "mark", "--dry-run")
    words = " ".join(result.stdout.split())
    for part in (
        "shop.csv, Windows-1252, cells between semicolons",
        "3 new of 4, 1 left out",
        "bad lines 1, nothing is imported: line 3: 4 cells where the header has 3",
        "control characters 1, kept, and shown visibly: line 4: U+001B in “␛[2Jhello”",
        "empty texts 1, kept, never trained on: line 5: no text",
        "labels by case 1, nothing is imported: line 2: “Good”, where “good” is another label",
        "· schön – für große Leute",
        "It would stop here: shop.csv, line 3: 4 cells",
    ):
        assert part in words
    assert "\x1b" not in result.stdout
    done = labelloop(
        "import", path, "shop.csv", "--label", "mark", "--on", "bad-lines=mend", "--on", "label-case=mend",
        "--on", "empty=leave-out",
    )  # fmt: skip
    assert done.exit_code == 0
    assert "Imported 3 reviews" in done.stdout


def test_problems_and_actions_that_are_none_are_named(labelloop: Command, path: Path) -> None:
    Path("a.csv").write_text("text\nfine\n", encoding="utf-8")
    for given, told in (("bad=mend", "“bad=mend” is not understood"), ("empty=mend", "cannot be done about “empty”")):
        result = labelloop("import", path, "a.csv", "--on", given)
        assert result.exit_code == 1
        assert told in result.stderr


def test_how_a_file_is_written_can_be_said(document: Document, path: Path) -> None:
    Path("a.dat").write_text("1:'a:b'\n2:'c'\n", encoding="utf-8")
    report = document(
        "import", path, "a.dat", "--format", "csv", "--delimiter", ":", "--quote", "'", "--no-header", "--dry-run"
    )
    assert (report["columns"], report["rows"], report["quote"]) == (["column 1", "column 2"], 2, "'")
    assert report["text_column"] == "column 2"


def test_the_same_file_again_brings_nothing_and_says_so(labelloop: Command, document: Document, path: Path) -> None:
    Path("a.csv").write_text("id,text,mark\n1,one,good\n2,two,bad\n", encoding="utf-8")
    document("import", path, "a.csv")
    again = labelloop("import", path, "a.csv", "--label", "mark")
    assert again.exit_code == 0
    words = " ".join(again.stdout.split())
    assert "Nothing new was imported, 2 are in the project already." in words
    assert "2 only in the file (none here, good there: 1; none here, bad there: 1)" in words
    report = document("import", path, "a.csv", "--label", "mark", "--known-labels", "fill")
    assert (report["new"], report["known"], report["relabelled"]) == (0, 2, 2)
    assert report["comparison"]["pairs"][0] == {"project": "", "file": "good", "reviews": 1}
    assert document("status", path)["labelled"] == 2


def test_standard_input(path: Path) -> None:
    lines = b'{"id": 1, "text": "one"}\n{"id": 2, "text": "two"}\n'
    done = subprocess.run(
        [sys.executable, "-m", "tui.cli.main", "import", str(path), "-", "--json"],
        input=gzip.compress(lines),
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    report = json.loads(done.stdout)
    assert (report["file_name"], report["format"], report["new"]) == ("standard input", "jsonl", 2)


class Hub(http.server.BaseHTTPRequestHandler):
    """As much of the hub as fetching the files of a data set needs."""

    files = {f"data/train-0000{n}-of-00002.jsonl": f'{{"text": "shard {n}"}}\n'.encode() for n in range(2)}
    commit = "0" * 40

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        where = self.path.split("?")[0]
        name = where.partition("/resolve/")[2].partition("/")[2]
        if where.startswith("/api/datasets/someone/reviews/tree/"):
            listed = [{"type": "file", "path": one, "size": 9, "oid": "0"} for one in (*self.files, "README.md")]
            self._send(json.dumps(listed).encode())
        elif where.startswith("/api/datasets/someone/reviews"):
            siblings = [{"rfilename": one} for one in (*self.files, "README.md")]
            self._send(json.dumps({"id": "someone/reviews", "sha": self.commit, "siblings": siblings}).encode())
        elif name in self.files:
            self._send(self.files[name])
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _send(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hash(content):x}"')
        self.send_header("X-Repo-Commit", self.commit)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_data_set_of_the_hub_by_its_name(path: Path, hub: str, tmp_path: Path) -> None:
    def fetch(name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tui.cli.main", "import", str(path), name, "--json"],
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(__file__).parents[2]),
                "HF_HUB_OFFLINE": "0",
                "HF_ENDPOINT": hub,
                "HF_HOME": str(tmp_path / "cache"),
                "HF_HUB_DISABLE_XET": "1",
            },
        )

    done = fetch("hf:someone/reviews")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["file_name"], report["rows"], report["new"]) == ("someone/reviews", 2, 2)
    missing = fetch("hf:someone/nothing")
    assert missing.returncode == 1
    assert "The Hugging Face hub has no data set someone/nothing" in missing.stderr


def test_a_command_that_changes_a_project_takes_its_daily_backup(labelloop: Command, path: Path) -> None:
    Path("a.csv").write_text("text\nfine\nbroken\n", encoding="utf-8")
    assert labelloop("import", path, "a.csv", "--dry-run").exit_code == 0
    assert labelloop("status", path).exit_code == 0
    assert not backups.existing(path), "looking changes nothing"
    assert labelloop("import", path, "a.csv").exit_code == 0
    (taken,) = backups.existing(path)
    with closing(sqlite3.connect(taken.path)) as connection:
        assert connection.execute("SELECT count(*) FROM review").fetchone() == (2,), "what was done is in it"
    assert labelloop("undo", path).exit_code == 0
    assert backups.existing(path) == [taken], "one a day"


def test_where_no_backup_can_be_made_the_command_is_done_and_says_so(labelloop: Command, path: Path) -> None:
    path.with_suffix(".backups").write_text("a file in its place")
    Path("a.csv").write_text("text\nfine\n", encoding="utf-8")
    result = labelloop("import", path, "a.csv")
    assert result.exit_code == 0
    assert "Imported 1 review" in result.stdout
    assert "No backup can be written" in result.stderr


def test_without_backups_in_the_settings_none_is_taken(labelloop: Command, path: Path) -> None:
    settings.save({"backups": 0})
    Path("a.csv").write_text("text\nfine\n", encoding="utf-8")
    assert labelloop("import", path, "a.csv").exit_code == 0
    assert not backups.existing(path)


LITTLE = """
import resource, signal, sys
from tui.cli.main import app
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
app(sys.argv[2:])
"""
"""A command that finds no room for more than some bytes in a file."""


@pytest.mark.skipif(os.name == "nt", reason="no limits there")
@pytest.mark.parametrize(
    ("room", "arguments", "told"),
    [
        (5_000, ["new", "b.db", "--labels", "a,b"], "b.db"),
        (100_000, ["import", "a.db", "long.csv"], "No file for the texts to wait in can be written"),
        (100_000, ["import", "a.db", "-"], "There is no room in"),
        (100_000, ["import", "a.db", "long.csv.gz"], "No file for the texts to wait in can be written"),
    ],
    ids=["new", "file", "standard input", "packed"],
)
def test_without_room_on_a_disk_it_is_said_and_nothing_stays(
    path: Path, tmp_path: Path, room: int, arguments: list[str], told: str
) -> None:
    draw = random.Random(1)
    rows = [" ".join(draw.choices(["good", "bad", "phone", "late"], k=40)) + str(row) for row in range(2_000)]
    content = "\n".join(["text", *rows]).encode()
    Path("long.csv").write_bytes(content)
    Path("long.csv.gz").write_bytes(gzip.compress(content))
    (tmp_path / "waiting").mkdir()
    before, there = path.read_bytes(), sorted(tmp_path.iterdir())
    done = subprocess.run(
        [sys.executable, "-c", LITTLE, str(room), *arguments],
        input=content, capture_output=True, check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "TMPDIR": str(tmp_path / "waiting")},
    )  # fmt: skip
    assert done.returncode == 1
    assert told in done.stderr.decode()
    assert "should not have happened" not in done.stderr.decode()
    assert path.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == there
    assert list((tmp_path / "waiting").iterdir()) == [], "no text is left lying about"
