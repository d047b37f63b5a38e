"""The objective of LooC, and MoCo's as its case n = 0.

In each space i, with z the L2-normalised embedding there, tau the temperature and, for an image,
E+(i, j) = exp(z_i(q) . z_i(k_j) / tau) and E-(i, i) the same with an entry of queue i (Xiao et al. 2021, equation 2):

    loss_0 = -log E+(0,0) / (E+(0,0) + sum E-(0,0))
    loss_i = -log E+(i,i) / (sum_{j=0..n} E+(i,j) + sum E-(i,i))        i = 1 .. n

The objective is the mean of loss_0 ... loss_n. So in space i >= 1 the image's other keys are negatives, k_0 among
them; in space 0 they do not occur.
"""

from __future__ import annotations

import torch
from torch import Tensor


def looc_loss(queries: Tensor, keys: Tensor, queues: Tensor, temperature: float) -> Tensor:
    """Each space's loss, averaged over the batch. The objective is the mean of the result.

    queries: [S, B, D], z_i(q). keys: [S, S, B, D], z_i(k_j) at [i, j]. queues: [S, K, D], past z_i(k_i).
    All L2-normalised along D. temperature: tau, > 0. Returns [S]. Raises ValueError if the shapes do not agree.
    """
    spaces, batch, dim = queries.shape
    if keys.shape != (spaces, spaces, batch, dim) or (queues.shape[0], queues.shape[2]) != (spaces, dim):
        raise ValueError(
            f"queries {tuple(queries.shape)}, keys {tuple(keys.shape)} and queues {tuple(queues.shape)} do not fit"
        )
    own_image = torch.einsum("sbd,sjbd->sbj", queries, keys) / temperature
    other_images = torch.einsum("sbd,skd->sbk", queries, queues) / temperature
    positive = own_image.diagonal(dim1=0, dim2=2).T  # [S, B], log E+(i, i)
    absent = torch.zeros(spaces, 1, spaces, dtype=torch.bool, device=queries.device)
    absent[0, :, 1:] = True  # k_1 ... k_n do not occur in space 0
    own_image = own_image.masked_fill(absent, -torch.inf)
    return (torch.cat([own_image, other_images], dim=2).logsumexp(dim=2) - positive).mean(dim=1)


def moco_loss(queries: Tensor, keys: Tensor, queues: Tensor, temperature: float) -> Tensor:
    """MoCo's loss in each of S spaces by itself (MoCo++: duplicated stages, no leave-one-out).

    queries: [S, B, D]. keys: [S, B, D], z_i(k_0). queues: [S, K, D]. Returns [S].
    """
    return torch.cat(
        [
            looc_loss(q[None], k[None, None], queue[None], temperature)
            for q, k, queue in zip(queries, keys, queues, strict=True)
        ]
    )
