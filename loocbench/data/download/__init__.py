"""Downloading official archives, with resume and checksums, and unpacking them without trusting their content."""
