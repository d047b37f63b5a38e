"""Solvers of the probes; those of convex problems certify their solutions."""
