"""Labelled sets as training examples: one loader per set, each giving texts with columns of `losses.Targets`.

Notable:

* A training unit is one text, or the two texts of a pair, which must stay in one batch: `to_units` makes them.
* Texts that the validation split also has are left out of train by default (`load(..., unlike=())` keeps them):
  a score on texts seen in training is not a score.
* `held_out` splits by what the units share, not by row: two units with a text in common, or of one story, or two
  languages of one comment, never lie on different sides.
* Missing values are NaN (floats) or -100 (integers), never 0: "not annotated" is not "absent".
"""

import hashlib
import math
import os
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ..configuration.labels import AFFECT, BENTHAM, EMOTIONS, PERSPECTIVES, REGRET_TYPES, VERDICTS, VIEWS, closest

# What a text may be labelled with: the columns of `losses.Targets` and the shape per text; None = any width.
SHAPES: dict[str, tuple[int, ...] | None] = {
    "emotion_labels": (len(EMOTIONS),),
    "intensity_labels": (len(EMOTIONS),),
    "nuance_labels": (len(EMOTIONS),),
    "affect_labels": (len(AFFECT),),
    "bentham_labels": (len(BENTHAM),),
    "regret_labels": (len(REGRET_TYPES), len(VIEWS)),
    "plausibility_labels": (len(VIEWS),),
    "verdict_labels": (len(VERDICTS),),
    "perspective_labels": (len(PERSPECTIVES), len(VERDICTS)),
    "embedding_labels": None,
    "utility_pair_labels": (2,),
    "action_pair_labels": (2,),
    "branch_pair_labels": (2,),
}
PAIRS = ("utility_pair_labels", "action_pair_labels", "branch_pair_labels")
INTEGERS = ("nuance_labels", *PAIRS)
MISSING = -100

# Sets that no loader reads, with the reason.
NON_COMMERCIAL: dict[str, str] = {
    "amcd": "its licence, CC BY-NC 4.0, forbids commercial use, and models made here are free for any use",
    "isear": "its licence, CC BY-NC-SA 3.0, forbids commercial use, and models made here are free for any use",
}

INTENSITY_EMOTIONS = ("anger", "fear", "joy", "sadness", "surprise")

Array: TypeAlias = npt.NDArray[Any]


class DataError(ValueError):
    """The files do not hold what was asked for, or hold it in another form."""


@dataclass(frozen=True, eq=False, slots=True)
class Example:
    """One text and what is known about it.

    targets: columns of `SHAPES`; more can be added. A pair column is ``(pair id, 1 = the better or 0 = the worse)``.
    group: what the text belongs to (a story, a comment in any language); one group is never split by `held_out`.
    """

    text: str
    source: str
    targets: dict[str, Array] = field(default_factory=dict)
    group: str = ""


Unit: TypeAlias = tuple[Example, ...]
Loader: TypeAlias = Callable[[Path, str], list[Example]]


