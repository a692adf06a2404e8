"""The migrations arrive, from the first schema on, exactly where the models are."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlmodel import SQLModel

from core.storage import browse, decisions, journal, migrate, scheme, sqlite
from core.storage.database import open_project
from core.storage.states import states

SEARCH = "review_search"
"""The full-text index and its inner tables are made by hand: no model declares them."""


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(migrate.FOLDER))
    return ScriptDirectory.from_config(config)


def test_head_is_the_newest_script_and_scripts_are_a_line() -> None:
    assert scripts().get_heads() == [migrate.HEAD]
    for script in scripts().walk_revisions():
        assert Path(script.path).name.startswith(f"{script.revision}_"), "named after its number"
        assert re.fullmatch(r"\d{4}", script.revision)


def test_migrating_step_by_step_from_nothing_gives_what_the_models_declare(tmp_path: Path) -> None:
    engine = sqlite.connect(tmp_path / "p.db")
    assert migrate.revision(engine) is None
    for script in reversed(list(scripts().walk_revisions())):
        migrate.upgrade(engine, script.revision)
        assert migrate.revision(engine) == script.revision

    def ours(_object: object, name: str | None, _kind: str, _reflected: bool, _to: object) -> bool:
        return not (name or "").startswith(SEARCH)

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": ours})
        assert compare_metadata(context, SQLModel.metadata) == []
        made = inspect(connection)
        assert set(SQLModel.metadata.tables) < set(made.get_table_names())
        for table in SQLModel.metadata.sorted_tables:
            declared = {str(index.name): [column.name for column in index.columns] for index in table.indexes}
            indexes = {str(one["name"]): one for one in made.get_indexes(table.name)}
            assert {name for name, one in indexes.items() if not one["unique"]} <= set(declared)
            assert {name: indexes[name]["column_names"] for name in declared} == declared
            keys = {
                (tuple(key.column_keys), key.elements[0].target_fullname) for key in table.foreign_key_constraints
            }
            assert keys == {
                (tuple(key["constrained_columns"]), f"{key['referred_table']}.{key['referred_columns'][0]}")
                for key in made.get_foreign_keys(table.name)
            }
            assert table.primary_key.columns.keys() == made.get_pk_constraint(table.name)["constrained_columns"]
            assert {column.name: column.nullable for column in table.columns} == {
                column["name"]: column["nullable"] for column in made.get_columns(table.name)
            }
    engine.dispose()


FIRST = """
INSERT INTO project VALUES (1, 'old', 'single', 7, 0.2, NULL, 1, '2025-01-01T00:00:00.000+00:00');
INSERT INTO annotator VALUES (1, 'ann');
INSERT INTO label VALUES (1, 'positive', '1', 'green', '', '["good"]', 0, 0, 0);
INSERT INTO label VALUES (2, 'negative', '2', 'red', '', '[]', 1, 0, 0);
INSERT INTO source VALUES (1, 'a.csv', 'x', 'utf-8', ',', '["id", "text"]', 'text', 'id', NULL, 1, '2025-01-01', 0);
INSERT INTO review VALUES (1, 1, 1, 'r1', 'a fine review', '["r1"]', zeroblob(16), 1, 5, 0);
INSERT INTO review_search (rowid, text) VALUES (1, 'a fine review');
INSERT INTO annotation VALUES (1, 1, 'labelled', 1, 'a note', 'person', NULL, NULL, '2025-01-01T00:00:00.000+00:00');
INSERT INTO annotation_label VALUES (1, 1, 2);
"""


def test_a_project_of_the_first_schema_keeps_all_that_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    engine = sqlite.connect(path)
    migrate.upgrade(engine, "0001")
    engine.dispose()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA application_id = {sqlite.APPLICATION_ID}")
        connection.executescript(FIRST)
    connection.close()
    database = open_project(path)
    with database.reading() as session:
        state = states(session, [1])[1]
        assert (state.label_ids, state.decision, state.flagged, state.note) == ((2,), "labelled", True, "a note")
        assert [(label.name, label.keywords) for label in scheme.labels(session)] == [
            ("positive", ["good"]),
            ("negative", []),
        ]
        assert browse.page(session, browse.Filter(words="fine"), 0, 10) == [1]
        assert sqlite.integrity(session.connection()) == []
    with database.writing() as session:
        assert decisions.clear(session, 1, "clear", [1]) is not None
        assert journal.undo(session) is not None
        assert states(session, [1])[1] == state
    database.close()
    assert len(list(tmp_path.glob("old.backups/old.before-*.db"))) == (migrate.HEAD != "0001"), (
        "a backup is made when it was behind"
    )
