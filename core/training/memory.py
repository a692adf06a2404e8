"""How much memory a training took, and whether an error says that there was none left."""

from __future__ import annotations

import sys

import psutil
import torch

from core.training.device import Device

SENTENCES = (
    "can't allocate memory",  # torch's CPU allocator on Linux and macOS
    "not enough memory",  # the same on Windows
    "can't start new thread",  # Python, with no room for its stack
    "out of memory",  # MPS, and CUDA libraries that raise errors of their own
)
"""What libraries say that have no error type for it."""


def ran_out(error: BaseException) -> bool:
    """Whether `error` says that a device, or the machine, had no memory left."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sentence in str(error) for sentence in SENTENCES)


def start_measuring(device: Device) -> None:
    """Forget the peak of whatever used the GPU before; a process's own peak cannot be forgotten."""
    if device.kind == "cuda":
        torch.cuda.reset_peak_memory_stats()


def peak_memory(device: Device) -> int:
    """Most bytes used so far: of the GPU by torch, else of the machine by this process."""
    if device.kind == "cuda":
        return int(torch.cuda.max_memory_allocated())
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
