"""The values that packages of loocbench pass to one another.

images -> views -> model -> objective          (pretraining)
dataset -> features -> evaluator -> row -> report
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from loocbench import item_codec
from loocbench.errors import DamagedImageError

if TYPE_CHECKING:
    from pathlib import Path

    import torch

Labels = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.uint8]
Sizes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Split:
    """The images and labels of one split of a data set.

    items: names of the images, relative to the data set's folder. labels: factor -> int64 [N], values 0 .. K-1.
    class_names: factor -> K names.
    """

    dataset: str
    name: str
    items: tuple[str, ...]
    labels: Mapping[str, Labels]
    class_names: Mapping[str, tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the sorted (path, labels) lines: equal if and only if the images and their labels are."""
        factors = sorted(self.labels)
        lines = sorted(
            "\t".join([item, *(f"{factor}={self.labels[factor][row]}" for factor in factors)])
            for row, item in enumerate(self.items)
        )
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class ImageFiles:
    """Items that are files below ``folder``; ``border`` pixels of each side do not belong to the picture."""

    folder: Path
    border: int = 0


@dataclass(frozen=True)
class Foreground:
    """Which pixels belong to the object. kind: where that is known from ("bounding box", "segmentation").

    masks(items, sizes) returns one bool [H, W] per item, for the image resized to its row of ``sizes`` int64 [N, 2].
    """

    kind: str
    masks: Callable[[Sequence[str], Sizes], list[Mask]]


@dataclass(frozen=True)
class Dataset:
    """A data set that is ready to be read.

    read(items, short_side) returns one uint8 [H, W, 3] RGB array per item, its short side resized to ``short_side``,
    bilinearly if no third argument says "bicubic" (what is rendered is drawn at that size in either case);
    sizes(items, short_side) their heights and widths, int64 [N, 2], without decoding where the format allows it.
    examine(items) decodes each item whole and returns its SHA-256, or the error that says what is wrong with it.
    content(items) names the pixels behind the items on this machine (it changes when a file is replaced or touched);
    edition() names those of the whole data set on any machine (``loocbench.editions``: paths and bytes, or the
    renderer's version).
    note: how this copy differs from the official one ("subset 1,549 of 11,788"); "" if it does not. skipped: damaged
    images that were left out because the user asked for it. files: where the items are stored, if they are files.
    foreground: which pixels of each image belong to the object, if the data set says so. remarks: lines that the user
    is told when it is opened: what was left out, which images play which part.
    """

    name: str
    splits: Mapping[str, Split]
    read: Callable[..., list[Pixels]]
    sizes: Callable[[Sequence[str], int], Sizes]
    examine: Callable[[Sequence[str]], list[str | DamagedImageError]]
    content: Callable[[Sequence[str]], str]
    edition: Callable[[], str]
    note: str = ""
    skipped: tuple[str, ...] = ()
    files: ImageFiles | None = None
    foreground: Foreground | None = None
    remarks: tuple[str, ...] = ()


class ImageBatch(NamedTuple):
    """Images of several sizes in one padded tensor: pixels uint8 [B, 3, H, W]; sizes int64 [B, 2] (height, width).

    stylised: copies of the same images in other textures, padded alike; None if they are not used.
    """

    pixels: torch.Tensor
    sizes: torch.Tensor
    stylised: torch.Tensor | None = None


class Frozen(BaseModel):
    """Base of the values that are stored: immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# Bounds hold what libraries state: means from 0 (timm's) on, deviations from 1/255 (pixels as 0 ... 255) to 1 (timm's).
Mean = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Deviation = Annotated[float, Field(ge=0.001, le=1, allow_inf_nan=False)]


Interpolation = Literal["bilinear", "bicubic"]  # of resizing, antialiased in either case
BILINEAR: Interpolation = "bilinear"


class Preprocessing(Frozen):
    """How an image becomes the network's input: short side to ``resize``, centre crop ``image_size``, normalise.

    mean, std: of red, green and blue, of pixel values in [0, 1]. interpolation: of resizing the whole image.
    """

    image_size: int = Field(ge=8, le=4096)
    resize: int = Field(ge=8, le=4096)
    mean: tuple[Mean, Mean, Mean] = (0.485, 0.456, 0.406)
    std: tuple[Deviation, Deviation, Deviation] = (0.229, 0.224, 0.225)
    interpolation: Interpolation = BILINEAR

    @model_serializer(mode="wrap")
    def _write_what_departs(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Bilinear is not written: cards, rows and keys of caches stay what they were before it could be stated."""
        fields: dict[str, Any] = write(self)
        return {name: value for name, value in fields.items() if (name, value) != ("interpolation", BILINEAR)}

    @model_validator(mode="after")
    def _has_crop(self) -> Preprocessing:
        if self.resize < self.image_size:
            raise ValueError(
                f"images of short side {self.resize} px have no centre crop of {self.image_size}; raise --resize"
            )
        return self


