"""Full disks, files that cannot be written, that go away or are held: one sentence, and nothing saved is lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from core.check.examine import examine
from core.errors import LabelloopError, ProjectBusy, ProjectError, ProjectMoved
from core.labelling.session import LabellingSession
from core.storage import backups, sqlite
from core.storage.database import Database, annotator_id, open_project
from core.storage.states import states
from tests.conftest import MakeProject, learnable

ROOT = Path(__file__).parents[2]

FILL = """
import sys
from pathlib import Path
from core.errors import LabelloopError
from core.files.exporting import What, export
from core.labelling.session import LabellingSession
from core.storage import backups
from core.storage.database import open_project
path, limited = Path(sys.argv[1]), sys.argv[2] == "limited"
database = open_project(path)
failed = []
session = LabellingSession(database, "ann", on_failure=lambda review, error: failed.append((review, str(error))))
if limited:
    import resource, signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = path.stat().st_size + 40_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
said = 0
while not failed and session.current is not None:
    session.give([1])
    session.writer.flush()
    said += 1
print("labelled", said - 1)
print("told", failed[0][1])
for name, work in (("export", lambda: export(database, path.with_name("out.csv"), What.ALL)),
                   ("backup", lambda: backups.daily(path))):
    try:
        print(name, "done", work())
    except LabelloopError as error:
        print(name, error)
session.close()
database.close()
"""


def with_little_room(path: Path, folder: Path) -> tuple[Path, list[str]]:
    """Label on a file system without room for it: a small one where that can be mounted, else a limited file size."""
    small = folder / "small"
    small.mkdir()
    size = path.stat().st_size + 600_000
    mounted = (
        f"mount -t tmpfs -o size={size} tmpfs {small} && cp {path} {small}/p.db && "
        f'{sys.executable} -c "$0" {small}/p.db full; cp {small}/p.db* {folder}; ls -a {small}'
    )
    command: list[str | Path] = ["unshare", "-Urm", "sh", "-c", mounted, FILL]
    if (
        shutil.which("unshare") is None
        or subprocess.run(
            ["unshare", "-Urm", "mount", "-t", "tmpfs", "tmpfs", small], capture_output=True, check=False
        ).returncode
    ):
        shutil.copy(path, folder / "p.db")
        command = [sys.executable, "-c", FILL, folder / "p.db", "limited"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert "labelled" in done.stdout, done.stderr[-2_000:]
    return folder / "p.db", done.stdout.splitlines()


@pytest.mark.skipif(os.name == "nt", reason="neither mounts nor limits")
def test_a_full_disk_is_said_and_everything_saved_stays(project: MakeProject, tmp_path: Path) -> None:
    database = project(reviews=[text for text, _ in learnable(1_500)])
    database.close()
    path, said = with_little_room(database.path, tmp_path)
    told = {line.split(" ")[0]: line for line in said}
    number = int(told["labelled"].split(" ")[1])
    assert number > 0
    assert "p.db" in told["told"]
    assert "room" in told["told"] or "disk reports an error" in told["told"]
    assert "room" in told["export"], told["export"]
    assert "backup" in told["backup"]
    assert ".out.csv" not in "".join(said), "no draft is left"
    again = open_project(path)
    with again.reading() as session:
        assert number <= len(states(session, range(1, 1_501))) <= number + 1
    again.close()
    assert examine(path).is_whole


def labelling(database: Database) -> tuple[LabellingSession, list[tuple[int, LabelloopError]]]:
    failed: list[tuple[int, LabelloopError]] = []
    return LabellingSession(database, "ann", lambda review, error: failed.append((review, error))), failed


@pytest.mark.parametrize("what", ["removed", "renamed", "replaced"])
def test_a_project_that_goes_away_while_it_is_open_is_saved_elsewhere(
    project: MakeProject, tmp_path: Path, what: str
) -> None:
    database = project(reviews=[f"text {number}" for number in range(9)])
    session, failed = labelling(database)
    for _ in range(3):
        session.give([1])
    session.writer.flush()
    assert session.current is not None
    lost = session.current.review_id
    if what == "removed":
        for end in ("", "-wal", "-shm"):
            Path(f"{database.path}{end}").unlink()
    elif what == "renamed":
        database.path.rename(tmp_path / "elsewhere.db")
    else:
        shutil.copy(project(reviews=["another"], name="other.db").path, tmp_path / "new.db")
        (tmp_path / "new.db").replace(database.path)
    session.give([2])
    session.writer.flush()
    ((review, error),) = failed
    assert review == lost
    assert isinstance(error, ProjectMoved)
    assert ("was replaced" if what == "replaced" else "was removed or renamed") in str(error)
    (rescued,) = tmp_path.glob("reviews.rescued-*.db")
    assert str(rescued) in str(error)
    assert rescued.stat().st_mode & 0o777 == 0o600
    session.close()
    saved = open_project(rescued)
    with saved.reading() as reading:
        assert len(states(reading, range(1, 10))) == 3
    saved.close()
    assert database.path.exists() is (what == "replaced"), "nothing is made in its place"


def test_a_file_that_cannot_be_written_is_said(project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permissions do not bind the superuser: the file is opened for reading instead."""
    database = project(reviews=["a"])
    database.close()
    database.path.chmod(0o400)
    engine = sqlite.connect(database.path, existing=True)
    if os.geteuid() == 0:
        url = engine.url.set(query={"mode": "ro", "uri": "true"})
        monkeypatch.setattr(sqlite, "URL", type("URL", (), {"create": staticmethod(lambda *_a, **_k: url)}))
        engine = sqlite.connect(database.path)
    opened = Database(database.path, engine)
    with pytest.raises(ProjectError, match=r"reviews\.db cannot be written") as caught:  # noqa: SIM117
        with opened.writing() as session:
            annotator_id(session, "new")
    assert "write permission" in caught.value.remedy
    opened.close()
    database.path.chmod(0o600)


