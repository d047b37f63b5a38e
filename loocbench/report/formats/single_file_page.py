"""An HTML page as one file that loads nothing: a template with its own style and script embedded.

The template escapes everything that is put into it. The page's content security policy allows only its own style and
script, by their hashes, as a second line of defence.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape
from markupsafe import Markup

import loocbench

FIRST_LINES = 200  # of a table, drawn when the page opens; a browser needs seconds to draw thousands
_PACKAGE = "loocbench.report.formats"


def render_page(name: str, *, styles: Sequence[str] = (), scripts: Sequence[str] | None = None, **content: Any) -> str:
    """Return the page made of ``templates/NAME.html.jinja``, ``NAME.css`` and ``NAME.js``.

    styles, scripts: names of templates whose CSS and JavaScript it has instead, in this order. content: the template's.
    """
    style = "".join(_read_template(f"{one}.css") for one in styles or [name])
    script = "".join(_read_template(f"{one}.js") for one in ([name] if scripts is None else scripts))
    return _load_template(f"{name}.html.jinja").render(
        version=loocbench.__version__,
        style=Markup(style),  # our own file, hence not escaped
        script=Markup(script),
        style_hash=_csp_hash(style),
        script_hash=_csp_hash(script),
        first_lines=FIRST_LINES,
        keep_words=keep_words,
        **content,
    )


def keep_words(text: str) -> Markup:
    """Return text as HTML that no browser breaks at a hyphen: "top-1" stays on one line."""
    return Markup(" ").join(
        Markup('<span class="word">{}</span>').format(word) if "-" in word else word for word in text.split(" ")
    )


@cache  # a site is made of many pages of one template
def _load_template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


@cache
def _read_template(name: str) -> str:
    return resources.files(_PACKAGE).joinpath("templates", name).read_text(encoding="utf-8")


def _csp_hash(text: str) -> str:
    """Return how a content security policy names an embedded style or script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"
