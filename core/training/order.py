"""The order in which a training sees its reviews, which can be left and taken up again."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from core.training.encoding import training_batches


class DataOrder:
    """Batches without end, epoch after epoch, in an order that the seed decides."""

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self._lengths = lengths
        self._batch_size = batch_size
        self._generator = torch.Generator().manual_seed(seed)
        self.place = 0
        """Batches of this epoch that were given."""
        self._draw()

    def next_batch(self) -> list[int]:
        """The places in the training reviews of the next batch's."""
        if self.place == len(self._batches):
            self._draw()
            self.place = 0
        self.place += 1
        return self._batches[self.place - 1]

    @property
    def epoch_state(self) -> torch.Tensor:
        """The generator's state from which this epoch was drawn: with `place` all there is to know."""
        return self._before

    def restore(self, epoch_state: torch.Tensor, place: int) -> None:
        """Go to `place` of the epoch drawn from `epoch_state`; raises `ValueError` when it has no such place."""
        self._generator.set_state(epoch_state)
        self._draw()
        if not 0 <= place <= len(self._batches):
            raise ValueError(f"the epoch has {len(self._batches)} batches, not {place}")
        self.place = place

    def _draw(self) -> None:
        self._before = self._generator.get_state()
        self._batches = training_batches(self._lengths, self._batch_size, self._generator)
