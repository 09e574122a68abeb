"""The limits, as on the model card and on the page."""

from textwrap import fill

from redheart.cards.statements import LIMITS

from .markdown import Block


def limits() -> str:
    """Return a list of the limits."""
    return "\n".join(fill(limit, 116, initial_indent="- ", subsequent_indent="  ") for limit in LIMITS)


BLOCKS: dict[str, Block] = {"limits": limits}
