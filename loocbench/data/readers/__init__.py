"""Readers: from the folder that an official archive unpacks to, to a :class:`~loocbench.types.Dataset`.

One module per data set (or family of them), which ends with its catalog entry. ``entries.py`` lists the entries.
"""
