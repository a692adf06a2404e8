"""The same audit set in every test run: its random order is drawn when a project is made."""

from __future__ import annotations

import hashlib

import pytest


def own_words(number: int) -> str:
    """Words that no other number has, so that no two texts are nearly the same and grouped."""
    drawn = hashlib.sha256(str(number).encode()).hexdigest()
    return " ".join(drawn[at : at + 8] for at in range(0, 40, 8))


@pytest.fixture(autouse=True)
def _same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.storage.database.secrets.randbits", lambda _bits: 1)
