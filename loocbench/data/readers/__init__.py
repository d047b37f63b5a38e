"""From a folder as its archive unpacks to a :class:`~loocbench.types.Dataset`: one module a layout."""
