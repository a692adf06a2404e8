"""A project is looked at without being changed; what is in the way of mending it is said."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from core.check.examine import examine
from core.check.findings import Verdict
from core.check.repair import repair
from core.errors import DiskError, ProjectBusy
from tests.check.damage import change, verdict


def test_a_sound_project_is_whole_and_looking_at_it_changes_nothing(path: Path) -> None:
    before = path.read_bytes()
    report = examine(path)
    assert report.is_whole, report
    assert {one.verdict for one in report.findings} <= {Verdict.GOOD, Verdict.NOTICE}
    assert {"file", "tables", "references", "reviews", "journal", "queue", "search", "models"} <= {
        one.part for one in report.findings
    }
    assert path.read_bytes() == before
    done = repair(path)
    assert (done.aside, done.restored, done.lost) == (None, [], [])
    assert path.read_bytes() == before


@pytest.mark.parametrize("reason", ["attempt to write a readonly database", "disk I/O error"])
def test_a_project_that_cannot_be_opened_is_not_called_damaged(
    path: Path, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    """A folder without write permission, a disk without room for SQLite's own files: the file may be whole."""

    def refuse(_engine: object) -> None:
        raise sqlite3.OperationalError(reason)

    before = path.read_bytes()
    monkeypatch.setattr("core.check.examine.migrate.revision", refuse)
    for look in (examine, repair):
        with pytest.raises(DiskError, match="cannot be") as caught:
            look(path)
        assert caught.value.remedy
    assert path.read_bytes() == before


def test_a_model_that_is_not_the_one_of_its_record_is_found_and_moved_aside(path: Path) -> None:
    folder = path.with_suffix(".models") / "run-1"
    folder.mkdir(parents=True, mode=0o700)
    folder.parent.chmod(0o700)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "config.json").write_text("{}")
    files = {"config.json": hashlib.sha256(b"{}").hexdigest()}
    (folder / "labelloop.json").write_text(json.dumps({"files": files}))
    change(path, f"UPDATE run SET folder = 'run-1', weights_sha256 = '{hashlib.sha256(b'weights').hexdigest()}'")
    assert examine(path).is_whole
    (folder / "config.json").write_text('{"other": 1}')
    report = examine(path)
    assert report.damaged_parts() == ["models"]
    assert any("config.json has another SHA-256" in text for one in report.findings for text in one.examples)
    done = repair(path)
    assert done.after is not None
    assert done.after.is_whole
    assert any("model of run 1" in one for one in done.lost)
    (aside,) = folder.parent.glob("run-1.damaged-*")
    assert (aside / "config.json").read_text() == '{"other": 1}'


def test_leftovers_and_open_permissions_are_told(path: Path) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    draft = path.with_name(f".{path.name}.{int(gone.stdout)}.tmp")
    draft.write_text("half a project")
    (path.with_suffix(".models") / "run-77").mkdir(parents=True)
    path.chmod(0o644)
    report = examine(path)
    assert report.is_whole
    assert verdict(report, "leftovers") is verdict(report, "permissions") is Verdict.NOTICE
    told = " ".join(text for one in report.findings for text in one.examples)
    assert draft.name in told
    assert "run-77" in told
    done = repair(path)
    assert done.aside is None
    assert path.stat().st_mode & 0o777 == 0o600
    assert done.after is not None
    assert verdict(done.after, "permissions") is Verdict.GOOD


OPEN = """
import sys
from pathlib import Path
from core.storage.database import open_project
database = open_project(Path(sys.argv[1]))
with database.reading() as session:
    pass
print("open", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(os.name == "nt", reason="locks are not told there")
def test_a_project_that_is_open_elsewhere_is_not_repaired(path: Path) -> None:
    change(path, "DELETE FROM annotation_label")
    with subprocess.Popen(
        [sys.executable, "-c", OPEN, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        other.stdout.readline()
        with pytest.raises(ProjectBusy, match="open in another program") as caught:
            repair(path)
        assert "Close it there" in caught.value.remedy
        other.stdin.close()
    assert repair(path).aside is not None


def test_an_older_schema_is_looked_at_and_not_changed(tmp_path: Path) -> None:
    from core.storage import migrate, sqlite

    path = tmp_path / "old.db"
    engine = sqlite.connect(path)
    with engine.connect() as connection:
        sqlite.mark(connection)
        connection.commit()
    migrate.upgrade(engine, "0001")
    engine.dispose()
    report = examine(path)
    assert report.is_whole
    assert verdict(report, "tables") is Verdict.GOOD
    assert verdict(report, "journal") is Verdict.SKIPPED
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
