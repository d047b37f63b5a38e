"""The colour descriptor of images without a colour label, against known values and naive loops."""

import numpy as np
import pytest
import torch

from loocbench.evaluators import color_descriptor


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((1, 1, 1), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((1, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 0, 1), (32.30, 79.19, -107.86)),
        ((0, 1, 0), (87.73, -86.18, 83.18)),
        ((1, 1, 0), (97.14, -21.55, 94.48)),
        ((0.5, 0.5, 0.5), (53.39, 0, 0)),
    ],
)
def test_known_cielab_values(rgb, lab):
    np.testing.assert_allclose(color_descriptor.rgb_to_lab(np.array(rgb, dtype=float)), lab, atol=0.05)


def test_a_histogram_is_a_naive_loop_over_pixels_and_nodes():
    crops = np.random.default_rng(0).integers(0, 256, (1, 3, 8, 8), dtype=np.uint8)
    mask = np.random.default_rng(1).random((1, 8, 8)) < 0.5
    lab = color_descriptor.rgb_to_lab(crops[0][:, mask[0]].T / 255)
    nodes = [(x, y, z) for x in range(0, 101, 25) for y in range(-80, 81, 20) for z in range(-80, 81, 20)]
    expected = np.zeros(len(nodes))
    for value in np.clip(lab, [0, -80, -80], [100, 80, 80]):
        for place, node in enumerate(nodes):
            nearness = [max(0.0, 1 - abs(v - n) / w) for v, n, w in zip(value, node, (25, 20, 20), strict=True)]
            expected[place] += np.prod(nearness) / len(lab)
    np.testing.assert_allclose(color_descriptor.color_histograms(crops, mask)[0] ** 2, expected, atol=1e-6)


def test_only_the_foreground_counts():
    red, rest = np.array([200, 20, 20]), np.random.default_rng(0).integers(0, 256, (2, 3, 16, 16), dtype=np.uint8)
    mask = np.zeros((2, 16, 16), dtype=bool)
    mask[:, 2:6, 3:9] = True
    for crop in rest:
        crop[:, 2:6, 3:9] = red[:, None, None]
    first, second = color_descriptor.color_histograms(rest, mask)
    assert first @ second == pytest.approx(1, abs=1e-6)
    whole, other = color_descriptor.color_histograms(rest, np.zeros_like(mask))  # no pixel: the whole image
    assert whole @ other < 0.99


def test_without_a_mask_the_foreground_is_the_central_half():
    image = np.zeros((2, 3, 8, 8), dtype=np.uint8)
    image[:, :, 2:6, 2:6] = 255
    image[1, :, 0] = 90
    first, second = color_descriptor.color_histograms(image)
    np.testing.assert_array_equal(first, second)
    white = np.flatnonzero(first > 0.99)
    assert white.tolist() == [np.ravel_multi_index((4, 4, 4), (5, 9, 9))]  # L 100, a 0, b 0


def test_agreement_is_1_for_the_nearest_colour_and_a_half_for_random_neighbours():
    generator = np.random.default_rng(0)
    descriptors = torch.from_numpy(generator.random((300, 20))).float()
    descriptors /= descriptors.norm(dim=1, keepdim=True)
    similar = (descriptors @ descriptors.T).fill_diagonal_(-1)
    queries = torch.arange(300)
    assert color_descriptor.color_agreement(descriptors, queries, similar.argmax(dim=1)).min() == 1.0
    random = torch.from_numpy(np.array([generator.choice(np.delete(np.arange(300), query)) for query in range(300)]))
    assert abs(float(color_descriptor.color_agreement(descriptors, queries, random).mean()) - 0.5) < 0.05


def test_agreement_and_alikeness_are_their_definitions():
    descriptors = torch.from_numpy(np.abs(np.random.default_rng(0).normal(size=(50, 12)))).float()
    descriptors /= descriptors.norm(dim=1, keepdim=True)
    queries = torch.tensor([3, 17, 49])
    nearest = torch.tensor([4, 0, 12])
    alike = color_descriptor.find_alike(descriptors, queries)
    agreement = color_descriptor.color_agreement(descriptors, queries, nearest)
    for place, (query, neighbour) in enumerate(zip(queries.tolist(), nearest.tolist(), strict=True)):
        similar = (descriptors @ descriptors[query]).tolist()
        others = sorted((i for i in range(50) if i != query), key=lambda i: -similar[i])
        assert set(alike[place].nonzero().flatten().tolist()) == set(others[:2])  # a twentieth of 49
        farther = [similar[i] < similar[neighbour] for i in others if i != neighbour]
        assert float(agreement[place]) == pytest.approx(np.mean(farther), abs=1e-6)