UNTRAINED = "random"  # the method of an untrained network


class InitialWeights(Frozen):
    """The checkpoint from whose backbone a run began.

    name: the checkpoint's. weights: the SHA-256 of its tensors. source: where they came from, if loocbench did not
    train them. dataset: what they were trained on.
    """

    name: str
    weights: str
    source: str = ""
    dataset: str = ""

    def __str__(self) -> str:
        """ "resnet50-IMAGENET1K_V2 (weights 0123abcd…)"."""
        return f"{self.name} (weights {self.weights[:8]}…)"


class Recipe(Frozen):
    """The settings that determine a pretraining run, besides its images.

    method: one of ``loocbench.pretraining.methods``, or of another installation's. augmentations: those beside crop,
    flip and blur. left_out: those with a space of their own. shared: those that q and k_0 share (MoCo + Rotation, same
    for q and k). texture: how texture is randomised ("random-convolution", "stylised"), where it is. groups: how many
    parts of a batch have batch-norm statistics of their own. keep_last: whether an epoch's last, smaller batch is
    trained on. precision: of what the networks compute. extended: the epochs at which the run was finished before it
    was extended: a cosine schedule up to each of them was that of a run of so many epochs. init: the checkpoint that it
    began from; None for weights drawn from the seed.
    """

    method: str = Field(pattern=r"^[a-z0-9][a-z0-9+._-]*$")
    augmentations: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    texture: str = Field("", pattern=r"^[a-z0-9-]*$")
    backbone: str
    image_size: int
    epochs: int = Field(ge=0)
    batch_size: int = Field(ge=2)
    groups: int = Field(1, ge=1)
    keep_last: bool = False
    learning_rate: float = Field(gt=0)
    schedule: str = "step"
    milestones: tuple[int, ...] = ()
    momentum: float = Field(0.9, ge=0, lt=1)
    weight_decay: float = Field(1e-4, ge=0)
    queue_size: int = Field(16384, ge=1)
    key_momentum: float = Field(0.999, ge=0, le=1)
    temperature: float = Field(0.2, gt=0)
    embedding_dim: int = Field(128, ge=1)
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    seed: int = Field(0, ge=0)
    extended: tuple[int, ...] = ()
    init: InitialWeights | None = None

    @property
    def untrained(self) -> bool:
        """Whether it is that of a network as it is initialised."""
        return self.method == UNTRAINED


SpaceName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]  # names files of features, too

_INTEGERS = (
    *("stem_padding", "image_size", "img_size", "img_height", "img_width"),
    *("patch_size", "embed_dim", "depth", "num_heads", "reg_tokens"),
)
_SWITCHES = ("qkv_bias", "class_token", "dynamic_img_size", "fc_norm", "no_embed_class", "pre_norm", "qk_norm")
_NUMBERS = ("init_values", "mlp_ratio", "layer_norm_eps")
_OPTIONS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(_INTEGERS, (int,)),
    **dict.fromkeys(_SWITCHES, (bool,)),
    **dict.fromkeys(_NUMBERS, (int, float)),
    "global_pool": (str,),
    "act_layer": (str,),
}
_LARGEST = {"depth": 256, "stem_padding": 3}  # others: 8192


class Architecture(Frozen):
    """A network that was not pretrained by loocbench.

    name: a backbone ("resnet50"), "torchvision:NAME", "timm:NAME" or "python:MODULE:FUNCTION". options: further
    arguments of its constructor. separate: each space has its own last stage (LooC++). hidden_dim and
    embedding_dim: of the heads, where it has some.
    """

    name: str
    options: dict[str, bool | int | float | str] = {}
    separate: bool = False
    hidden_dim: int = Field(0, ge=0, le=65536)
    embedding_dim: int = Field(0, ge=0, le=65536)

    @model_validator(mode="after")
    def _harmless(self) -> Architecture:
        """Cards may be untrusted: only sizes and layer options may reach a library's constructor."""
        for name, value in self.options.items():
            known = type(value) in _OPTIONS.get(name, ())  # not isinstance: True is an int
            if not known or (not isinstance(value, str) and not 0 <= value <= _LARGEST.get(name, 8192)):
                raise ValueError(f"{name} = {value} is not an option of an architecture")
        return self


