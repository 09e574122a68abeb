"""What is known about each data set: its texts, raters, languages, licence and limits."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import TypeAlias

from ..configuration.errors import DataError
from ..formats.yaml_file import read_yaml


@dataclass(frozen=True)
class DataSet:
    """Facts about a data set.

    Attributes:
        title: Name of the set for readers.
        texts: The kind of texts, and their community.
        raters: Who gave the labels.
        languages: Language codes.
        licence: The licence.
        limit: What follows for a model that learns from it, in a sentence.
        rows: Rows of the training split; None = unknown.
    """

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


def read_facts(path: Path) -> dict[str, DataSet]:
    """Read facts about a user's own data sets.

    Args:
        path: A YAML file with names of sets, and under each the fields of `DataSet`.

    Returns:
        The facts by name.

    Raises:
        DataError: For a file of another form; the message names the set.
    """
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise DataError(f"{path} must hold names of data sets with their facts under them, got {content!r}.")
    known = [field.name for field in fields(DataSet)]
    facts = {}
    for name, given in content.items():
        if not isinstance(given, dict) or not set(given) <= set(known):
            raise DataError(f"{path}: the facts of {name!r} must be {', '.join(known)}; got {given!r}.")
        if missing := [one.name for one in fields(DataSet) if one.default is MISSING and not given.get(one.name)]:
            raise DataError(f"{path}: {name!r} has no {', '.join(missing)}; add it.")
        if not isinstance(given.get("rows"), int | None):
            raise DataError(f"{path}: `rows` of {name!r} must be a number of rows, got {given['rows']!r}.")
        languages = given["languages"]
        if not isinstance(languages, list):
            raise DataError(f"{path}: `languages` of {name!r} must be a list of codes, got {languages!r}.")
        facts[str(name)] = DataSet(**given | {"languages": tuple(map(str, languages))})
    return facts


__all__ = ["DATA_SETS", "DataSet", "DataSets", "read_facts"]
