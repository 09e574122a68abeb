"""What model cards are made of: facts about data sets, the sentences that every card has, and Markdown.

Notable: what is known about a data set stands in `DATA_SETS` and nowhere else; this module needs no package beyond the
library's own, so that a card can be written wherever a model can be.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from html import escape
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.raters import rated_by
from ..modeling_redheart.derived import PREFIX
from ..training.sets import NON_COMMERCIAL, SETS
from ..training.yaml_file import read_yaml


@dataclass(frozen=True)
class DataSet:
    """Facts about a data set. texts: what they are, and of which community. raters: who gave the labels. languages: as
    codes. limit: what follows for the model, in a sentence. rows: of the split that trains; None = unknown."""

    title: str
    texts: str
    raters: str
    languages: tuple[str, ...]
    licence: str
    limit: str = ""
    rows: int | None = None


DataSets: TypeAlias = Mapping[str, DataSet]

_CROWD = "crowd workers of Mechanical Turk"
_ETHICS = ("scenes written for the data set", f"{_CROWD} and the authors", ("en",), "MIT")
_SCRUPLES = "Apache-2.0; its authors intend it for research only"

DATA_SETS: dict[str, DataSet] = {
    "cases": DataSet(
        "Cases",
        "short texts in which somebody tells of something with a moral side, or without one, written for this project "
        "by a language model",
        "the same language model, after a written guide; no people",
        ("en", "ko"),
        "Apache-2.0",
        "The ratings of cases are a model's, and so is whatever only they supervise: where a model judges otherwise "
        "than people do, the reading does so too.",
        12030,
    ),
    "goemotions": DataSet(
        "GoEmotions",
        "comments on Reddit",
        "82 native speakers of English from India, of whom two or more agree on a label",
        ("en",),
        "CC BY 4.0",
        "Emotions are what readers from one country saw in comments on one site.",
        43_410,
    ),
    "goemotions_ko": DataSet(
        "GoEmotions-Korean",
        "the same comments, translated into Korean by a machine",
        "those of GoEmotions, who read the English; nobody labelled the Korean",
        ("ko",),
        "Apache-2.0 (the comments: CC BY 4.0)",
        "Its Korean is a machine's, poor by its makers' own account: text that Koreans wrote may be read worse.",
        43_410,
    ),
    "kote": DataSet("KOTE", "Korean comments on the web", "five crowd workers for each comment", ("ko",), "MIT"),
    "emotion_intensity_en": DataSet(
        "BRIGHTER, SemEval-2025 task 11, intensities",
        "short English texts",
        "annotators of the BRIGHTER project",
        ("en",),
        "CC BY 4.0; the task's own repository still says research only",
        "Of people's ratings, strength is known of anger, fear, joy, sadness and surprise only.",
        2763,
    ),
    "emobank": DataSet(
        "EmoBank",
        "English sentences of several genres",
        "crowd workers, about five for each side, the writer's and the reader's",
        ("en",),
        "CC BY-SA 4.0",
        rows=8062,
    ),
    "scruples_anecdotes": DataSet(
        "Scruples, anecdotes",
        'posts in "Am I the asshole?" on Reddit, November 2018 to April 2019',
        "members of that forum, whose votes are counted (median: 8 for a post)",
        ("en",),
        _SCRUPLES,
        "The forum mostly sides with whoever posts, and few votes stand behind a post; so does the verdict.",
        26_217,
    ),
    "scruples_dilemmas": DataSet(
        "Scruples, dilemmas",
        "pairs of short actions, taken from the titles of these posts",
        f"five {_CROWD} for each pair",
        ("en",),
        _SCRUPLES,
        rows=2340,
    ),
    "moral_stories": DataSet(
        "Moral Stories",
        "short stories written for the data set, with a moral and an immoral action",
        f"{_CROWD}, who wrote the stories",
        ("en",),
        "MIT",
        "Which of two actions is better was said by those who made both up.",
        10_000,
    ),
    **{
        f"ethics_{name}": DataSet(f"ETHICS, {name}", *_ETHICS, rows=rows)
        for name, rows in (("utilitarianism", 13_738), ("deontology", 18_164), ("justice", 21_791))
    },
}

# Sources of a record that are no data set: other models, with their place on the hub, and rows of the other sources.
MODELS = {"all-MiniLM-L6-v2": "sentence-transformers/all-MiniLM-L6-v2"}
ROWS = "rows held out of training"
_TAGS = ("redheart", "ethics", "emotion", "moral-conflict")
INTENDED_USE = (
    "For people who study, moderate or counsel on moral conflict in text, read the texts themselves, and want more "
    "than one number; and as a start for training on one's own labelled data."
)
OUT_OF_SCOPE = (
    "Advice: it knows the text and nothing else, and says how it reads, not what to do.",
    "Decisions on people: work, credit, insurance, custody, school, moderation without a human, police and courts.",
    "Diagnosing: an emotion in a text is no state of health of its writer.",
    "Monitoring people: at work, at school, on platforms, or anywhere without their consent.",
)
USE = """```python
from transformers import pipeline
import redheart  # registers the model and the task

read = pipeline("ethical-analysis", model="{model}")  # this folder, or its place on the hub
reading = read("I told my sister's secret to her fiancé.")
reading["emotion"]["asserted"]  # emotions above their threshold
reading["verdict"]["label"]  # who is in the wrong; None where it abstains
reading["verdict"]["acceptability"]  # of the narrator's own conduct, 0..1
reading["confidence"]["verdict"]  # expected loss, and exp(-expected loss)
reading["flags"]["withheld"]  # what nothing supervised
```

