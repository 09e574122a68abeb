"""The reference of the row format, from the table of the schema."""

from redheart.configuration.labels import BENTHAM, EMOTIONS, NUANCE_LEVELS, REGRET_TYPES, VERDICTS, VIEWS
from redheart.data import schema

from .markdown import Block, BlockError, table


def row_format() -> str:
    """Return the table of columns in the docstring of `redheart.data.schema`.

    Returns:
        A table in Markdown.

    Raises:
        BlockError: When the docstring has no such table.
    """
    lines = [line.strip() for line in (schema.__doc__ or "").splitlines() if line.strip().startswith("|")]
    if len(lines) < 3:
        raise BlockError("The docstring of `redheart.data.schema` has no table of columns.")
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return table(cells[0], cells[2:])


def label_names() -> str:
    """Return a table of the names that columns are made of."""
    names = {
        "emotions": EMOTIONS,
        "levels of an emotion": NUANCE_LEVELS,
        "dimensions of Bentham": BENTHAM,
        "types of regret": REGRET_TYPES,
        "views": VIEWS,
        "verdicts": VERDICTS,
    }
    return table(("what", "names, in their order"), ((title, ", ".join(found)) for title, found in names.items()))


BLOCKS: dict[str, Block] = {"row-format": row_format, "label-names": label_names}
