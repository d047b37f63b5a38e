"""One module a format; each turns the same table into text. ``terminal`` prints, ``page`` is the HTML."""

from __future__ import annotations
