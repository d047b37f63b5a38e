"""An HTML page as one file that loads nothing: a template with its own style and script embedded.

The template escapes everything that is put into it. The page's content security policy allows only its own style and
script, by their hashes, as a second line of defence.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

import loocbench

_PACKAGE = "loocbench.report.formats"


def render_page(name: str, **content: Any) -> str:
    """Return the page made of ``templates/NAME.html.jinja``, ``NAME.css`` and ``NAME.js``. content: the template's."""
    style, script = (_read_template(f"{name}.{kind}") for kind in ("css", "js"))
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(f"{name}.html.jinja").render(
        version=loocbench.__version__,
        style=Markup(style),  # our own file, hence not escaped
        script=Markup(script),
        style_hash=_csp_hash(style),
        script_hash=_csp_hash(script),
        **content,
    )


def _read_template(name: str) -> str:
    return resources.files(_PACKAGE).joinpath("templates", name).read_text(encoding="utf-8")


def _csp_hash(text: str) -> str:
    """Return how a content security policy names an embedded style or script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"
