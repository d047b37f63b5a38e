"""Single faults in files, as disks and networks make them: a byte flipped, a half zeroed, the end cut off."""

from collections.abc import Iterator

import numpy as np


def make_faults(content: bytes, seed: int, count: int = 60) -> Iterator[bytes]:
    """``count`` damaged copies of ``content``, all of which differ from it, at seeded positions."""
    generator = np.random.default_rng(seed)
    made = 0
    while made < count:
        damaged = bytearray(content)
        place = int(generator.integers(len(content)))
        if made % 3 == 0:
            damaged[place] ^= int(generator.integers(1, 256))
        elif made % 3 == 1:
            half = len(content) // 2
            begin = place % (len(content) - half)
            damaged[begin : begin + half] = bytes(half)
        else:
            del damaged[place:]
        if damaged != content:
            made += 1
            yield bytes(damaged)
