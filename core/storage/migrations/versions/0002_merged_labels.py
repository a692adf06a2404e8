"""Labels remember which label they were merged into."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Written out, because Alembic would copy the table to add the reference, and dropping the old one breaks
    # the references to it.
    op.execute("ALTER TABLE label ADD COLUMN merged_into INTEGER REFERENCES label (id)")
