"""Why a file could not be written, in the system's words, whichever library tried."""

from __future__ import annotations

import os
import re

from safetensors import SafetensorError

UNWRITTEN = (OSError, SafetensorError)
"""What is raised for a disk that is full or cannot be written to; safetensors has an error of its own for it."""


def reason(error: Exception) -> str:
    """As 'No space left on device'."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    number = re.search(r"os error (\d+)", str(error))
    return os.strerror(int(number[1])) if number else str(error)
