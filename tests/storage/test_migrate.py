"""The migrations arrive, from the first schema on, exactly where the models are."""

from __future__ import annotations

import re
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlmodel import SQLModel

from core.storage import migrate, sqlite

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
