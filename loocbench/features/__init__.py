"""Spaces by name, the encoder, extraction and its cache."""
