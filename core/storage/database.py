"""Opening and making project files, and their transactions."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, exc
from sqlmodel import Session, col, select

from core.errors import LabelloopError, ProjectError, ProjectMoved
from core.labels import NewLabel, SchemeKind
from core.locations import models_folder
from core.storage import migrate, sqlite, stale_log
from core.storage.tables import Annotator, Label, Project, utc_now

AUDIT_SHARE = 0.2
"""One review in five: with 300 labels the audit set is 60, and accuracy is known to about ±10 points."""


POOL = 4
"""Connections that may still hold a file that is gone."""


class Database:
    """An open project file. Any thread may begin a transaction; each gets a connection of its own."""

    def __init__(self, path: Path, engine: Engine) -> None:
        self.path = path
        self._engine = engine
        self._file = sqlite.identity(path)
        self._beside = stale_log.beside(path)
        self._lost: ProjectMoved | None = None

    @property
    def models(self) -> Path:
        """The folder of models beside the project file. It need not exist yet."""
        return models_folder(self.path)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that sees one moment of the database and never blocks a writer."""
        with (
            sqlite.sentences(self.path),
            self._engine.connect() as connection,
            connection.begin(),
            Session(bind=connection, expire_on_commit=False) as session,
        ):
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that holds the write lock from its start: committed at the end, or rolled back.

        Raises ProjectMoved when the file was removed or replaced since it was opened: SQLite would go on writing to
        what is no longer there.
        """
        found = sqlite.identity(self.path)
        if found != self._file:
            if self._file is not None:
                raise self._moved()
            self._file = found  # it was made just now, through this object
        with sqlite.sentences(self.path), self._engine.connect() as connection:
            sqlite.for_writing(connection)
            with connection.begin(), Session(bind=connection, expire_on_commit=False) as session:
                yield session
                session.flush()
        if not self._beside:
            self._beside = stale_log.beside(self.path)

    def _moved(self) -> ProjectMoved:
        """What to say of a file that is gone; what was in it is saved first, from a connection that still has it."""
        if self._lost is None:
            how = "replaced" if self.path.exists() else "removed or renamed"
            what = f"{self.path} was {how} while it was open."
            try:
                rescued = self._rescue()
            except (LabelloopError, exc.SQLAlchemyError, OSError):
                rescued = None
            if rescued is None:
                self._lost = ProjectMoved(what, "Put it back, then open it again; what is labelled now is not saved.")
            else:
                if self.path.exists():
                    stale_log.remove(self._beside)
                self._lost = ProjectMoved(
                    what, f"All that was in it, every label included, is saved in {rescued}: open that project."
                )
        return self._lost

    def _rescue(self) -> Path | None:
        """Write what the connections still hold of the file that is gone to a new file beside its place."""
        target = self.path.with_name(f"{self.path.stem}.rescued-{datetime.now(UTC):%Y%m%d-%H%M%S}.db")
        for _ in range(POOL):
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                if connection.info.get(sqlite.FILE) == self._file:
                    sqlite.back_up(connection, target)
                    target.chmod(0o600)
                    return target
        return None

    def watch(self) -> Watcher:
        """A connection kept open to notice what other connections commit. To be closed by whoever asked for it."""
        connection = self._engine.connect()
        return Watcher(connection.execution_options(isolation_level="AUTOCOMMIT"))

    def close(self) -> None:
        """Close every connection; the last one to leave folds the write-ahead log into the file."""
        self._engine.dispose()


class Watcher:
    """Notices commits of other connections, this process's own included."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._seen = sqlite.data_version(connection)

    def changed(self) -> bool:
        """Whether anything was committed since the last call."""
        version = sqlite.data_version(self._connection)
        changed, self._seen = version != self._seen, version
        return changed

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()


def new_salt() -> int:
    """What a new project's random draws (the order of its reviews, its audit set) are made with: 62 random bits."""
    return secrets.randbits(62)


def create(path: Path, kind: SchemeKind, labels: list[NewLabel]) -> Database:
    """Make a new project file and open it.

    Raises ProjectError when the file exists already or its folder cannot be used. A project that could not
    be made completely leaves no file behind.
    """
    path = path.expanduser().absolute()
    if path.exists():
        raise ProjectError(f"{path} exists already.", "Choose another name, or open it with “labelloop open”.")
    if not path.parent.is_dir():
        raise ProjectError(f"The folder {path.parent} does not exist.", "Make it first, or choose another.")
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    engine = sqlite.connect(draft)
    database = Database(draft, engine)
    try:
        with sqlite.sentences(path):
            with engine.connect() as connection:
                sqlite.mark(connection)
                connection.commit()
            migrate.upgrade(engine)
        with database.writing() as session:
            session.add(
                Project(
                    name=path.stem,
                    kind=kind,
                    salt=new_salt(),
                    audit_share=AUDIT_SHARE,
                    created_at=utc_now(),
                )
            )
            for position, label in enumerate(labels):
                session.add(_row(label, position))
        database.close()
        draft.chmod(0o600)
        draft.rename(path)
    except BaseException:
        database.close()
        for leftover in (draft, draft.with_name(draft.name + "-wal"), draft.with_name(draft.name + "-shm")):
            leftover.unlink(missing_ok=True)
        raise
    return open_project(path)


def open_project(path: Path) -> Database:
    """Open a project file, bringing its schema up to date (after a backup) when it is behind.

    Raises NotAProject when the path is none, ProjectTooNew when a newer version wrote it.
    """
    path = path.expanduser().absolute()
    sqlite.verify_header(path)
    engine = sqlite.connect(path, existing=True)
    try:
        with sqlite.sentences(path):
            migrate.bring_up_to_date(engine, path)
    except BaseException:
        engine.dispose()
        raise
    return Database(path, engine)


def project_of(session: Session) -> Project:
    """The project's one row."""
    return session.exec(select(Project)).one()


def annotator_id(session: Session, name: str) -> int:
    """The id of the annotator with this name, entered if new. Needs a writing transaction if so."""
    found = session.exec(select(Annotator).where(col(Annotator.name) == name)).first()
    if found is None:
        found = Annotator(name=name)
        session.add(found)
        session.flush()
    assert found.id is not None
    return found.id


def _row(label: NewLabel, position: int) -> Label:
    return Label(
        name=label.name,
        key=label.key,
        colour=label.colour,
        keywords=list(label.keywords),
        position=position,
    )
