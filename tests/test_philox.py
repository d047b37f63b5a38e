"""The counter-based generator against its authors' known answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loocbench import philox

ONES = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((ONES,) * 4, (ONES,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_known_answers_of_random123(counter, key, answer):
    words = philox.philox4x32(tuple(np.array([word], dtype=np.uint64) for word in counter), key)
    assert tuple(int(word[0]) for word in words) == answer


@given(st.integers(0, 2**64 - 1), st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=20))
def test_each_row_depends_on_its_own_index_alone(seed, indices):
    together = philox.uniforms(seed, indices, major=3, minor=5, count=6)
    for row, index in enumerate(indices):
        assert (philox.uniforms(seed, [index], major=3, minor=5, count=6)[0] == together[row]).all()


def test_several_streams_at_once_are_those_one_by_one():
    indices, streams = [5, 0, 2**32 - 1], [(7, 1), (2**32 - 1, 6), (0, 4), (7, 9)]
    together = philox.uniforms_of_streams(11, indices, major=3, streams=streams)
    for got, (minor, count) in zip(together, streams, strict=True):
        assert got.shape == (3, count)
        assert (got == philox.uniforms(11, indices, major=3, minor=minor, count=count)).all()


def test_the_embedded_images_and_the_views_never_share_numbers():
    """Views use (epoch, view << 8 | augmentation); the images a range of their own."""
    from loocbench.data import blooms_render
    from loocbench.views.augmentations import AUGMENTATIONS

    streams = [augmentation.stream for augmentation in AUGMENTATIONS]
    assert len(set(streams)) == len(streams)
    assert max(streams) < 1 << 8
    assert blooms_render.STREAM > 255 << 8 | 255


def test_numbers_are_uniform_and_uncorrelated_across_coordinates():
    u = philox.uniforms(0, np.arange(100_000), major=0, minor=0, count=4)
    assert ((u > 0) & (u < 1)).all()
    assert abs(u.mean() - 0.5) < 0.005
    v = philox.uniforms(0, np.arange(100_000), major=1, minor=0, count=4)
    assert abs(np.corrcoef(u[:, 0], v[:, 0])[0, 1]) < 0.02
    assert abs(np.corrcoef(u[:, 0], u[:, 1])[0, 1]) < 0.02
