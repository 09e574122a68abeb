"""What model cards are made of: facts about data sets, the sentences that every card has, and Markdown.

Notable: facts about a data set are in `DATA_SETS` and nowhere else. The only package that this module needs is
huggingface_hub, which comes with transformers, so that a card can be written wherever a model can be.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from huggingface_hub import ModelCardData

from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.raters import HELD_OUT, rated_by
from ..data.facts import DataSet, DataSets
from ..data.public_sets import NON_COMMERCIAL, SETS
from ..modeling_redheart.derived import PREFIX

# Sources of a record that are not data sets: other models -> their id on the hub.
MODELS = {"all-MiniLM-L6-v2": "sentence-transformers/all-MiniLM-L6-v2"}
_TAGS = ("redheart", "ethics", "emotion", "moral-conflict")


def sources_of(config: RedHeartConfig) -> list[str]:
    """All sources of the record, except the rules by which claims are derived from other claims."""
    named = {source: None for sources in config.supervision.values() for source in sources}
    return [source for source in named if not source.startswith(PREFIX)]


def trained_on(config: RedHeartConfig, known: DataSets) -> dict[str, DataSet]:
    """Look up the data sets that supervised the model.

    Args:
        config: The model's config.
        known: Facts by the names in ``config.supervision``.

    Returns:
        Those of ``known`` that the config names, in the order of ``known``.

    Raises:
        ValueError: For a set without a licence, or under one that Apache-2.0 weights cannot keep.
    """
    names = [source for source in sources_of(config) if source not in (*MODELS, HELD_OUT)]
    for name in names:
        if name in NON_COMMERCIAL:
            raise ValueError(f"{name!r} cannot be in weights under Apache-2.0: {NON_COMMERCIAL[name]}.")
        if name not in known or not known[name].licence:
            raise ValueError(f"No licence is known for {name!r}; give its facts (`--facts`, or `data_sets`).")
    return {name: one for name, one in known.items() if name in names}


def card_header(
    config: RedHeartConfig,
    sets: DataSets,
    index: Sequence[Mapping[str, Any]] = (),
    tags: Sequence[str] = (),
    task: str | None = None,
) -> str:
    """Write the YAML header of a card.

    Args:
        config: The model's config.
        sets: The data sets that supervised it.
        index: Figures as `model_index` gives them.
        tags: In addition to the family's own.
        task: Task of transformers that covers all that the model does. An analysis model has none: `pipeline` would
            load another head for it, with random weights.

    Returns:
        The header between its two lines of dashes.
    """
    header = ModelCardData(
        license="apache-2.0",
        language=sorted({language for one in sets.values() for language in one.languages}) or None,
        library_name="transformers",
        pipeline_tag=task,
        tags=[*_TAGS, *tags],
        datasets=list(dict.fromkeys(hub[0] for name in sets if name in SETS and (hub := SETS[name].hub))) or None,
        base_model=[MODELS[source] for source in sources_of(config) if source in MODELS] or None,
    )
    if index:
        header["model-index"] = list(index)  # as a keyword, it would merge the outputs of one data set
    return f"---\n{header.to_yaml()}\n---\n"


def who_rated(sets: DataSets) -> str:
    """A Markdown table of the sets: what the texts are, how many, and who gave the labels."""
    facts = (
        [name, one.title, one.texts, _count(one.rows), one.raters, rated_by([name]), ", ".join(one.languages)]
        for name, one in sets.items()
    )
    return table(("name", "data", "texts", "rows", "raters", "rated by", "language"), facts)


def _count(rows: int | None) -> str:
    return "unknown" if rows is None else f"{rows:,}"


def licences(sets: DataSets) -> str:
    """The licence of the weights, and those of the data."""
    rows = ([name, one.licence] for name, one in sets.items())
    return f"Weights and code: Apache-2.0. The data keep their own:\n\n{table(('name', 'licence'), rows)}"


def bullets(lines: Iterable[str]) -> str:
    """Sentences as a Markdown list."""
    return "\n".join(f"- {line}" for line in lines)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a row of one cell is a heading of the rows below it."""
    lines = [heads, ["---"] * len(heads)]
    for row in rows:
        cells = [escape(" ".join(cell.split()), quote=False).replace("|", "\\|") for cell in row]
        lines.append(cells if len(cells) > 1 else [f"**{cells[0]}**", *[""] * (len(heads) - 1)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


__all__ = [
    "MODELS",
    "bullets",
    "card_header",
    "licences",
    "sources_of",
    "table",
    "trained_on",
    "who_rated",
]
