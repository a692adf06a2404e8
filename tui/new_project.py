"""Making a project of a file, beside it."""

from __future__ import annotations

from pathlib import Path

from core.files import hub
from core.files.importing import Choice, Examined, Progress, Report, import_file
from core.labels import SchemeKind, new_labels, parse_names
from core.storage.database import Database, create


def new_project(
    choice: Choice, names: str, annotator: str, progress: Progress, examined: Examined | None = None
) -> tuple[Path, Report]:
    """Make a project beside a file and import it; no project is left behind when that fails."""
    path = _beside(choice.path)
    database: Database = create(path, SchemeKind.SINGLE, new_labels(parse_names(names)))
    try:
        report = import_file(database, choice, annotator, progress, examined)
    except BaseException:
        database.close()
        path.unlink(missing_ok=True)
        raise
    database.close()
    return path, report


def _beside(named: Path | str) -> Path:
    """The project of a file, in its folder; of a data set of the hub, in the working directory."""
    fetched = hub.named(str(named))
    if fetched is not None:
        return Path.cwd() / f"{fetched.replace('/', '-')}.db"
    path = Path(named).expanduser().absolute()
    packed = path.with_suffix("") if path.suffix.casefold() in (".gz", ".zip") and "." in path.stem else path
    return packed.with_suffix(".db")
