"""Bounds within which two solutions of one problem must agree, derived from their own gradients.

A witness from another library stops where its own rule says, which moves with the processor's rounding. What two
solutions may differ by is no constant, but follows from how far each is from the optimum.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def gradient(x: Tensor, y: Tensor, strength: float, weights: Tensor, intercepts: Tensor) -> tuple[Tensor, Tensor]:
    """The gradient of mean cross-entropy + strength / 2 ||W||^2 by weights [K, D] and intercepts [K], by autograd."""
    w, b = weights.detach().clone().requires_grad_(), intercepts.detach().clone().requires_grad_()
    loss = F.cross_entropy(x.double() @ w.T + b, y) + strength / 2 * w.square().sum()
    return torch.autograd.grad(loss, (w, b))


def gradient_norm(x: Tensor, y: Tensor, strength: float, weights: Tensor, intercepts: Tensor) -> float:
    """Its length: the certificate of a solution."""
    return float(torch.cat([part.flatten() for part in gradient(x, y, strength, weights, intercepts)]).norm())


def assert_both_near_the_optimum(
    x: Tensor,
    y: Tensor,
    strength: float,
    ours: tuple[Tensor, Tensor],
    theirs: tuple[Tensor, Tensor],
    *,
    our_gradient: float,
    their_gradient: float,
) -> float:
    """Assert that (weights, intercepts) of both sides have gradient norms below those stated, of one objective, and
    that their weights are as near to each other as follows. Returns that bound on ||W - W'||.

    f is convex, and strongly so in W with the constant lambda, so for any two points, with differences d of weights and
    e of intercepts and g of the gradients,

        lambda ||d||^2  <=  <g_W, d> + <g_b, e>  <=  (|g_W| + |g'_W|) ||d|| + (|g_b| + |g'_b|) ||e||,

    which is a quadratic inequality in ||d||. Equal shifts of all intercepts change nothing and have no gradient, so e
    is taken without its mean.
    """
    norms = []
    for found, limit in ((ours, our_gradient), (theirs, their_gradient)):
        by_weights, by_intercepts = gradient(x, y, strength, *found)
        norms.append((float(by_weights.norm()), float(by_intercepts.norm())))
        assert (norms[-1][0] ** 2 + norms[-1][1] ** 2) ** 0.5 <= limit
    of_weights, of_intercepts = (sum(parts) for parts in zip(*norms, strict=True))
    apart = ours[1] - theirs[1]
    linear, constant = of_weights, of_intercepts * float((apart - apart.mean()).norm())
    bound = (linear + (linear**2 + 4 * strength * constant) ** 0.5) / (2 * strength)
    rounding = 1e-12 * float(ours[0].norm())
    assert float((ours[0] - theirs[0]).norm()) <= bound + rounding
    return bound


def assert_same_classes(first: Tensor, second: Tensor, *, apart: float) -> None:
    """Assert that scores [..., K] name the same classes, except where both leading classes are within ``apart``.

    Two scores that each are off by at most ``apart`` / 2 cannot change a larger margin. At most one item in twenty may
    be that close, else the comparison would say nothing.
    """
    leading = first.topk(2, dim=-1).values
    clear = leading[..., 0] - leading[..., 1] > apart
    assert clear.double().mean() > 0.95
    assert torch.equal(first.argmax(dim=-1)[clear], second.argmax(dim=-1)[clear])
