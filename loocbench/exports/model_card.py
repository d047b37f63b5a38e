"""The model card of a checkpoint: the README.md that a hub shows."""

from __future__ import annotations

from collections.abc import Iterator

from loocbench.features.encoder import Encoder
from loocbench.models import architectures
from loocbench.pretraining.labels import model_label
from loocbench.types import BILINEAR, CheckpointCard
from loocbench.wording import count_of


def render_model_card(encoder: Encoder, repository: str) -> str:
    """A Markdown page with the hub's metadata, made from the checkpoint's card; unknown facts are called unknown."""
    return "\n".join(_lines(encoder, encoder.card, repository)) + "\n"


def _lines(encoder: Encoder, card: CheckpointCard, repository: str) -> Iterator[str]:
    size = card.preprocessing
    how = "" if size.interpolation == BILINEAR else f" ({size.interpolation})"
    yield from ("---", "library_name: loocbench", "pipeline_tag: image-feature-extraction", "tags:", "- loocbench")
    yield from ("- self-supervised-learning", "---", "", f"# {card.name}", "")
    loading = "loading it runs no code"
    if card.backbone.startswith(architectures.PYTHON):
        loading = "its network is code that you need, and must confirm, to load it"
    yield f"{model_label(card)}, {card.backbone}: a loocbench checkpoint (safetensors with a card; {loading})."
    yield ""
    yield from ("| | |", "|---|---|")
    yield f"| spaces | {', '.join(f'`{name}`' for name in encoder.spaces)} |"
    yield (
        f"| input | short side {size.resize} px{how}, centre crop {size.image_size} px, "
        f"mean {_format_values(size.mean)}, standard deviation {_format_values(size.std)} |"
    )
    if card.recipe:
        note = f" ({card.dataset_note})" if card.dataset_note else ""
        amount = f"{count_of(card.images, 'image')}, {count_of(card.epochs_done, 'epoch')}"
        yield f"| trained on | {card.dataset}{note}, {amount} |"
        yield f"| split | `{card.fingerprint}` |"
        if card.recipe.init:
            begun = card.recipe.init
            source = f", {begun.source}" if begun.source else ""
            trained = f"{begun.name}, trained on {begun.dataset}{source}"
            yield f"| began from | {trained}, weights SHA-256 `{begun.weights}` |"
        for name, value in card.recipe.model_dump(exclude_defaults=True, exclude={"init"}).items():
            shown = ", ".join(map(str, value)) if isinstance(value, tuple) else value
            yield f"| {name.replace('_', ' ')} | {shown or 'none'} |"
    else:
        yield f"| trained on | {card.dataset}; epochs unknown |"
    if card.source:
        yield f"| source | {card.source} |"
        if card.source.preprocessing:
            yield f"| preprocessing | {card.source.preprocessing} |"
        if card.source.assumed:
            yield f"| assumed of the network | {card.source.assumed} |"
    for statement, figures in card.warnings.items():
        yield f"| warning | {statement} ({figures}) |"
    yield f"| weights | SHA-256 `{card.weights}` |"
    yield from ("", "```python", "import loocbench", "", f'encoder = loocbench.load("hf:{repository}")')
    yield from ("features = encoder(encoder.prepare(images))  # Pillow images -> Tensor [N, D]", "```")


def _format_values(values: tuple[float, float, float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
