"""Texts as token ids, and batches of them in which little is padding."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

SHORTEST, LONGEST = 64, 256
"""Bounds of an automatic max_length. Few labelled reviews say little about the longest ones to come, and room
costs nothing, as batches are padded to their own longest. Above, attention costs the square of the length."""
CHUNK = 1_000
"""Texts tokenised at a time, so that memory follows the ids kept and not the tokenizer's own objects."""
BUCKET = 16
"""Training batches a bucket of similar lengths is drawn over: padding is near that of full sorting."""


@dataclass(frozen=True)
class Encoded:
    """Tokenised texts: `ids[i]` are the token ids of text i, special tokens included."""

    ids: list[list[int]]
    max_length: int
    truncated: int
    """Texts that were longer than `max_length` and lost their end."""

    def __len__(self) -> int:
        return len(self.ids)


def encode(tokenizer: Any, texts: Sequence[str], max_length: int) -> Encoded:
    """Tokenise every text once, cut to `max_length` tokens, and count the cut ones."""
    whole = _token_ids(tokenizer, texts)
    return cut(tokenizer, whole, max_length)


def cut(tokenizer: Any, whole: Sequence[list[int]], max_length: int) -> Encoded:
    """Shorten token ids to `max_length` as the tokenizer does: the text's end goes, the last [SEP] stays."""
    ends = _closing(tokenizer)
    ids, truncated = [], 0
    for one in whole:
        fits = len(one) <= max_length
        truncated += not fits
        ids.append(one if fits else one[: max_length - ends] + one[len(one) - ends :])
    return Encoded(ids, max_length, truncated)


def _closing(tokenizer: Any) -> int:
    """How many special tokens the tokenizer puts after a text ([SEP]: 1)."""
    with_special = tokenizer("a")["input_ids"]
    special = set(tokenizer.all_special_ids)
    count = 0
    while count < len(with_special) and with_special[-1 - count] in special:
        count += 1
    return count


def _token_ids(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    ids: list[list[int]] = []
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        backend.no_truncation()
        backend.no_padding()
    for start in range(0, len(texts), CHUNK):
        chunk = list(texts[start : start + CHUNK])
        if backend is not None:
            # Without the offsets, masks and dictionaries that the wrapper makes; other threads run meanwhile.
            ids += [one.ids for one in backend.encode_batch_fast(chunk)]
            continue
        # `verbose=False`: longer than the model takes is expected here, `cut` follows.
        ids += tokenizer(chunk, truncation=False, return_attention_mask=False, verbose=False)["input_ids"]
    return ids


def automatic_max_length(lengths: Sequence[int], positions: int) -> int:
    """The 99th percentile of token lengths rounded up to 8, from 64 to 256, at most the model's positions."""
    longest = float(np.percentile(lengths, 99)) if len(lengths) else 8.0
    return min(max(math.ceil(longest / 8) * 8, SHORTEST), LONGEST, positions)


def encode_for_training(
    tokenizer: Any, train: Sequence[str], validation: Sequence[str], max_length: int | None, positions: int
) -> tuple[Encoded, Encoded]:
    """Both parts with the same `max_length`, which None takes from the lengths of the training part."""
    whole = _token_ids(tokenizer, train)
    length = automatic_max_length([len(one) for one in whole], positions) if max_length is None else max_length
    length = max(min(length, positions), 8)
    return cut(tokenizer, whole, length), encode(tokenizer, validation, length)


def training_batches(lengths: Sequence[int], batch_size: int, generator: torch.Generator) -> list[list[int]]:
    """One epoch: every index once, in batches of similar length, in an order drawn from `generator`.

    The indices are shuffled, cut into buckets of `BUCKET` batches, sorted by length within a bucket, and the
    batches shuffled. A last batch that is smaller than the others stays.
    """
    order = torch.randperm(len(lengths), generator=generator).tolist()
    size = batch_size * BUCKET
    batches: list[list[int]] = []
    for start in range(0, len(order), size):
        bucket = sorted(order[start : start + size], key=lambda index: lengths[index])
        batches += [bucket[first : first + batch_size] for first in range(0, len(bucket), batch_size)]
    return [batches[index] for index in torch.randperm(len(batches), generator=generator).tolist()]


def prediction_batches(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Every index once, longest first (memory runs out at once or never), `tokens` padded tokens a batch."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        longest = lengths[batch[0]] if batch else lengths[index]
        if batch and longest * (len(batch) + 1) > tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def packed_batches(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Every index once, longest first, with at most so many tokens a batch, as nothing is padded."""
    batch: list[int] = []
    held = 0
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batch and held + lengths[index] > tokens:
            yield batch
            batch, held = [], 0
        batch.append(index)
        held += lengths[index]
    if batch:
        yield batch


def pad(ids: Sequence[list[int]], pad_token: int, device: torch.device) -> dict[str, torch.Tensor]:
    """`input_ids` and `attention_mask`, [reviews, longest], on `device`."""
    longest = max(len(one) for one in ids)
    tokens = torch.full((len(ids), longest), pad_token, dtype=torch.long)
    mask = torch.zeros((len(ids), longest), dtype=torch.long)
    for row, one in enumerate(ids):
        tokens[row, : len(one)] = torch.tensor(one, dtype=torch.long)
        mask[row, : len(one)] = 1
    return {"input_ids": tokens.to(device), "attention_mask": mask.to(device)}
