"""The store of measured rows."""
