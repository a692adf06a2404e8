"""A decision that was on the screen when its process was killed is in the project when it is opened again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from core.labelling.session import LabellingSession
from core.storage import journal, pending
from core.storage.database import Database, open_project
from core.storage.states import states
from tests.conftest import MakeProject

KILLED = """
import os, signal, sys
from pathlib import Path
from core.labelling.session import LabellingSession
from core.storage.database import open_project
from core.storage import writer
writer.GRACE = 60.0  # nothing reaches the project before the end
session = LabellingSession(open_project(Path(sys.argv[1])), "ann", in_background=lambda work: None)
said = []
for number in range(5):
    said.append(session.current.review_id)
    session.give([1 + number % 2])
said.append(session.current.review_id)
session.flag()
print(said, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(path: Path) -> list[int]:
    """The reviews that a session decided about before it was killed."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, check=False)
    assert done.returncode < 0
    found: list[int] = json.loads(done.stdout)
    return found


def left(database: Database) -> list[Path]:
    return list(database.path.parent.glob(".*.pending"))


def test_what_a_killed_session_had_decided_is_entered_once(project: MakeProject) -> None:
    database = project(reviews=[f"text {number}" for number in range(20)])
    said = killed(database.path)
    assert len(left(database)) == 1
    assert left(database)[0].stat().st_mode & 0o777 == 0o600
    with database.reading() as session:
        assert states(session, said) == {}, "nothing had reached the project"
    opened = LabellingSession(database, "ann")
    with database.reading() as session:
        found = states(session, said)
    assert [found[one].label_ids for one in said[:5]] == [(1,), (2,), (1,), (2,), (1,)]
    assert found[said[5]].flagged
    assert opened.current is not None
    assert opened.current.review_id not in said
    opened.close()
    assert left(database) == []
    with database.writing() as session:
        for _ in range(6):
            assert journal.undo(session) is not None
        assert journal.undo(session) is not None, "the import"


def test_what_the_project_has_is_not_entered_again_though_undone_since(project: MakeProject) -> None:
    database = project(reviews=["a", "b"])
    opened = LabellingSession(database, "ann")
    (file,) = left(database)
    opened.give([1])
    line = file.read_bytes()
    opened.writer.flush()
    assert file.read_bytes() == b"", "what is in the project need not be noted"
    opened.close()
    with database.writing() as session:
        assert journal.undo(session) is not None
    file.with_name(f".{database.path.name}.999999999.1.pending").write_bytes(line + b'{"half a line')
    assert pending.recover(database) == 0
    with database.reading() as session:
        assert states(session, [1, 2]) == {}
    assert left(database) == []


def test_a_session_that_lives_keeps_its_file(project: MakeProject) -> None:
    database = project(reviews=["a", "b"])
    first = LabellingSession(database, "ann")
    other = open_project(database.path)
    second = LabellingSession(other, "bob")
    assert len(left(database)) == 2
    first.close()
    second.close()
    other.close()
    assert left(database) == []


def test_where_no_file_can_be_made_labelling_goes_on(project: MakeProject) -> None:
    database = project(reviews=["a", "b"])
    note = pending.Pending(Path("/proc/none.db") if os.name == "posix" else Path("?:/none.db"))
    note.settled()
    note.close()
    opened = LabellingSession(database, "ann")
    opened.give([1])
    opened.close()