class WeightsSource(Frozen):
    """Where the weights of a checkpoint that loocbench did not train came from.

    name: the file's name, or the library's or hub's name of the model. revision: the hub repository's commit. sha256:
    of the file. layout: the library or project whose tensor names the file had. preprocessing: where it is known from.
    assumed: what else the file does not say of the network and was assumed.
    """

    kind: Literal["file", "torchvision", "timm", "hf", "random"]
    name: str
    revision: str = ""
    sha256: str = ""
    layout: str = ""
    preprocessing: str = ""
    assumed: str = ""
    via: str = ""

    def __str__(self) -> str:
        """ "hf:org/name@0123abc, SHA-256 89ab…"."""
        place = self.name if self.kind == "file" else f"{self.kind}:{self.name}"
        revision = f"@{self.revision}" if self.revision else ""
        return f"{place}{revision}" + (f", SHA-256 {self.sha256}" if self.sha256 else "")


class CheckpointCard(Frozen):
    """The metadata of a checkpoint. ``weights`` is the SHA-256 of its tensors.

    A checkpoint that loocbench trained has a ``recipe`` (format 1). Any other has an ``architecture`` and a ``source``
    (format 2), and its training data are as its publisher states them. number: grows with every checkpoint that is
    written to a folder of runs, so that the newest one is known whatever the clock said. warnings: what signs of
    learning say against it ("the space color has collapsed"), each with its figures. In cards of older versions number
    is 0 and warnings are empty.
    """

    format: Literal[1, 2] = 1
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")
    recipe: Recipe | None = None
    architecture: Architecture | None = None
    source: WeightsSource | None = None
    spaces: tuple[SpaceName, ...]
    preprocessing: Preprocessing
    dataset: str
    dataset_note: str = ""
    stylised_edition: str = ""
    skipped: tuple[str, ...] = ()
    edition: str
    split: str
    fingerprint: str
    images: int
    epochs_done: int
    created: str
    number: int = Field(0, ge=0)
    weights: str
    warnings: dict[str, str] = {}
    versions: dict[str, str]
    hardware: str

    @model_validator(mode="after")
    def _one_origin(self) -> CheckpointCard:
        if (self.recipe is None) == (self.architecture is None) or (self.architecture and not self.source):
            raise ValueError("a card has a recipe, or an architecture and a source")
        return self

    @property
    def backbone(self) -> str:
        """The network's name: "resnet50", "torchvision:mobilenet_v2"."""
        return self.recipe.backbone if self.recipe else self.architecture.name if self.architecture else ""

    @property
    def untrained(self) -> bool:
        """Whether the weights are randomly initialised."""
        return self.recipe.untrained if self.recipe else bool(self.source and self.source.kind == "random")

    @property
    def epochs(self) -> int | None:
        """Number of pretraining epochs, or None if unknown."""
        return self.epochs_done if self.recipe or self.untrained else None


class Metric(Frozen):
    """A measured value with its 95 % interval over n test items. Accuracies are fractions of 1."""

    model_config = ConfigDict(allow_inf_nan=False)

    value: float
    low: float
    high: float
    n: int = Field(ge=1)


@dataclass(frozen=True)
class Change:
    """A change of the square crops before the network sees them; see ``loocbench.changes``.

    name: the change's; strength: in the change's own unit. drawn: whether each image gets a strength drawn from the
    change's whole range instead. view: 0 for the centre crop, n > 0 for the n-th random crop, mirrored or not, which is
    taken first. Both draws are a pure function of (seed, image).
    """

    name: str = "none"
    strength: float = 0.0
    drawn: bool = False
    view: int = 0
    seed: int = 0


UNCHANGED = Change()


@dataclass(frozen=True)
class Outcome:
    """The result of an evaluator: metrics by name, hyperparameters chosen on validation, and the solver's certificate.

    draws: fingerprint of the images that it drew at random, if any. items: each test item's contribution to a metric,
    bool or float64 [N] in the split's order (or the drawn order: images, trials), for paired tests of models; under
    ``PREDICTED`` each test image's predicted class, int64 [N], where there is one. scale:
    reference values of the metrics, by name ("random", "oracle"). stated: further conditions of the measurement
    ("foreground": "bounding box").
    """

    metrics: Mapping[str, Metric]
    chosen: Mapping[str, float] = field(default_factory=dict)
    curve: Sequence[Mapping[str, float]] = ()
    certificate: float | None = None
    draws: str = ""
    items: Mapping[str, item_codec.Values] = field(default_factory=dict)
    scale: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    stated: Mapping[str, str] = field(default_factory=dict)


