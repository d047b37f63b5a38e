"""Reading tables back, for tests of formats."""


def parse_tables(page):
    """The tables of a page as GitHub would read it, each as a list of dictionaries of text and markup."""
    from markdown_it import MarkdownIt

    tables, line = [], []
    for token in MarkdownIt("commonmark").enable("table").parse(page):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            line = []
        elif token.type == "inline" and token.level >= 4:
            line.append("".join(_shown(child) for child in token.children))
        elif token.type == "tr_close":
            tables[-1].append(line)
    return [[dict(zip(head, line, strict=True)) for line in body] for head, *body in tables]


def _shown(token):
    return {"strong_open": "<b>", "strong_close": "</b>"}.get(token.type, token.content)


def measured_cells(built):
    """(model, features, heading) -> cell, for all measured cells of a table."""
    return {
        (line.model, line.features, column.heading): cell
        for line in built.measured
        for column, cell in zip(built.columns, line.cells, strict=True)
        if cell
    }
