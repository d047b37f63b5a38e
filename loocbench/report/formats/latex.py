r"""The table as LaTeX with booktabs, to be included in a paper with \input."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from loocbench.report.formats.comparison_rows import COMPARISON_HEADINGS, format_comparisons
from loocbench.report.formats.grid import MEASURED, Grid, build_grids, describe_marks, format_cell
from loocbench.report.formats.page_width import fold_heading, fold_label, shorten_labels, split_columns
from loocbench.report.formats.sign_rows import SIGNS_CAPTION, SIGNS_TITLE, format_signs, sign_headings
from loocbench.report.table.cells import Cell
from loocbench.report.table.notes import notes_of_paper
from loocbench.report.table.table import Table

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "[": "{[}",  # after a line's end a bare one would begin its optional length, and * its starred form
    "]": "{]}",
    "*": "{*}",
    "–": "--",
    "−": "$-$",
    "±": r"$\pm$",
    "²": r"$^2$",
    "°": r"$^\circ$",
    "λ": r"$\lambda$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "≠": r"$\neq$",
    "≈": r"$\approx$",
    "≥": r"$\geq$",
    "✓": r"$\checkmark$",
    "…": r"\ldots{}",
}
_HEADER = "% needs \\usepackage[T1]{fontenc}, \\usepackage{booktabs,graphicx} and, for \\checkmark, amssymb"


def render_latex(table: Table, title: str, *, pivot: bool = False) -> str:
    """Table environments of measured and published figures, paired tests and label-free signs, a page wide at most.

    Columns that do not fit stand in further tables. The notes stand below the last table of measured figures.
    """
    parts = [_HEADER]
    for grid in build_grids(table, pivot=pivot) if table.columns else []:
        caption, notes = f"{title}: published figures. {grid.caption}", ""
        if grid.kind == MEASURED:
            said: list[str] = []
            if not pivot:
                grid, said = shorten_labels(grid)
            caption, notes = (
                " ".join(filter(None, [f"{title}.", describe_marks(grid), *said])),
                " ".join(map(_note, notes_of_paper(table.notes))),
            )
        split = split_columns(grid)
        for number, part in enumerate(split, 1):
            continued = f"{title}, part {number} of {len(split)}." if number > 1 else caption
            parts += ["", *_environment(_grid_lines(part), continued, notes if number == len(split) else "")]
    if table.tests:
        parts += ["", *_environment(_test_lines(table), f"{title}: paired tests.")]
    if table.signs:
        parts += [
            "",
            *_environment(_sign_lines(table), f"{title}: {SIGNS_TITLE.lower()}.", escape_latex(SIGNS_CAPTION)),
        ]
    return "\n".join(parts) + "\n"


def escape_latex(text: str) -> str:
    """Text escaped for LaTeX; letters that its usual fonts lack are replaced by their code point."""
    parts = " ".join(text.split()).split("--")  # two hyphens would be set as a dash
    return "-{}-".join("".join(map(_escape_letter, part)) for part in parts)


def _escape_letter(one: str) -> str:
    return _ESCAPES.get(one, one if _in_usual_fonts(one) else _code_point(one))


def _in_usual_fonts(one: str) -> bool:
    return " " <= one <= "~" or ("À" <= one <= "ſ" and one not in "×÷ĸŉſ")


def _code_point(one: str) -> str:
    return rf"\texttt{{U+{ord(one):04X}}}"


def _note(text: str) -> str:
    """A note with what stands between two backticks in typewriter type."""
    parts = text.split("`")
    return "".join(
        rf"\texttt{{{escape_latex(part)}}}" if place % 2 else _escape_part(part) for place, part in enumerate(parts)
    )


def _escape_part(text: str) -> str:
    """Text escaped for LaTeX with the spaces at its ends."""
    return f"{' ' * text.startswith(' ')}{escape_latex(text)}{' ' * text.endswith(' ')}"


def _environment(tabular: Sequence[str], caption: str, notes: str = "") -> list[str]:
    below = [rf"\par\smallskip{{\raggedright\scriptsize {notes}\par}}"] if notes else []
    return [
        r"\begin{table}",
        rf"\caption{{{escape_latex(caption)}}}",
        r"\centering\footnotesize",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        *tabular,
        "}",
        *below,
        r"\end{table}",
    ]


def _grid_lines(grid: Grid) -> list[str]:
    names = len(grid.names)
    lines = [
        rf"\begin{{tabular}}{{{'l' * names}{'r' * len(grid.heads)}}}",
        r"\toprule",
        *_heading_lines(grid),
        r"\midrule",
    ]
    for place, row in enumerate(grid.rows):
        if place and row.family != grid.rows[place - 1].family:
            lines.append(r"\addlinespace")
        labels = (_stack_lines(fold_label(text, grid), "l") for text in row.labels)
        lines.append(" & ".join([*labels, *map(_cell, row.cells)]) + r" \\")
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _heading_lines(grid: Grid) -> list[str]:
    """The groups over their columns, rules below them, and the columns' headings."""
    above, rules, position = [""] * len(grid.names), [], len(grid.names) + 1
    for group, members in groupby(grid.heads, key=lambda head: head.group):
        width = len(list(members))
        above.append(rf"\multicolumn{{{width}}}{{c}}{{{_stack(group, 'c')}}}")
        rules.append(rf"\cmidrule(lr){{{position}-{position + width - 1}}}")
        position += width
    below = [*(escape_latex(name) for name in grid.names), *(_stack(head.short, "r") for head in grid.heads)]
    return [" & ".join(above) + r" \\", " ".join(rules), " & ".join(below) + r" \\"]


def _stack(text: str, side: str) -> str:
    return _stack_lines(fold_heading(text), side)


def _stack_lines(texts: Sequence[str], side: str) -> str:
    """Lines of text, one above the other."""
    lines = list(map(escape_latex, texts))
    stacked = r" \\ ".join(lines)
    return rf"\shortstack[{side}]{{{stacked}}}" if len(lines) > 1 else stacked


def _cell(cell: Cell | None) -> str:
    text = escape_latex(format_cell(cell))
    return rf"\textbf{{{text}}}" if cell and cell.rank == "best" else text


def _test_lines(table: Table) -> list[str]:
    return _text_lines("lllrrlrrl", COMPARISON_HEADINGS, format_comparisons(table.tests))


def _sign_lines(table: Table) -> list[str]:
    headings = sign_headings(table.signs)
    return _text_lines(f"llrl{'r' * (len(headings) - 5)}l", headings, format_signs(table.signs))


def _text_lines(sides: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A tabular of texts; sides: its column specification."""
    lines = [
        rf"\begin{{tabular}}{{{sides}}}",
        r"\toprule",
        " & ".join(map(escape_latex, headings)) + r" \\",
        r"\midrule",
    ]
    lines += [" & ".join(map(escape_latex, row)) + r" \\" for row in rows]
    return [*lines, r"\bottomrule", r"\end{tabular}"]