class Items(Frozen):
    """Each of ``count`` test items' contribution to a metric, packed into text (see ``loocbench.item_codec``)."""

    kind: item_codec.Kind
    count: int = Field(ge=1, le=item_codec.LARGEST)
    data: str

    @classmethod
    def of(cls, values: item_codec.Values) -> Items:
        """Pack bool or int64 [N] exactly, or float64 [N] to three digits or more."""
        kind, data = item_codec.pack(values)
        return cls(kind=kind, count=len(values), data=data)

    def values(self) -> item_codec.Values:
        """Unpack to bool, float64 or int64 [N]. Raises ValueError if the text is damaged."""
        return item_codec.unpack(self.kind, self.count, self.data)


SELECTED = "selected"  # features of a row whose combination was chosen on validation; ``stated`` then names it
PREDICTED = "predicted"  # items of a row that are no metric's: the class predicted for each test image
CONSTANT = "constant features"  # what ``stated`` says of features that do not tell images apart
ASSUMED = "assumed"  # what ``stated`` says of a model's network or preprocessing that nobody stated
LEARNING = "signs of learning"  # what ``stated`` says of a model that did not learn what its method is to teach it
REMOTE = ("torchvision:", "timm:", "hf:")  # how references to models of libraries and hubs begin
RANDOM = "random:"  # prefix of the source of untrained weights
ROW_VERSION = 4  # of Row's schema; records/migration.py brings older ones to it


class Conditions(Frozen):
    """What determines features and evaluation beside weights, images, task name, features name and seed.

    network: method, backbone and heads of a pretrained network; name and options of any other. protocol: the task's
    settings as they were measured. labels: the task's. numerics: how files are decoded, changed and
    given to the network: versions of these steps, precision and rounding of the forward pass.
    """

    preprocessing: Preprocessing
    network: dict[str, Any]
    protocol: dict[str, Any]
    labels: tuple[str, ...]
    numerics: str


class Row(Frozen):
    """One measured result, with all that is needed to reproduce it: one JSON file of the store.

    recipe: the pretraining recipe; None for weights that loocbench did not train, which ``source`` names and whose
    epochs may be unknown (None). seed: of the measurement; the pretraining seed is in the recipe. items: each test
    item's contribution to a metric. measured_with: None in rows of schemas before 3, which did not record it. title: of
    the task's card, by which tables name a task of the user's own; "" in rows of schemas before 4.
    seconds: wall time per phase. All numbers are finite, as JSON requires.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    schema_version: Literal[4] = 4
    task: str
    task_version: int
    title: str = ""
    dataset: str
    dataset_note: str = ""
    skipped: tuple[str, ...] = ()
    fingerprints: dict[str, str]
    edition: str
    features: str
    checkpoint: str
    checkpoint_hash: str
    checkpoint_number: int = 0
    model: str
    backbone: str
    image_size: int
    source: str = ""
    pretrained_on: str
    pretraining_note: str = ""
    pretraining_fingerprint: str
    epochs: int | None
    recipe: Recipe | None = None
    seed: int
    measured_with: Conditions | None = None
    metrics: dict[str, Metric]
    items: dict[str, Items] = {}
    chosen: dict[str, float]
    curve: list[dict[str, float]]
    certificate: float | None
    draws: str = ""
    scale: dict[str, dict[str, float]] = {}
    stated: dict[str, str] = {}
    seconds: dict[str, float]
    versions: dict[str, str]
    hardware: str
    created: str

    @property
    def conditions(self) -> dict[str, str]:
        """The stated conditions of the measurement.

        Not one: the spaces chosen on validation, which are a finding, and what was assumed or found out of the model.
        """
        return {what: how for what, how in self.stated.items() if what not in (SELECTED, ASSUMED, CONSTANT, LEARNING)}

    @property
    def pretraining_seed(self) -> int | None:
        """The seed of pretraining, None if unknown. Untrained weights are drawn from the measurement's seed."""
        return self.recipe.seed if self.recipe else self.seed if self.untrained else None

    @property
    def untrained(self) -> bool:
        """Whether the weights were randomly initialised."""
        return self.recipe.untrained if self.recipe else self.source.startswith(RANDOM)
