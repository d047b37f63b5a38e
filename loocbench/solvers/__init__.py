"""Solvers that certify their solutions."""
