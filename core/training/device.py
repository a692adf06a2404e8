"""Which device computes, in which precision, with how many threads."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, replace
from typing import Literal, cast

import torch

from core.errors import TrainingError

Kind = Literal["cuda", "mps", "cpu"]


@dataclass(frozen=True)
class Device:
    """A device and how it is used. Building one changes nothing; `prepare` does."""

    kind: Kind
    name: str
    """For people: 'NVIDIA H200', 'CPU, 2 threads'."""
    precision: Literal["bf16", "fp32"]
    """bf16 only where the hardware multiplies bf16 matrices."""
    memory: int
    """Bytes in total: the GPU's own, else the machine's; 0 when unknown."""
    threads: int = 0
    """CPU threads for torch; 0 leaves them as they are."""

    @property
    def torch_device(self) -> torch.device:
        return torch.device(self.kind)

    @property
    def tokens_per_batch(self) -> int:
        """Padded tokens a prediction batch: a CPU is equally quick from 1,024 to 4,096, a GPU needs more."""
        return 2_048 if self.kind == "cpu" else 32_768

    def with_precision(self, wanted: str) -> Device:
        """This device computing in `fp32` or `bf16`; `auto` keeps what was chosen."""
        return self if wanted == "auto" else replace(self, precision=cast(Literal["bf16", "fp32"], wanted))

    def autocast(self) -> torch.autocast:
        """The context in which a forward pass runs."""
        return torch.autocast(self.kind, dtype=torch.bfloat16, enabled=self.precision == "bf16")

    def prepare(self) -> None:
        """Set torch's number of threads and, on a GPU, deterministic kernels, for the whole process."""
        if self.threads:
            torch.set_num_threads(self.threads)
        if self.kind == "cuda":
            # cuBLAS repeats its sums in the same order only with a workspace of fixed size.
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.use_deterministic_algorithms(True, warn_only=True)


def choose_device(preferred: str | None = None) -> Device:
    """CUDA, then MPS, then the CPU; `preferred` (`cuda`, `mps`, `cpu`) insists on one.

    Raises `TrainingError` when the preferred device is unknown or not there.
    """
    there: dict[str, bool] = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if preferred is not None and not there.get(preferred, False):
        found = ", ".join(kind for kind, here in there.items() if here)
        raise TrainingError(f"The device {preferred!r} is not available.", f"Choose one of: {found}.")
    kind = preferred or next(kind for kind, here in there.items() if here)
    if kind == "cuda":
        properties = torch.cuda.get_device_properties(0)
        bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return Device("cuda", properties.name, "bf16" if bf16 else "fp32", properties.total_memory)
    if kind == "mps":
        return Device("mps", "Apple GPU", "fp32", _machine_memory())
    threads = _threads()
    name = f"CPU, {threads} thread{'s' if threads > 1 else ''}"
    return Device("cpu", name, "bf16" if _cpu_has_bf16() else "fp32", _machine_memory(), threads)


def describe() -> list[tuple[str, str]]:
    """What `doctor` prints about the device: pairs of a name and a value."""
    device = choose_device()
    memory = f"{device.memory / 2**30:.1f} GiB" if device.memory else "unknown"
    return [
        ("device", device.name),
        ("precision", device.precision),
        ("memory", memory),
        ("processor", platform.processor() or platform.machine()),
        ("torch", torch.__version__),
    ]


def _threads() -> int:
    """All the cores this process may use, less one for the screen where there are more than two."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(usable - 1, min(usable, 2))


def _cpu_has_bf16() -> bool:
    """Whether the CPU multiplies bf16 natively (AVX-512 BF16, AMX).

    Elsewhere torch emulates it, slower than fp32. The questions are private functions of torch: guarded.
    """
    for question in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        ask = getattr(torch.cpu, question, None)
        if ask is not None and ask():
            return True
    return False


def _machine_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0