def find_data(given: Path | str | None = None) -> Path:
    """The folder with one folder per set: ``given``, or REDHEART_DATA, or shared/data beside the repository."""
    if given is None:
        given = os.environ.get("REDHEART_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
    root = Path(given)
    if not root.is_dir():
        raise DataError(f"There is no data folder {root}. Name it, or set the environment variable REDHEART_DATA.")
    return root


def _split_file(folder: Path, split: str) -> Path:
    if not folder.is_dir():
        exist = sorted(path.name for path in folder.parent.iterdir() if path.is_dir()) if folder.parent.is_dir() else []
        raise DataError(
            f"There is no folder {folder}; {folder.parent} holds {exist or 'no folders'}. "
            "The data root must hold one folder per set, named as the set."
        )
    file = folder / f"{split}.parquet"
    if not file.is_file():
        splits = sorted(path.stem for path in folder.glob("*.parquet"))
        raise DataError(
            f"There is no file {file}; {folder} has the splits {splits}. "
            "Ask for one of them; where a set has no validation split, take it from train with `held_out`."
        )
    return file


def _read(folder: Path, split: str, columns: Sequence[str], nullable: Collection[str] = ()) -> dict[str, list[Any]]:
    """The named columns of a split, all there and without nulls (but for ``nullable``)."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ImportError("Reading data needs pyarrow: pip install 'redheart[train]'.") from error

    file = _split_file(folder, split)
    try:
        exist = pq.read_schema(file).names
        if absent := [name for name in columns if name not in exist]:
            raise DataError(f"{file} has no column {absent}; it has {exist}. It must be the set named {folder.name!r}.")
        table = pq.read_table(file, columns=list(columns))
    except pa.ArrowInvalid as error:
        raise DataError(f"{file} is not a whole parquet file ({error}). Copy it again.") from error
    for name in columns:
        if name not in nullable and (nulls := table[name].null_count):
            raise DataError(f"{file}: {nulls} of {table.num_rows} rows have no {name!r}. Drop or fill these rows.")
    return {name: table[name].to_pylist() for name in columns}


def _matrix(rows: Mapping[str, list[Any]], names: Sequence[str], low: float, high: float, where: Path) -> Array:
    """The columns ``names`` as float32 (rows, names), checked to lie in low..high."""
    matrix = np.array([rows[name] for name in names], dtype=np.float32).T
    if outside := [name for name, column in zip(names, matrix.T, strict=True) if not _inside(column, low, high)]:
        raise DataError(f"{where}: {outside} must lie in {low:g}..{high:g}. It may be on another scale.")
    return matrix


def _inside(column: Array, low: float, high: float) -> bool:
    return bool(((column >= low) & (column <= high)).all())


def load_goemotions(folder: Path, split: str) -> list[Example]:
    """GoEmotions and its Korean translation: `emotion_labels`, 1 for each label given. One comment is one group."""
    rows = _read(folder, split, ("id", "text", "labels"))
    labels = np.zeros((len(rows["text"]), len(EMOTIONS)), dtype=np.float32)
    for row, given in enumerate(rows["labels"]):
        if any(not 0 <= label < len(EMOTIONS) for label in given):
            raise DataError(f"{folder}/{split}, row {row}: labels {given} must be ids in 0..{len(EMOTIONS) - 1}.")
        labels[row, given] = 1
    return [
        Example(text, folder.name, {"emotion_labels": labels[row]}, f"goemotions/{rows['id'][row]}")
        for row, text in enumerate(rows["text"])
    ]


def load_emotion_intensity_en(folder: Path, split: str) -> list[Example]:
    """Five emotions graded 0..3: `intensity_labels` (the grade / 3) and `nuance_labels` (the grade, never extreme)."""
    rows = _read(folder, split, ("text", *INTENSITY_EMOTIONS))
    grades = _matrix(rows, INTENSITY_EMOTIONS, 0, 3, folder / split)
    places = [EMOTIONS.index(name) for name in INTENSITY_EMOTIONS]
    intensity = np.full((len(grades), len(EMOTIONS)), math.nan, dtype=np.float32)
    nuance = np.full((len(grades), len(EMOTIONS)), MISSING, dtype=np.int64)
    intensity[:, places] = grades / 3
    nuance[:, places] = grades.astype(np.int64)
    return [
        Example(text, folder.name, {"intensity_labels": intensity[row], "nuance_labels": nuance[row]})
        for row, text in enumerate(rows["text"])
    ]


def load_emobank(folder: Path, split: str) -> list[Example]:
    """Valence, arousal, dominance on 1..5: `affect_labels`, and two dimensions of `bentham_labels`."""
    rows = _read(folder, split, ("text", *AFFECT))
    scale = _matrix(rows, AFFECT, 1, 5, folder / split)
    affect = np.stack([(scale[:, 0] - 3) / 2, (scale[:, 1] - 1) / 4, (scale[:, 2] - 1) / 4], axis=1)
    bentham = np.full((len(scale), len(BENTHAM)), math.nan, dtype=np.float32)
    bentham[:, BENTHAM.index("valence")] = affect[:, 0]
    bentham[:, BENTHAM.index("intensity")] = affect[:, 1]
    return [
        Example(text, folder.name, {"affect_labels": affect[row], "bentham_labels": bentham[row]})
        for row, text in enumerate(rows["text"])
    ]


def load_scruples_anecdotes(folder: Path, split: str) -> list[Example]:
    """A post and its votes: `verdict_labels` and the community's row of `perspective_labels`, both the vote shares."""
    counts = [f"n_{name}" for name in VERDICTS]
    rows = _read(folder, split, ("title", "text", *counts))
    votes = _matrix(rows, counts, 0, math.inf, folder / split)
    total = votes.sum(axis=1, keepdims=True)
    if not (total > 0).all():
        raise DataError(f"{folder}/{split}: {int((total == 0).sum())} posts have no vote. Drop them.")
    shares = votes / total
    perspectives = np.full((len(votes), len(PERSPECTIVES), len(VERDICTS)), math.nan, dtype=np.float32)
    perspectives[:, PERSPECTIVES.index("community")] = shares
    return [
        Example(
            f"{title}\n{body}" if body.strip() else title,
            folder.name,
            {"verdict_labels": shares[row], "perspective_labels": perspectives[row]},
        )
        for row, (title, body) in enumerate(zip(rows["title"], rows["text"], strict=True))
    ]


def _pair(column: str, number: int, texts: tuple[str, str], source: str, group: str = "") -> list[Example]:
    """The two examples of a pair, the better text first. Equal texts cannot be ranked and give none."""
    if texts[0].split() == texts[1].split():
        return []
    ranks = np.array([[number, 1], [number, 0]], dtype=np.int64)
    return [Example(text, source, {column: rank}, group) for text, rank in zip(texts, ranks, strict=True)]


def load_ethics_utilitarianism(folder: Path, split: str) -> list[Example]:
    """Two scenes, one more pleasant: `utility_pair_labels`."""
    rows = _read(folder, split, ("more_pleasant", "less_pleasant"))
    pairs = zip(rows["more_pleasant"], rows["less_pleasant"], strict=True)
    return [item for row, pair in enumerate(pairs) for item in _pair("utility_pair_labels", row, pair, folder.name)]


def load_moral_stories(folder: Path, split: str) -> list[Example]:
    """The moral over the immoral action: bare (`action_pair_labels`), and told with situation and intention where these
    are there (`branch_pair_labels`). One story is one group."""
    context = ("situation", "intention")
    rows = _read(folder, split, ("id", "moral_action", "immoral_action", *context), nullable=context)
    examples: list[Example] = []
    for row, story in enumerate(rows["id"]):
        actions = (rows["moral_action"][row], rows["immoral_action"][row])
        group = f"{folder.name}/{story}"
        examples += _pair("action_pair_labels", 2 * row, actions, folder.name, group)
        if (situation := rows["situation"][row]) and (intention := rows["intention"][row]):
            told = (f"{situation} {intention} {actions[0]}", f"{situation} {intention} {actions[1]}")
            examples += _pair("branch_pair_labels", 2 * row + 1, told, folder.name, group)
    return examples


LOADERS: dict[str, Loader] = {
    "goemotions": load_goemotions,
    "goemotions_ko": load_goemotions,
    "emotion_intensity_en": load_emotion_intensity_en,
    "emobank": load_emobank,
    "scruples_anecdotes": load_scruples_anecdotes,
    "ethics_utilitarianism": load_ethics_utilitarianism,
    "moral_stories": load_moral_stories,
}


def load(
    name: str, data_root: Path | str | None, split: str, *, unlike: Sequence[str] = ("validation",)
) -> list[Example]:
    """A split of a set.

    data_root: as in `find_data`. unlike: train loses the texts (with their pair) that these splits of the set also
    have, by `normalised`; a split that the set does not have is passed over; ``()`` keeps every text.
    """
    if name in NON_COMMERCIAL:
        raise DataError(f"{name!r} is not used for training: {NON_COMMERCIAL[name]}.")
    if name not in LOADERS:
        raise DataError(f"There is no set {name!r}; {closest(name, LOADERS)}")
    folder = find_data(data_root) / name
    examples = LOADERS[name](folder, split)
    if not examples:
        raise DataError(f"{folder}/{split}.parquet has no rows. Copy it again.")
    if split == "train":
        for other in unlike:
            if other != split and (folder / f"{other}.parquet").is_file():
                examples = drop_seen(examples, LOADERS[name](folder, other))
    return examples


def normalised(text: str) -> str:
    """The text by which two texts count as the same: its words (NFKC, case folded), or all of it where it has none."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"\w+", folded) or folded.split())


def overlap(train: Iterable[Example], validation: Iterable[Example]) -> set[str]:
    """The normalised texts that occur in both."""
    return {normalised(item.text) for item in train} & {normalised(item.text) for item in validation}


def drop_seen(train: Sequence[Example], validation: Iterable[Example]) -> list[Example]:
    """``train`` without the units that have a text of ``validation``."""
    seen = overlap(train, validation)
    return [item for unit in to_units(train) if not any(normalised(one.text) in seen for one in unit) for item in unit]


def to_units(examples: Iterable[Example]) -> list[Unit]:
    """Put the two texts of each pair together; every other text is a unit of its own. The order is kept."""
    units: dict[object, list[Example]] = {}
    for row, item in enumerate(examples):
        pair = tuple((name, int(item.targets[name][0])) for name in PAIRS if name in item.targets)
        units.setdefault((item.source, pair) if pair else row, []).append(item)
    for key, unit in units.items():
        if not isinstance(key, int):
            _check_pair(unit)
    return [tuple(unit) for unit in units.values()]


def _check_pair(unit: Sequence[Example]) -> None:
    for name in PAIRS:
        ranks = sorted(int(item.targets[name][1]) for item in unit if name in item.targets)
        if ranks and ranks != [0, 1]:
            raise DataError(
                f"A pair of {unit[0].source!r} in {name!r} has the ranks {ranks} and must have one 1 and one 0. "
                f"Pair ids must be unique within a set. Its first text: {unit[0].text[:60]!r}."
            )


def held_out(units: Sequence[Unit], share: float, seed: int = 0) -> tuple[list[Unit], list[Unit]]:
    """Split ``units`` into what is kept and what is held out, about ``share`` of them.

    Which side a unit is on depends on the seed and on the texts only, not on their order; units that share a text or a
    group, also over other units, are on the same side.
    """
    if not 0 <= share <= 1:
        raise DataError(f"`share` must lie in 0..1, got {share}.")
    parent: dict[str, str] = {}

    def find(key: str) -> str:
        parent.setdefault(key, key)
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    firsts = []
    for unit in units:
        keys = [f"text/{normalised(item.text)}" for item in unit] + [
            f"group/{item.group}" for item in unit if item.group
        ]
        roots = sorted({find(key) for key in keys})
        for root in roots:  # the smallest key stands for all, so that the order of the units does not matter
            parent[root] = roots[0]
        firsts.append(keys[0])
    out = [_fraction(f"{seed}/{find(key)}") < share for key in firsts]
    kept = [unit for unit, held in zip(units, out, strict=True) if not held]
    return kept, [unit for unit, held in zip(units, out, strict=True) if held]


def _fraction(key: str) -> float:
    """A number in 0..1 that depends on the key only."""
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


__all__ = [
    "INTEGERS",
    "INTENSITY_EMOTIONS",
    "LOADERS",
    "MISSING",
    "NON_COMMERCIAL",
    "PAIRS",
    "SHAPES",
    "DataError",
    "Example",
    "Loader",
    "Unit",
    "drop_seen",
    "find_data",
    "held_out",
    "load",
    "normalised",
    "overlap",
    "to_units",
]
