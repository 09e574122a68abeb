"""The model card of a classifier that was trained on a user's labels: what it answers, and what is unknown about it.

Notable: data, outputs and figures of an analysis model's card do not hold for a classifier. Only its owner knows what
it was trained on.
"""

from collections.abc import Sequence
from html import escape

from ..configuration.configuration_redheart import RedHeartConfig
from ..data.facts import DATA_SETS, DataSets
from .card_parts import bullets, card_header, licences, table, who_rated
from .plain_card import NO_FIGURES
from .statements import OUT_OF_SCOPE

TASK = "text-classification"
UNKNOWN_DATA = (
    "Not recorded: what it was trained on, and who gave the labels, only its owner knows "
    "(`redheart push --facts FILE` puts it here)."
)
_KINDS = {
    "single_label_classification": "one label for each text; the probabilities of all sum to 1",
    "multi_label_classification": "any number of labels for each text; each has a probability of its own",
    "regression": "a number for each label",
    None: "not recorded: it was never trained, and what it answers means nothing",
}
_USE = """```python
from transformers import pipeline
import redheart  # registers the model

classify = pipeline("text-classification", model="{model}")
classify("I told my sister's secret to her fiancé.", top_k=None)  # every label with its score
```

Where the package `redheart` is not installed, pass `trust_remote_code=True` and leave the import out."""
_LIMITS = (
    "It answers as those who labelled its data would, and only for texts like theirs.",
    "It must not be used for decisions on people.",
)


def classifier_card(
    name: str,
    parameters: int,
    config: RedHeartConfig,
    *,
    place: str = "",
    data_sets: DataSets = DATA_SETS,
    tags: Sequence[str] = (),
) -> str:
    """Write the card of a `RedHeartForSequenceClassification`.

    Args:
        name: Title of the card.
        parameters: Number of parameters.
        config: The model's config.
        place: Where it is loaded from, such as user/name; by default ``name``.
        data_sets: Facts; those that are not the library's own are of the classifier's training data.
        tags: In addition to the family's own.

    Returns:
        The card as Markdown under a YAML header.
    """
    sets = {key: one for key, one in data_sets.items() if key not in DATA_SETS}
    labels = table(("number", "label"), ([str(index), label] for index, label in enumerate(config.class_names)))
    sections = {
        "What it is": f"A text classifier of {parameters:,} parameters, on the body of a Red Heart model.",
        "Labels": f"{_KINDS[config.problem_type].capitalize()}.\n\n{labels}",
        "How to use": _USE.format(model=place or name),
        "Out of scope": "It is not for:\n\n" + bullets(OUT_OF_SCOPE),
        "Data": who_rated(sets) if sets else UNKNOWN_DATA,
        "Figures": NO_FIGURES,
        "Limits": bullets(
            [
                *_LIMITS,
                f"It reads at most {config.longest_text} tokens at once.",
                *(one.limit for one in sets.values() if one.limit),
            ]
        ),
        "Licences": licences(sets) if sets else "Weights and code: Apache-2.0.",
    }
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    header = card_header(config, sets, tags=tags, task=TASK)
    return f"{header}\n# {escape(name)}\n\n{body}\n"


__all__ = ["TASK", "UNKNOWN_DATA", "classifier_card"]
