"""What a check finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

MOST = 8
"""Examples told of one finding."""


class Verdict(StrEnum):
    """How a part of a project is."""

    GOOD = "good"
    NOTICE = "notice"
    """Worth knowing; nothing is damaged."""
    DAMAGED = "damaged"
    SKIPPED = "not checked"
    """It could not be looked at, because something it rests on is damaged or older."""


@dataclass(frozen=True)
class Finding:
    """What was found about one part of a project."""

    part: str
    """“file”, “tables”, “references”, “journal”, …"""
    verdict: Verdict
    told: str
    """In a sentence or a few words."""
    examples: tuple[str, ...] = ()
    """Some of the cases, at most `MOST`."""


def good(part: str, told: str) -> Finding:
    """Nothing is wrong with it."""
    return Finding(part, Verdict.GOOD, told)


def damaged(part: str, told: str, examples: Iterable[str] = ()) -> Finding:
    """Something is wrong with it."""
    return Finding(part, Verdict.DAMAGED, told, tuple(examples)[:MOST])


def notice(part: str, told: str, examples: Iterable[str] = ()) -> Finding:
    """Something is worth knowing about it."""
    return Finding(part, Verdict.NOTICE, told, tuple(examples)[:MOST])


@dataclass(frozen=True)
class Report:
    """All that a check of a project found."""

    path: str
    findings: tuple[Finding, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is damaged."""
        return all(one.verdict is not Verdict.DAMAGED for one in self.findings)

    def damaged_parts(self) -> list[str]:
        """The parts that are damaged."""
        return [one.part for one in self.findings if one.verdict is Verdict.DAMAGED]

    def to_json(self) -> dict[str, Any]:
        """The form of `--json`."""
        return {"project": self.path, "whole": self.is_whole, "findings": [asdict(one) for one in self.findings]}
