"""Figures drawn with matplotlib: measured rows, training curves, images."""
