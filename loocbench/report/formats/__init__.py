"""Formats of the comparison table, one module each: Markdown, LaTeX, CSV, JSON, HTML, terminal."""
