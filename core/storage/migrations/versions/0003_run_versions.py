"""Runs have names and notes, can be resumed, taken out and rolled back to; noted reviews have an index."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    "ALTER TABLE run ADD COLUMN name VARCHAR NOT NULL DEFAULT ''",
    "ALTER TABLE run ADD COLUMN note VARCHAR NOT NULL DEFAULT ''",
    "ALTER TABLE run ADD COLUMN removed BOOLEAN NOT NULL DEFAULT 0",
    "ALTER TABLE run ADD COLUMN checkpoint VARCHAR NOT NULL DEFAULT ''",
    "ALTER TABLE run ADD COLUMN resumed_at JSON NOT NULL DEFAULT '[]'",
    "ALTER TABLE run ADD COLUMN in_use_since VARCHAR",
    # A run is put in use when it has finished, as far as older files tell.
    "UPDATE run SET in_use_since = coalesce(finished_at, started_at) WHERE id = (SELECT run_in_use FROM project)",
    "CREATE TABLE out_of_fold ("
    "run_id INTEGER NOT NULL REFERENCES run (id), review_id INTEGER NOT NULL REFERENCES review (id), "
    "scores BLOB NOT NULL, PRIMARY KEY (run_id, review_id)) WITHOUT ROWID",
    "CREATE INDEX annotation_noted ON annotation (review_id) WHERE note <> ''",
)


def upgrade() -> None:
    # Written out, because Alembic would copy the tables to change them, and dropping the old ones breaks the
    # references to them.
    for statement in STATEMENTS:
        op.execute(statement)
