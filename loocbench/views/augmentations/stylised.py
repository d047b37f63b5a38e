"""Texture randomised by stylised copies of the images, which the user made (``--stylised FOLDER``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loocbench.views.augmentations.augmentation import Augmentation, Context, Drawn, Parameters, Sizes, Uniforms

if TYPE_CHECKING:
    from torch import Tensor


def draw_stylised(u: Uniforms, sizes: Sizes) -> Drawn:
    """With p 0.5 the stylised copy in place of the image. Returns stylised bool [B]."""
    return {"stylised": u[:, 0] < 0.5}


def apply_stylised(images: Tensor, parameters: Parameters, context: Context) -> Tensor:
    """The copy where ``stylised``. Raises ValueError if the batch has no copies."""
    from loocbench.views.row_selection import change_rows, true_rows

    if context.stylised is None:
        raise ValueError("stylised views need the batch's stylised copies")
    chosen = true_rows(parameters["stylised"])
    return change_rows(images, chosen, lambda _, copy: copy, context.stylised)


STYLISED = Augmentation(
    name="texture",
    title="Texture",
    stream=6,
    uniforms=1,
    draw=draw_stylised,
    apply=apply_stylised,
    has_space=True,
    variant="stylised",
    takes_bytes=True,
)
