"""A checkpoint as a function from images to features."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from loocbench.checkpoints import card_file, networks
from loocbench.checkpoints.native import Checkpoint
from loocbench.data import decoding
from loocbench.exact_float32 import exact_float32
from loocbench.features.inference_config import InferenceConfig
from loocbench.models import spaces
from loocbench.models.inside import describe_inside, read_inside
from loocbench.models.inside_names import is_inside
from loocbench.models.library_network import LibraryNetwork
from loocbench.models.network import Network
from loocbench.types import CheckpointCard

DEFAULT_INFERENCE = InferenceConfig()
_ROUNDING = 1e-3  # of float images at the ends of [0, 1]: that of half precision


class Encoder:
    """``encoder(images, features="looc++") -> Tensor [N, D]``. ``spaces``: the names that ``features`` may take.

    ``encoder(images)`` is the plain float32 network. ``inference``: how features of whole splits are computed.
    ``inside``: what else ``features`` may name, inside the network. ``parts``: of those what this encoder computes
    beside the spaces (:meth:`reading`).
    """

    def __init__(
        self,
        card: CheckpointCard,
        network: Network | LibraryNetwork,
        device: str,
        inference: InferenceConfig = DEFAULT_INFERENCE,
        parts: tuple[str, ...] = (),
    ) -> None:
        self.card = card
        self.inference = inference
        self.preprocessing = card.preprocessing
        self.device = torch.device(device)
        self.separate = card_file.has_separate_stages(card)
        self.spaces = spaces.list_feature_names(card.spaces, separate=self.separate)
        self.inside = describe_inside(network)
        self.parts = parts
        self._plain, self._readers = network, {parts: self}
        network = read_inside(network, parts) if parts else network
        self.network = network.eval().requires_grad_(False).to(self.device).to(memory_format=torch.channels_last)
        self.prepared_forwards: dict[str, Callable[[Tensor], dict[str, Tensor]]] = {}  # of ``InferenceNetwork``
        self._mean = torch.tensor(self.preprocessing.mean, device=self.device)[:, None, None]
        self._std = torch.tensor(self.preprocessing.std, device=self.device)[:, None, None]

    @classmethod
    def from_checkpoint(
        cls, checkpoint: Checkpoint, *, device: str = "cpu", inference: InferenceConfig = DEFAULT_INFERENCE
    ) -> Encoder:
        """Build the network and load its weights. Raises UserError for a missing, unexpected or misshapen tensor."""
        card = checkpoint.card
        if card.architecture is not None:
            networks.require_weights_fit(checkpoint)
        return cls(card, networks.build_from_checkpoint(checkpoint), device, inference)

    @property
    def default_features(self) -> str:
        """What the method is evaluated on: the concatenation for LooC++, V for LooC."""
        return self.spaces[0]

    def parse(self, features: str) -> tuple[str, ...]:
        """The spaces that ``features`` concatenates. Raises UserError for a name that is not offered."""
        return spaces.parse_feature_name(features, self.card.spaces, separate=self.separate, inside=self.inside)

    def reading(self, names: Iterable[str]) -> Encoder:
        """Return an encoder of the same network that also computes the parts inside it that ``names`` need.

        It is this one where it computes them. Raises UserError as :meth:`parse`.
        """
        needed = dict.fromkeys(part for name in names for part in self.parse(name) if is_inside(part))
        if needed.keys() <= set(self.parts):
            return self
        parts = tuple(sorted(needed))
        if parts not in self._readers:
            self._readers[parts] = Encoder(self.card, self._plain, str(self.device), self.inference, parts)
        return self._readers[parts]

    def prepare(self, images: Sequence[Image.Image]) -> Tensor:
        """Pillow images of any size as uint8 [N, 3, image_size, image_size]: short side resized, centre cropped.

        Raises TypeError for anything but a sequence of Pillow images, and ValueError for none.
        """
        size = self.preprocessing.image_size
        pictures = list(images) if isinstance(images, Iterable) else [images]
        wrong = next((picture for picture in pictures if not isinstance(picture, Image.Image)), None)
        if wrong is not None or isinstance(images, Image.Image):
            what = "one image" if isinstance(images, Image.Image) else type(wrong).__name__
            raise TypeError(f"prepare takes a list of Pillow images, not {what}: prepare([Image.open(path)])")
        if not pictures:
            raise ValueError("prepare takes one image or more, the list is empty: prepare([Image.open(path)])")
        crops = []
        for image in pictures:
            upright = decoding.to_rgb(ImageOps.exif_transpose(image))
            resized = decoding.resize_short_side(upright, self.preprocessing.resize, self.preprocessing.interpolation)
            left, top = round((resized.width - size) / 2.0), round((resized.height - size) / 2.0)
            crops.append(np.asarray(resized.crop((left, top, left + size, top + size))))
        return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).contiguous()

    @torch.inference_mode()
    def all_spaces(self, images: Tensor) -> dict[str, Tensor]:
        """Every space of one forward pass, by name (``general`` for V): float32 [N, D] each, on the device.

        images: [N, 3, S, S], uint8 or float in [0, 1], already at the network's resolution; normalised here. Raises
        TypeError and ValueError for other images, such as normalised ones.
        """
        self._require_images(images)
        with exact_float32():
            return self.network.forward_spaces(self.normalise(images))

    def normalise(self, images: Tensor) -> Tensor:
        """What the network is given, float32 [N, 3, H, W] on the device. images: uint8 or float in [0, 1]."""
        pixels = images.to(self.device)
        pixels = pixels.float().div_(255) if pixels.dtype == torch.uint8 else pixels.float().clone()
        return pixels.sub_(self._mean).div_(self._std)

    def _require_images(self, images: Tensor) -> None:
        """Raise TypeError or ValueError, with what to pass instead, unless these are images that the network takes."""
        size = self.preprocessing.image_size
        wanted = (
            f"pass uint8, or float in [0, 1], of shape [N, 3, {size}, {size}], as encoder.prepare(pillow_images) makes"
        )
        if not isinstance(images, Tensor):
            raise TypeError(f"images are a {type(images).__name__}, not a tensor; {wanted}")
        if images.dtype != torch.uint8 and not images.is_floating_point():
            raise TypeError(f"images are {images.dtype}; {wanted}")
        if images.ndim != 4 or tuple(images.shape[1:]) != (3, size, size):
            raise ValueError(f"images are of shape {list(images.shape)}; {wanted}")
        if images.is_floating_point() and images.numel():
            low, high = (float(bound) for bound in torch.aminmax(images))  # NaN, if there is one
            if not (low >= -_ROUNDING and high <= 1 + _ROUNDING):
                raise ValueError(
                    f"float images are in [{low:.3g}, {high:.3g}], normalised or of another scale; {wanted}"
                )

    def __call__(self, images: Tensor, features: str | None = None) -> Tensor:
        """Features float32 [N, D] of images (see :meth:`all_spaces`) in the named space (default: the method's own)."""
        name = features or self.default_features
        parts = self.parse(name)
        every = self.reading([name]).all_spaces(images)
        return torch.cat([every[part] for part in parts], dim=1)
