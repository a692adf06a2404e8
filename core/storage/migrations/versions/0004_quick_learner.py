"""Runs have a kind, queue entries the number and label behind their reason; repeats; sources know their format."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = (
    "ALTER TABLE source ADD COLUMN column_types JSON NOT NULL DEFAULT '[]'",
    "ALTER TABLE source ADD COLUMN format VARCHAR NOT NULL DEFAULT 'csv'",
    "ALTER TABLE run ADD COLUMN kind VARCHAR(16) NOT NULL DEFAULT 'fine-tuned'",
    "ALTER TABLE annotation ADD COLUMN suggestion_shown BOOLEAN",
    "ALTER TABLE annotation ADD COLUMN suggestion_followed BOOLEAN",
    "ALTER TABLE queue_entry RENAME COLUMN margin TO number",
    "ALTER TABLE queue_entry ADD COLUMN label_id INTEGER REFERENCES label (id)",
    "CREATE TABLE repeat ("
    "id INTEGER NOT NULL PRIMARY KEY, review_id INTEGER NOT NULL REFERENCES review (id), "
    "annotator_id INTEGER NOT NULL REFERENCES annotator (id), first JSON NOT NULL, second JSON NOT NULL, "
    "first_at VARCHAR NOT NULL, second_at VARCHAR NOT NULL)",
    "CREATE INDEX repeat_by_review ON repeat (review_id)",
)


def upgrade() -> None:
    # Written out, because Alembic would copy the tables to change them, and dropping the old ones breaks the
    # references to them.
    for statement in STATEMENTS:
        op.execute(statement)
