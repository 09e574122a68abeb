"""A model card without figures, and what every card must have before it is published.

Notable: a card without figures says so in one fixed sentence, which the check looks for, so that no unmeasured model is
published without this notice.
"""

import re
from collections.abc import Sequence
from html import escape
from typing import Any

import yaml

from ..configuration.configuration_redheart import RedHeartConfig
from ..data.facts import DATA_SETS, DataSets
from .card_parts import bullets, card_header, licences, sources_of, trained_on, who_rated
from .statements import INTENDED_USE, LIMITS, OUT_OF_SCOPE, USE

NO_FIGURES = "There are no figures: this model has not been evaluated."
NO_DATA = (
    "No data: nothing supervised this model, so what it says about a text means nothing. It is a start for training."
)
# Name of a section -> (a word that its title must have, what the section says).
_SECTIONS = {
    "data": ("data", "on what data it was trained, or that it was on none"),
    "limits": ("limit", "what it must not be trusted with"),
}
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def plain_card(
    name: str,
    parameters: int,
    config: RedHeartConfig,
    *,
    remark: str = "",
    place: str = "",
    data_sets: DataSets = DATA_SETS,
    tags: Sequence[str] = (),
) -> str:
    """Write the card of a model that was not evaluated.

    Args:
        name: Title of the card.
        parameters: Number of parameters.
        config: The model's config.
        remark: A sentence on where the weights come from.
        place: Where it is loaded from, such as user/name; by default ``name``.
        data_sets: Facts by the names in ``config.supervision``.
        tags: In addition to the family's own.

    Returns:
        The card as Markdown under a YAML header.

    Raises:
        ValueError: For a data set without a known licence, or under one that Apache-2.0 weights cannot keep.
    """
    sets = trained_on(config, data_sets)
    size = f"A model of {parameters:,} parameters. One forward pass gives the whole reading."
    sections = {
        "What it is": f"{size} {remark}".strip(),
        "Intended use": INTENDED_USE,
        "Out of scope": "It is not for:\n\n" + bullets(OUT_OF_SCOPE),
        "How to use": USE.format(model=place or name),
        "Data": _data(config, sets),
        "Figures": NO_FIGURES,
        "Limits": bullets([*LIMITS, *(one.limit for one in sets.values() if one.limit)]),
        "Licences": licences(sets) if sets else "Weights and code: Apache-2.0.",
    }
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    return f"{card_header(config, sets, tags=tags)}\n# {escape(name)}\n\n{body}\n"


def _data(config: RedHeartConfig, sets: DataSets) -> str:
    if sets:
        return who_rated(sets)
    sources = sources_of(config)
    return f"Trained on {', '.join(sources)}." if sources else NO_DATA


def card_metadata(card: str) -> dict[str, Any]:
    """Read the YAML header of a card.

    Not with huggingface_hub: `metadata_load` reads files only, and `ModelCard` merges the outputs of one data set.

    Args:
        card: The card as Markdown.

    Returns:
        The header; empty if the card has none.

    Raises:
        ValueError: When the header cannot be read.
    """
    parts = re.match(r"\A---\s*\n(.*?)\n---\s*(?:\n|\Z)", card, re.DOTALL)
    if parts is None:
        return {}
    try:
        header = yaml.safe_load(parts.group(1))
    except yaml.YAMLError as error:
        raise ValueError(f"its header is not YAML: {error}") from error
    if not isinstance(header, dict):
        raise ValueError(f"its header must hold keys and values, got {header!r}")
    return header


def missing_parts(card: str) -> list[str]:
    """Phrases for what ``card`` lacks of a complete card: licence, data, figures, limits."""
    try:
        header = card_metadata(card)
    except ValueError as error:
        return [str(error)]
    missing = [] if header.get("license") else ["no `license` in its header, such as `license: apache-2.0`"]
    filled = _filled_headings(card)
    for title, (word, what) in _SECTIONS.items():
        if not any(word in heading for heading in filled):
            missing.append(f'no section "{title.capitalize()}" with a text: {what}')
    if not _has_figures(header) and NO_FIGURES not in card:
        missing.append(f'no figures in `model-index` of its header, and not the sentence "{NO_FIGURES}"')
    if "[More Information Needed]" in card:
        missing.append('a part that is still to be written, "[More Information Needed]"')
    return missing


def _has_figures(header: dict[str, Any]) -> bool:
    """Whether ``model-index`` has at least one metric with a number."""
    index = header.get("model-index")
    results = [one for model in _dicts(index) for one in _dicts(model.get("results"))]
    return any(isinstance(metric.get("value"), int | float) for one in results for metric in _dicts(one.get("metrics")))


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _filled_headings(card: str) -> list[str]:
    """The headings, in lower case, that have a text under them."""
    body = _FENCE.sub(lambda block: re.sub(r"^#", " #", block.group(), flags=re.MULTILINE), card)
    parts = _HEADING.split(body)[1:]  # heading, text, heading, text, ...
    return [title.lower() for title, text in zip(parts[::2], parts[1::2], strict=True) if text.strip()]


__all__ = ["NO_DATA", "NO_FIGURES", "card_metadata", "missing_parts", "plain_card"]
