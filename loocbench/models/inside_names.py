"""Names of features inside a network: stages, blocks, and the embeddings after projection.

stage:3           the pooled output of a ResNet's third stage; stage:-1 of its last
block:5           of a ViT's sixth block: class token and mean of the patches, after the network's last normalisation
block:-1          of its last one
blocks:-4         class tokens of the last four blocks and the mean of the last one's patches: DINOv2's linear protocol
projection:NAME   Z_NAME, the L2-normalised embedding of a head, where head:NAME may be the features before it
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from loocbench.errors import UserError, unknown

STAGE, BLOCK, BLOCKS, PROJECTION = "stage:", "block:", "blocks:", "projection:"
CLS, PATCH = ":cls", ":patch"  # behind the name of a block: its class token, and the mean of its patches
EVERY_BLOCK = "every-block"  # what sensitivity takes for all of them
_KINDS = (STAGE, BLOCK, BLOCKS, PROJECTION)
_PROTOCOL = 4  # blocks that are named in lists, as DINOv2's protocol joins


def is_inside(name: str) -> bool:
    """Whether this is a name of features inside a network."""
    return name.startswith(_KINDS)


def mentions_inside(features: str) -> bool:
    """Whether one of the joined names is of features inside a network."""
    return any(is_inside(name.strip()) for name in features.split("+"))


@dataclass(frozen=True)
class InsideNames:
    """What is offered inside a network: so many stages or blocks, and its heads' names.

    class_token: whether its blocks have one.
    """

    stages: int = 0
    blocks: int = 0
    class_token: bool = True
    projections: tuple[str, ...] = ()

    def list_names(self) -> list[str]:
        """Return the names that are offered, of joined blocks those of the usual number alone."""
        joined = [f"{BLOCKS}-{min(_PROTOCOL, self.blocks)}"] if self.blocks else []
        return [
            *(f"{STAGE}{number}" for number in range(1, self.stages + 1)),
            *self.list_blocks(),
            *joined,
            *(f"{PROJECTION}{name}" for name in self.projections),
        ]

    def list_blocks(self) -> list[str]:
        """Return the names of the single blocks, in order."""
        return [f"{BLOCK}{number}" for number in range(self.blocks)]

    def list_depth(self) -> list[str]:
        """Return the names of the blocks, or else the stages, from the first to the last.

        Raises UserError where there are none.
        """
        names = self.list_blocks() or [name for name in self.list_names() if name.startswith(STAGE)]
        if not names:
            raise UserError(f"this network has no blocks or stages to read; leave {EVERY_BLOCK} out.")
        return names

    def parse(self, name: str) -> tuple[str, ...]:
        """Return the parts that a name joins: a stage, tokens of blocks, an embedding. Raises UserError.

        Parts count from the beginning: ``stage:4``, ``block:11:cls``, ``block:11:patch``, ``projection:color``.
        """
        kind = next(kind for kind in _KINDS if name.startswith(kind))
        text = name.removeprefix(kind)
        if kind == PROJECTION:
            if text not in self.projections:
                raise unknown("features", name, self.list_names())
            return (name,)
        number = int(text) if re.fullmatch(r"-?[0-9]{1,4}", text) else None
        if kind == STAGE:
            offered = {**dict.fromkeys(range(1, self.stages + 1)), **dict.fromkeys(range(-self.stages, 0))}
            if number not in offered:
                raise self._refuse(name)
            return (f"{STAGE}{number if number > 0 else self.stages + 1 + number}",)
        if kind == BLOCK:
            if number is None or not -self.blocks <= number < self.blocks:
                raise self._refuse(name)
            return self._name_tokens(number % self.blocks, patches=True)
        if number is None or not -self.blocks <= number < 0:
            raise self._refuse(name)
        last = range(self.blocks + number, self.blocks)
        return tuple(part for block in last for part in self._name_tokens(block, patches=block == last[-1]))

    def _name_tokens(self, block: int, *, patches: bool) -> tuple[str, ...]:
        """The class token of a block, and the mean of its patches if wanted, or if there is no class token."""
        token = (f"{BLOCK}{block}{CLS}",) if self.class_token else ()
        return (*token, f"{BLOCK}{block}{PATCH}") if patches or not token else token

    def _refuse(self, name: str) -> UserError:
        offered = [f"{STAGE}1 to {STAGE}{self.stages}"] if self.stages else []
        if self.blocks:
            last = self.blocks - 1
            offered += [f"{BLOCK}0 to {BLOCK}{last} (or {BLOCK}-{self.blocks} to {BLOCK}-1)"]
            offered += [f"{BLOCKS}-1 to {BLOCKS}-{self.blocks}"]
        offered += [f"{PROJECTION}{head}" for head in self.projections]
        return UserError(f"this network has no features '{name}'; inside it are {', '.join(offered) or 'none'}.")


NOTHING = InsideNames()


def expand_depth(names: Sequence[str], inside: InsideNames) -> list[str]:
    """Return names of features, ``every-block`` replaced by what it stands for, each once. Raises UserError."""
    return list(
        dict.fromkeys(own for name in names for own in (inside.list_depth() if name == EVERY_BLOCK else [name]))
    )
