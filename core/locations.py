"""Where labelloop's own files are. Nothing is made unasked; whoever writes makes the folder."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

HOME_VARIABLE = "LABELLOOP_HOME"
"""Environment variable naming one folder that replaces all the system's folders below (used by the tests)."""


def config_folder() -> Path:
    """The folder of the settings file."""
    home = os.environ.get(HOME_VARIABLE)
    return Path(home) if home else Path(platformdirs.user_config_dir("labelloop", appauthor=False))


def state_folder() -> Path:
    """The folder of what is remembered between starts: the last project, the logs."""
    home = os.environ.get(HOME_VARIABLE)
    return Path(home) if home else Path(platformdirs.user_state_dir("labelloop", appauthor=False))


def settings_file() -> Path:
    """The settings, a TOML file that people edit."""
    return config_folder() / "settings.toml"


def last_project_file() -> Path:
    """A text file holding the path of the project that was opened last."""
    return state_folder() / "last-project"


def last_rehearsal_file() -> Path:
    """A JSON file holding what the last rehearsal measured."""
    return state_folder() / "last-rehearsal.json"


def log_folder() -> Path:
    """The folder of the logs of screens and workers."""
    return state_folder() / "logs"


def models_folder(project: Path) -> Path:
    """The folder of models beside a project: `reviews.models/` for `reviews.db`."""
    return project.with_suffix(".models")


def backups_folder(project: Path) -> Path:
    """The folder of automatic backups beside a project: `reviews.backups/` for `reviews.db`."""
    return project.with_suffix(".backups")


def make_private(folder: Path) -> None:
    """Make a folder that only its owner may look into, with those above it. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def sample_reviews() -> Path:
    """The shipped sample reviews: inside the package when installed, beside it in a checkout."""
    core = Path(__file__).resolve().parent
    installed = core / "data" / "reviews.csv"
    return installed if installed.exists() else core.parent / "data" / "reviews.csv"