def test_a_file_held_by_another_program_is_said_and_written_later(
    project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.2)
    made = project(reviews=["a", "b"])
    made.close()
    database = open_project(made.path)
    session, failed = labelling(database)
    with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ProjectBusy, match=r"has held .*reviews\.db for more than") as caught:  # noqa: SIM117
            with database.writing():
                pass
        assert "try again" in caught.value.remedy
        session.give([1])
        assert not session.writer.flush(0.5), "it waits"
        other.execute("ROLLBACK")
    assert session.writer.flush()
    assert failed == []
    with database.reading() as reading:
        assert len(states(reading, [1, 2])) == 1
    session.close()
    database.close()


def test_a_clock_that_goes_back_changes_no_order(project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    database = project(reviews=[f"text {number}" for number in range(9)])
    session, failed = labelling(database)
    times = iter([f"20{year}-01-01T00:00:00.000+00:00" for year in (40, 30, 20)])
    monkeypatch.setattr("core.storage.states.utc_now", lambda: next(times))
    decided = []
    for _ in range(3):
        assert session.current is not None
        decided.append(session.current.review_id)
        session.give([1])
    session.writer.flush()
    undone: list[int | None] = []
    for _ in range(3):
        session.undo(lambda step: undone.append(step.review_id if step else None))
        session.writer.flush()
    assert undone == decided[::-1]
    assert failed == []
    session.close()
    assert examine(database.path).is_whole


# ---------------------------------------------------------------------- backups


def test_one_backup_a_day_is_taken_and_a_number_kept(project: MakeProject) -> None:
    database = project(reviews=["a", "b"])
    taken = backups.daily(database.path, 3)
    assert taken is not None
    assert taken.parent == database.path.with_suffix(".backups")
    assert (taken.stat().st_mode & 0o777, taken.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert backups.daily(database.path, 3) is None, "not twice a day"
    for number in range(5):
        _age(database.path, days=2)
        with database.writing() as session:
            annotator_id(session, f"somebody {number}")
        assert backups.daily(database.path, 3) is not None
    kept = backups.existing(database.path)
    assert len(kept) == 3
    assert kept[0].taken_at > kept[1].taken_at > kept[2].taken_at, "also when taken within a second"
    with closing(sqlite3.connect(kept[0].path)) as connection:
        assert connection.execute("SELECT count(*) FROM annotator").fetchone() == (6,)
    _age(database.path, days=2)
    assert backups.daily(database.path, 3) is None, "nothing has changed since"
    with database.writing() as session:
        annotator_id(session, "last")
    assert backups.daily(database.path, 0) is None, "none are wanted"


def _age(project: Path, days: int) -> None:
    """Make it as if the backups, and the project's last change, were of some days ago."""
    copies = [one.path for one in backups.existing(project)]
    for path in (*copies, project, project.with_name(project.name + "-wal")):
        if path.exists():
            at = path.stat().st_mtime - days * 86_400
            os.utime(path, (at, at))


def test_labels_given_during_a_backup_are_written_and_the_backup_is_of_one_moment(
    project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "PAGES", 2)
    database = project(reviews=[text for text, _ in learnable(400)])
    session, failed = labelling(database)
    for _ in range(20):
        session.give([1])
    session.writer.flush()
    copying = threading.Thread(target=backups.copy, args=(database.path, tmp_path / "copy.db"))
    copying.start()
    given = 0
    while copying.is_alive() and given < 300:
        session.give([2])
        session.writer.flush()
        given += 1
    copying.join()
    session.close()
    assert (given > 0, failed) == (True, [])
    assert examine(tmp_path / "copy.db").is_whole
    copied = open_project(tmp_path / "copy.db")
    with copied.reading() as reading:
        assert 20 <= len(states(reading, range(1, 401))) < 20 + given
    copied.close()


def test_without_room_or_permission_a_backup_says_so_and_leaves_nothing(
    project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = project(reviews=["a"])
    usage = shutil.disk_usage(database.path)
    monkeypatch.setattr("core.storage.backups.shutil.disk_usage", lambda _path: usage._replace(free=10))
    with pytest.raises(ProjectError, match="There is no room for a backup") as caught:
        backups.daily(database.path)
    assert "“backups”" in caught.value.remedy
    assert list(database.path.with_suffix(".backups").iterdir()) == []
    monkeypatch.undo()
    shutil.rmtree(database.path.with_suffix(".backups"))
    database.path.with_suffix(".backups").write_text("a file in its place")
    with pytest.raises(ProjectError, match="No backup can be written"):
        backups.daily(database.path)


def test_a_backup_that_is_no_longer_wanted_leaves_nothing(project: MakeProject) -> None:
    database = project(reviews=["a"])
    assert backups.daily(database.path, wanted=lambda: False) is None
    assert list(database.path.with_suffix(".backups").iterdir()) == []
