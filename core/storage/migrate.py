"""Bringing an older project file up to the present schema."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, inspect, text

from core.errors import ProjectTooNew
from core.storage import sqlite

HEAD = "0004"
"""The present schema. Every script in migrations/versions is named after its number."""

FOLDER = Path(__file__).parent / "migrations"


def revision(engine: Engine) -> str | None:
    """The schema's number as recorded in the file; none in an empty file."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def bring_up_to_date(engine: Engine, path: Path) -> None:
    """Upgrade the file if it is behind, after a backup. Raises ProjectTooNew if it is ahead."""
    found = revision(engine)
    if found == HEAD:
        return
    if found is not None and found > HEAD:
        raise ProjectTooNew(
            f"{path} was written by a newer labelloop (schema {found}; this one knows {HEAD}).",
            "Update with “pip install --upgrade labelloop”.",
        )
    from core.storage import backups  # only where there is one to take

    backups.before_migration(engine, path, HEAD)
    upgrade(engine)


def upgrade(engine: Engine, target: str = "head") -> None:
    """Run the migrations up to `target`, each in one transaction with its record."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    with engine.connect() as connection:
        config.attributes["connection"] = sqlite.for_writing(connection)
        command.upgrade(config, target)
        connection.commit()
