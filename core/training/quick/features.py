"""What the frozen base model, and a word list, make of a text: the features of the quick learner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModel, AutoTokenizer

from core.errors import ModelError
from core.training.base_model import LocatedModel
from core.training.classifier import first_line, positions
from core.training.device import Device
from core.training.encoding import encode, pad, prediction_batches
from core.training.layers import encoder_layers
from core.training.memory import ran_out
from core.training.quick.names import readable
from core.training.quick.opinion_words import opinion
from core.training.quiet import quiet_transformers
from core.training.tuned import Stopped

LAYERS = 4
"""How many layers' token means are taken, from the middle of the encoder to its last layer.

Training for sentence vectors has pushed sentiment out of the last layer of MiniLM: with 256 labels of sst2 the last
alone gives 73.3 %, layers 3 to 6 give 78.6 % (of questions by kind 72.2 and 82.7).
"""

LONGEST = 256
"""Tokens of a text that are looked at."""


class FeatureExtractor:
    """The base model, frozen, and the word list.

    A text's features are the means of its token vectors in `LAYERS` layers, one after another, and last its
    `opinion`. Raises `ModelError` for a base model that cannot be loaded or is no stack of layers.
    """

    def __init__(self, located: LocatedModel, device: Device) -> None:
        self._device = device
        try:
            with quiet_transformers():
                self._tokenizer = AutoTokenizer.from_pretrained(
                    located.folder, local_files_only=True, trust_remote_code=False
                )
                model: Any = AutoModel.from_pretrained(
                    located.folder,
                    dtype=torch.bfloat16 if device.precision == "bf16" else torch.float32,
                    local_files_only=True,
                    use_safetensors=True,
                    trust_remote_code=False,
                )
        except Exception as error:  # transformers, safetensors and tokenizers raise whatever they like.
            if ran_out(error):
                raise
            raise ModelError(
                f"The base model in {located.folder} cannot be loaded: {first_line(error)}.",
                "Choose another base model, or download this one again.",
            ) from error
        count = len(encoder_layers(model))
        if not count:
            raise ModelError(f"The base model {located.name} is no stack of layers.", "Choose a BERT-like encoder.")
        self._layers = sorted({round(count / 2 + count / 2 * step / (LAYERS - 1)) for step in range(LAYERS)})
        self._model = model.to(device.torch_device).eval()
        self._longest = min(LONGEST, positions(model, self._tokenizer))
        self._width = int(model.config.hidden_size)
        device.prepare()

    @property
    def dimensions(self) -> int:
        """Numbers a text."""
        return self._width * len(self._layers) + 1

    @property
    def recipe(self) -> str:
        """What the numbers are, for the key of a cache: another recipe gives other numbers."""
        return f"means of layers {','.join(map(str, self._layers))}, {self._longest} tokens; opinion words 1"

    def extract(self, texts: Sequence[str], should_stop: Callable[[], bool] | None = None) -> NDArray[np.float16]:
        """The features [texts, dimensions], in order. Raises `Stopped` when `should_stop` says so."""
        found = np.zeros((len(texts), self.dimensions), dtype=np.float16)
        found[:, -1] = [opinion(text) for text in texts]
        ids = encode(self._tokenizer, texts, self._longest).ids
        for batch in prediction_batches([len(one) for one in ids], self._device.tokens_per_batch):
            if should_stop is not None and should_stop():
                raise Stopped(0, None)
            found[batch, :-1] = self._means([ids[place] for place in batch])
        return found

    def of_names(self, names: Sequence[str]) -> NDArray[np.float16]:
        """What the last layer makes of labels' names, [labels, width]."""
        return self.extract([readable(name) for name in names])[:, -1 - self._width : -1]

    def tokens(self, text: str) -> int:
        """How many tokens of the text are looked at."""
        return len(encode(self._tokenizer, [text], self._longest).ids[0])

    @torch.inference_mode()
    def token_vectors(self, text: str) -> tuple[list[tuple[int, int]], NDArray[np.float32]]:
        """Where each token begins and ends in the text, and its vectors [tokens, dimensions without the opinion].

        Their mean over the tokens is what `extract` gives.
        """
        read = self._tokenizer(
            text, truncation=True, max_length=self._longest, return_offsets_mapping=True, return_tensors="pt"
        )
        offsets = [(int(begin), int(end)) for begin, end in read.pop("offset_mapping")[0].tolist()]
        inputs = {name: value.to(self._device.torch_device) for name, value in read.items()}
        states = self._model(**inputs, output_hidden_states=True).hidden_states
        vectors: NDArray[np.float32] = (
            torch.cat([states[layer][0].float() for layer in self._layers], dim=1).cpu().numpy()
        )
        return offsets, vectors

    @torch.inference_mode()
    def _means(self, ids: list[list[int]]) -> NDArray[np.float16]:
        inputs = pad(ids, int(self._tokenizer.pad_token_id), self._device.torch_device)
        states = self._model(**inputs, output_hidden_states=True).hidden_states
        there = inputs["attention_mask"].float()
        there = there / there.sum(dim=1, keepdim=True)
        means = [torch.bmm(there[:, None], states[layer].float())[:, 0] for layer in self._layers]
        numbers: NDArray[np.float16] = torch.cat(means, dim=1).clamp(-6e4, 6e4).half().cpu().numpy()
        return numbers
