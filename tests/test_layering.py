"""Who may import whom: the contracts of pyproject.toml, and what really is in memory after an import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ["torch", "transformers", "tokenizers", "safetensors", "sklearn", "pandas", "textual"]


def test_the_import_contracts_hold() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    "module",
    [
        "core.labelling.session",
        "core.worker.client",
        "core.worker.scripted",
        "core.worker.state",
        "core.files.importing",
        "core.files.exporting",
        "core.storage.database",
        "core.storage.browse",
        "core.report",
        "core.queue.strategies",
        "core.training.arguments",
        "core.settings",
    ],
)
def test_what_the_screens_import_brings_no_heavy_library(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


def test_importing_touches_neither_disk_nor_migrations(tmp_path: Path) -> None:
    """Nothing opens a database, reads the environment's home or makes a folder at import."""
    modules = "core.storage.database, core.worker.client, core.settings, core.locations"
    code = f"import sys, {modules}; print('alembic' in sys.modules)"
    home = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"LABELLOOP_HOME": str(home), "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "False"
    assert not home.exists()
