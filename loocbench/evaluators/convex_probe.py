"""Linear probes whose solution is an optimum: the certified logistic path, and ridge regression."""

from __future__ import annotations

from loocbench.evaluators import probing
from loocbench.evaluators.linear import LinearProtocol, ProbeResult
from loocbench.evaluators.task_data import TaskData


def solve_by_path(protocol: LinearProtocol, data: TaskData, label: str) -> ProbeResult:
    """Fit multinomial logistic regressions; see ``solvers.logistic``."""
    return _solve(protocol, data, label, probing.fit_logistic)


def solve_by_ridge(protocol: LinearProtocol, data: TaskData, label: str) -> ProbeResult:
    """Fit ridge regressions of one-hot labels; see ``solvers.ridge``."""
    return _solve(protocol, data, label, probing.fit_ridge)


def _solve(protocol: LinearProtocol, data: TaskData, label: str, fit: probing.Fit) -> ProbeResult:
    train, val = probing.read_train_and_val(data, label)
    classifier = probing.train_probe(train, val, protocol.lambdas, protocol.tolerance, data.info, fit=fit)
    scores, choice = classifier.score_blocks(data.blocks("test")), classifier.choice
    return ProbeResult(scores, choice.chosen, choice.curve, classifier.certificate)
