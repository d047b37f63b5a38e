"""Views on a CPU, compiled by numba: one pass takes an image from the cache's bytes to a normalised view."""
