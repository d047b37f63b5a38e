"""The methods of the paper's tables, one file each: which views there are, and what is asked of their embeddings."""

from __future__ import annotations

from loocbench.pretraining.methods.add_one import AddOne
from loocbench.pretraining.methods.contrastive import Contrastive
from loocbench.pretraining.methods.looc import LooC, LooCPlusPlus
from loocbench.pretraining.methods.moco import MoCo, MoCoPlusPlus
from loocbench.pretraining.methods.supervised import Supervised
from loocbench.types import MethodName

CONTRASTIVE: dict[MethodName, Contrastive] = {
    "moco": MoCo(),
    "moco++": MoCoPlusPlus(),
    "looc": LooC(),
    "looc++": LooCPlusPlus(),
    "add-one": AddOne(),
}
METHODS: dict[MethodName, Contrastive | Supervised] = {**CONTRASTIVE, "supervised": Supervised()}
