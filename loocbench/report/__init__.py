"""Reports of measured rows. ``table`` turns rows into a table; ``formats`` and ``figures`` show it, apart from each
other."""
