"""The methods of the paper's tables, one file each: which views there are, and the loss of their embeddings.

A new one is a file here and an entry in the table; a recipe card beside it is what ``loocbench recipes`` lists. The
table imports no torch.
"""

from __future__ import annotations

from loocbench.lazy_table import LazyTable
from loocbench.pretraining.methods.method import Method

# In the order of the lines of tables.
METHODS: LazyTable[Method] = LazyTable(
    {
        "random": "loocbench.pretraining.methods.untrained:RANDOM",
        "supervised": "loocbench.pretraining.methods.supervised:SUPERVISED",
        "moco": "loocbench.pretraining.methods.moco:MOCO",
        "moco++": "loocbench.pretraining.methods.moco:MOCO_PLUS_PLUS",
        "add-one": "loocbench.pretraining.methods.add_one:ADD_ONE",
        "looc": "loocbench.pretraining.methods.looc:LOOC",
        "looc++": "loocbench.pretraining.methods.looc:LOOC_PLUS_PLUS",
    }
)


def trainable_names() -> list[str]:
    """The methods that can be pretrained, in the order of tables."""
    return [name for name, method in METHODS.items() if method.trainable]


def evaluated_features(method: str) -> str:
    """The features that a method is evaluated on in the paper; "looc" for one that this installation lacks."""
    return METHODS[method].evaluated_features if method in METHODS else "looc"


def method_position(method: str) -> int:
    """The position of a method's lines in tables, from 0; methods that this installation lacks follow all others."""
    return list(METHODS).index(method) if method in METHODS else len(METHODS)
