"""The limits, as the model card and the page have them."""

from textwrap import fill

from redheart.cards.statements import LIMITS

from .markdown import Block


def limits() -> str:
    """A list of the limits."""
    return "\n".join(fill(limit, 116, initial_indent="- ", subsequent_indent="  ") for limit in LIMITS)


BLOCKS: dict[str, Block] = {"limits": limits}
