"""The store of measured rows: JSON files, and the rows as a pandas table."""
