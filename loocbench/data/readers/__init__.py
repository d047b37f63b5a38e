"""Readers of official layouts: from a folder to a :class:`~loocbench.types.Dataset`.

One module per data set or family of data sets, which ends with the catalog entry; ``entries.py`` lists the entries.
"""