Where the package `redheart` is not installed, pass `trust_remote_code=True` and leave the import out."""
LIMITS = (
    "It describes how a text reads to people like those who rated its data. It is not advice, knows nothing of what "
    "really happened, and must not be used for decisions on people.",
    "A verdict is how readers like those behind its data would vote; not a judgement.",
    "The figures hold for texts like those of the data sets, most of them short ones and posts of one forum. Other "
    "kinds were not measured, nor whether some groups of writers are read worse than others.",
    "At most 512 tokens of a text are read; what is longer is cut, and the reading says so.",
    "A threshold or temperature that was fitted on the rows of a figure makes it too good; the figure's rule says so.",
)


def read_facts(path: Path) -> dict[str, DataSet]:
    """The facts about your own data sets, from a YAML file: a name, and under it the fields of `DataSet`.

    Raises `ValueError` where the file is no such thing, naming the set.
    """
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold names of data sets with their facts under them, got {content!r}.")
    known = [field.name for field in fields(DataSet)]
    facts = {}
    for name, given in content.items():
        if not isinstance(given, dict) or not set(given) <= set(known):
            raise ValueError(f"{path}: the facts of {name!r} must be {', '.join(known)}; got {given!r}.")
        if missing := [one.name for one in fields(DataSet) if one.default is MISSING and not given.get(one.name)]:
            raise ValueError(f"{path}: {name!r} has no {', '.join(missing)}.")
        if not isinstance(given.get("rows"), int | None):
            raise ValueError(f"{path}: `rows` of {name!r} must be a number of rows, got {given['rows']!r}.")
        languages = given["languages"]
        if not isinstance(languages, list):
            raise ValueError(f"{path}: `languages` of {name!r} must be a list of codes, got {languages!r}.")
        facts[str(name)] = DataSet(**given | {"languages": tuple(map(str, languages))})
    return facts


def sources_of(config: RedHeartConfig) -> list[str]:
    """All sources of the record, but for the rules of what is derived from other claims."""
    named = {source: None for sources in config.supervision.values() for source in sources}
    return [source for source in named if not source.startswith(PREFIX)]


def trained_on(config: RedHeartConfig, known: DataSets) -> dict[str, DataSet]:
    """The sets that supervised the model, in the order of ``known``.

    Raises `ValueError` for one without a licence, or under one that Apache-2.0 weights cannot keep.
    """
    names = [source for source in sources_of(config) if source not in (*MODELS, ROWS)]
    for name in names:
        if name in NON_COMMERCIAL:
            raise ValueError(f"{name!r} cannot be in weights under Apache-2.0: {NON_COMMERCIAL[name]}.")
        if name not in known or not known[name].licence:
            raise ValueError(f"No licence is known of {name!r}; give its facts (`--facts`, or `data_sets`).")
    return {name: one for name, one in known.items() if name in names}


def card_header(
    config: RedHeartConfig,
    sets: DataSets,
    more: Mapping[str, Any],
    tags: Sequence[str] = (),
    task: str | None = None,
) -> str:
    """The YAML header of a card, between its two lines of dashes. more: further keys, last. tags: beside the usual.

    task: of transformers, where one does all that the model does. An analysis has none: what `pipeline` would take for
    it by a similar one is another head, with random weights.
    """
    base = [MODELS[source] for source in sources_of(config) if source in MODELS]
    on_hub = dict.fromkeys(hub[0] for name in sets if name in SETS and (hub := SETS[name].hub))
    languages = sorted({language for one in sets.values() for language in one.languages})
    header = {
        "license": "apache-2.0",
        **({"language": languages} if languages else {}),
        "library_name": "transformers",
        **({"pipeline_tag": task} if task else {}),
        "tags": list(dict.fromkeys([*_TAGS, *tags])),
        **({"datasets": list(on_hub)} if on_hub else {}),
        **({"base_model": base} if base else {}),
        **more,
    }
    return f"---\n{yaml.safe_dump(header, sort_keys=False, allow_unicode=True, width=120)}---\n"


def who_rated(sets: DataSets) -> str:
    """A table of the sets: what the texts are, how many, and who gave the labels."""
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
    """A list of sentences."""
    return "\n".join(f"- {line}" for line in lines)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A row of one cell is a heading of those below it."""
    lines = [heads, ["---"] * len(heads)]
    for row in rows:
        cells = [escape(" ".join(cell.split()), quote=False).replace("|", "\\|") for cell in row]
        lines.append(cells if len(cells) > 1 else [f"**{cells[0]}**", *[""] * (len(heads) - 1)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


__all__ = [
    "DATA_SETS",
    "INTENDED_USE",
    "LIMITS",
    "MODELS",
    "OUT_OF_SCOPE",
    "ROWS",
    "USE",
    "DataSet",
    "DataSets",
    "bullets",
    "card_header",
    "licences",
    "read_facts",
    "sources_of",
    "table",
    "trained_on",
    "who_rated",
]
