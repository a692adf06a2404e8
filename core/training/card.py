"""The README.md of a saved model, as the Hugging Face hub reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from core.training.tuned import FineTuned


@dataclass(frozen=True)
class ModelCard:
    """What the card says that the training does not know."""

    date: date
    """When the model was trained."""
    title: str = "Review classifier"
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Measured values by name, as {"audit accuracy": 0.91}."""
    description: str = ""
    """A sentence on what the reviews are."""


def render(card: ModelCard, tuned: FineTuned, digest: str) -> str:
    """The card in Markdown, with front matter. Names are quoted as JSON, which YAML reads."""
    metrics = "\n".join(f"| {_cell(name)} | {value:.4g} |" for name, value in card.metrics.items())
    kind = "any number of labels a review" if tuned.multi_label else "one label a review"
    base = [f"base_model: {json.dumps(tuned.base_model)}"] if not Path(tuned.base_model).is_dir() else []
    front = ["---", "library_name: transformers", "pipeline_tag: text-classification", *base,
             "tags:", "- text-classification", "- labelloop", "---"]  # fmt: skip
    names = "\n".join(f"- {_cell(name)}" for name in tuned.label_names)
    body = f"""
# {card.title}

{card.description or "A classifier of customer reviews, trained with labelloop."}

- Trained: {card.date.isoformat()}
- Base model: {tuned.base_model}
- Task: {kind}
- Reviews: {tuned.train:,} for training, {tuned.validation:,} for validation
- Longest review read: {tuned.max_length} tokens
- Temperature, already in the weights: {tuned.temperature:.3f}
- SHA-256 of model.safetensors: {digest}

## Labels

{names}
"""
    if metrics:
        body += f"\n## Metrics\n\n| metric | value |\n|---|---|\n{metrics}\n"
    return "\n".join(front) + "\n" + body + _use(tuned)


def _use(tuned: FineTuned) -> str:
    extra = ', function_to_apply="sigmoid", top_k=None' if tuned.multi_label else ""
    return f"""
## Use

```python
from transformers import pipeline

classify = pipeline("text-classification", model="path/to/this/folder"{extra})
classify("The battery lasts all day.", truncation=True, max_length={tuned.max_length})
```
"""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
