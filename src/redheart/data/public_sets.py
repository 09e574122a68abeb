"""The public data sets: how a row of each, in its public columns or in those of our copies, becomes rows of the schema.

| set | on the hub, or upstream | what it supervises |
| --- | --- | --- |
| cases | this project's own, `data/cases` | every output |
| goemotions | google-research-datasets/go_emotions (simplified) | `emotion` |
| goemotions_ko | monologg/GoEmotions-Korean, a machine translation | `emotion` |
| kote | searle-j/kote | 17 of the `emotion` columns (see `KOTE`) |
| emotion_intensity_en | brighter-dataset/BRIGHTER-emotion-intensities (eng) | `intensity`, `nuance` of five emotions |
| emobank | JULIELab/EmoBank, emobank.csv | `affect`, `bentham.valence`, `bentham.intensity` |
| isear (non-commercial) | isear.csv | `intensity`, `nuance` of the named emotion; three `bentham` dimensions |
| scruples_anecdotes | allenai/scruples, *.scruples-anecdotes.jsonl | `verdict` |
| scruples_dilemmas | allenai/scruples, *.scruples-dilemmas.jsonl | acceptability pairs |
| ethics_utilitarianism | hendrycks/ethics | utility pairs |
| ethics_deontology, ethics_justice | hendrycks/ethics | acceptability pairs: the reasonable text of a scene is better |
| moral_stories | demelin/moral_stories (full) | acceptability pairs; branch pairs where the situation is given |
| ethics_commonsense, ethics_virtue | hendrycks/ethics | nothing: texts only |
| timetravel | qkaren/Counterfactual-StoryRW | nothing: texts only |
| counterfactual_detection, counterfactual_spans | SemEval-2020 Task 5 | nothing: texts only |
| amcd (non-commercial) | amazon-research/amazon-multilingual-counterfactual-dataset | nothing: texts only |

Notable: a label is used only where it means what the schema's label means; the reason why a set supervises nothing is
in `SETS`. On the hub, the split `validation` of hendrycks/ethics is the official test split, and `test` is test_hard.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..configuration.errors import DataError
from ..configuration.labels import AFFECT, EMOTIONS, VERDICTS
from .column_map import Row
from .columns import COLUMNS, is_missing, label_ids

# Sets whose licence forbids commercial use, with the reason why they are not read by default.
NON_COMMERCIAL: dict[str, str] = {
    "amcd": "its licence, CC BY-NC 4.0, forbids commercial use, and models made here are free for any use",
    "isear": "its licence, CC BY-NC-SA 3.0, forbids commercial use, and models made here are free for any use",
}

INTENSITY_EMOTIONS = ("anger", "fear", "joy", "sadness", "surprise")

# For each emotion the ids of KOTE's labels (arXiv:2205.05300) that mean it, and of those that are near it: where only a
# near one is given the emotion is masked. Emotions without a label that means them are masked in every row.
KOTE: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "admiration": ((2,), (7,)),  # near: respect
    "anger": ((6,), (31,)),  # near: hatred
    "annoyance": ((22,), (0, 3)),  # near: complaint, fed up
    "caring": ((16,), (38,)),  # near: compassion
    "curiosity": ((15,), ()),
    "disappointment": ((10,), ()),
    "disgust": ((21,), (31,)),  # near: hatred, whose Korean word also says disgust
    "fear": ((18,), ()),
    "gratitude": ((4,), ()),
    "joy": ((40, 42), (28, 32)),  # near: fun, fondness
    "nervousness": ((41,), (35,)),  # near: reluctance
    "pride": ((13,), (9,)),  # near: arrogance
    "realization": ((29,), ()),
    "remorse": ((30,), (25,)),  # near: self-hatred
    "sadness": ((5,), (19, 36)),  # near: despair, sorrow
    "surprise": ((39,), (34,)),  # near: shock
}
KOTE_NEUTRAL, KOTE_LABELS = 24, 44

# The emotions of ISEAR that the schema has; shame is not among them.
ISEAR = {name: name for name in ("joy", "fear", "anger", "sadness", "disgust")} | {"guilt": "remorse"}

# Neighbouring rows with at least this share of words in common, at both ends, are of one scene of ethics_justice. On
# the test splits, where the scenes are known, this finds 4,353 of 4,664 pairs and no wrong one.
SAME_SCENE = 0.5

SchemaRow: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PublicSet:
    """What is known about a set.

    Attributes:
        rows: Makes the schema rows of one row.
        columns: The columns that are needed, in each form in which the set is published.
        optional: Columns that are read if the set has them.
        hub: Name and config on the hub.
        same_scene: Whether a row continues the scene of the row before it; then the rows labelled 1 of a scene are
            ranked above those labelled 0, and only these pairs are examples.
        why_not: Why the set supervises nothing; empty where it supervises something.
    """

    rows: Callable[[Row], list[SchemaRow]]
    columns: tuple[tuple[str, ...], ...]
    optional: tuple[str, ...] = ()
    hub: tuple[str, str | None] | None = None
    same_scene: Callable[[Row, Row], bool] | None = None
    why_not: str = ""


def _first(row: Row, *names: str) -> Any:
    """The value of the first of these columns whose value is not missing."""
    return next((row[name] for name in names if not is_missing(row.get(name))), None)


def _scaled(row: Row, names: Sequence[str], low: float, high: float) -> list[float]:
    """The columns as numbers, checked to lie in low..high."""
    try:
        values = [float(row[name]) for name in names]
    except (TypeError, ValueError) as error:
        raise DataError(f"{list(names)} must be numbers, got {[row[name] for name in names]}.") from error
    if wrong := {name: value for name, value in zip(names, values, strict=True) if not low <= value <= high}:
        raise DataError(
            f"{list(wrong)} must lie in {low:g}..{high:g}, got {list(wrong.values())}. It may be on another scale."
        )
    return values


def ranked(ranking: str, better: str, worse: str, group: str = "") -> list[SchemaRow]:
    """A pair; nothing for equal texts, which cannot be ranked."""
    if better.split() == worse.split():
        return []
    return [{"text": better, "rejected": worse, "ranking": ranking, "group": group}]


def _joined(*parts: Any) -> str:
    return " ".join(part.strip() for part in parts if not is_missing(part))


def goemotions(row: Row) -> list[SchemaRow]:
    """1 for each label given. One comment is one group, in both languages."""
    return [{"text": row["text"], "emotion": row["labels"], "group": f"goemotions/{row['id']}"}]


def cases(row: Row) -> list[SchemaRow]:
    """A row of the schema, with the level of each emotion / 4 as its intensity.

    The community's votes are the verdict already, so they are left out of the perspectives.

    Args:
        row: A row of the set.

    Returns:
        One schema row.
    """
    known = {name: value for name, value in row.items() if not name.startswith("perspectives.community.")}
    levels: dict[str, Any] = {name: row.get(f"nuance.{name}") for name in EMOTIONS}
    strengths = {f"intensity.{name}": level / 4 for name, level in levels.items() if not is_missing(level)}
    return [{**known, **strengths, "group": f"cases/{row['group']}"}]


def kote(row: Row) -> list[SchemaRow]:
    """Up to 44 Korean labels, through `KOTE`."""
    try:
        given = set(label_ids(row["labels"], KOTE_LABELS))
    except ValueError as error:
        raise DataError(f"labels: {error}") from error
    known: SchemaRow = {"text": row["text"], "emotion.neutral": int(KOTE_NEUTRAL in given)}
    for emotion, (same, near) in KOTE.items():
        known[f"emotion.{emotion}"] = 1 if given & set(same) else None if given & set(near) else 0
    return [known]


def emotion_intensity(row: Row) -> list[SchemaRow]:
    """Five emotions graded 0..3: the grade / 3 as intensity, the grade as level (never extreme)."""
    grades = dict(zip(INTENSITY_EMOTIONS, _scaled(row, INTENSITY_EMOTIONS, 0, 3), strict=True))
    strengths = {f"intensity.{name}": grade / 3 for name, grade in grades.items()}
    return [{"text": row["text"], **strengths, **{f"nuance.{name}": grade for name, grade in grades.items()}}]


def emobank(row: Row) -> list[SchemaRow]:
    """Valence, arousal and dominance on 1..5, brought to the ranges of the labels."""
    names = AFFECT if "valence" in row else ("V", "A", "D")
    valence, arousal, dominance = _scaled(row, names, 1, 5)
    pleasant, strong = (valence - 3) / 2, (arousal - 1) / 4
    affect = {"affect.valence": pleasant, "affect.arousal": strong, "affect.dominance": (dominance - 1) / 4}
    return [{"text": row["text"], **affect, "bentham.valence": pleasant, "bentham.intensity": strong}]


def isear(row: Row) -> list[SchemaRow]:
    """A person's report on one event: intensity 1..4 of the named emotion, duration 1..4, unpleasantness 1..3.

    The other emotions were not asked about, so that no `emotion` column is known. An answer of 0 or none is masked. The
    lowest intensity is above 0, since the emotion was present; the lowest duration (minutes) is 0.

    Args:
        row: A row of the set.

    Returns:
        One schema row.
    """
    emotion = ISEAR.get(str(_first(row, "emotion", "Field1")).strip().lower())
    known: SchemaRow = {"text": _first(row, "text", "SIT"), "group": f"isear/{_first(row, 'respondent_id', 'ID')}"}
    answers = {
        "intensity": ("intensity", "INTS"),
        "duration": ("duration", "LONG"),
        "valence": ("unpleasantness", "PLEA"),
    }
    for name, columns in answers.items():
        answer = _first(row, *columns)
        if answer is None or int(answer) == 0:
            continue
        (grade,) = _scaled({name: answer}, [name], 1, 3 if name == "valence" else 4)
        known[f"bentham.{name}"] = {"intensity": grade / 4, "duration": (grade - 1) / 3, "valence": 2 - grade}[name]
        if name == "intensity" and emotion:
            known |= {f"intensity.{emotion}": grade / 4, f"nuance.{emotion}": grade}
    return [known]


def scruples_anecdotes(row: Row) -> list[SchemaRow]:
    """A post and its votes, which are the verdict."""
    title, body = row["title"], row["text"] or ""
    votes = row.get("label_scores")
    shares = {name: row[f"n_{name}"] if votes is None else votes[name.upper()] for name in VERDICTS}
    if not sum(shares.values()) > 0:
        raise DataError("The post has no vote. Leave the row out.")
    text = f"{title}\n{body}" if body.strip() else title
    return [{"text": text, **{f"verdict.{name}": share for name, share in shares.items()}}]


def scruples_dilemmas(row: Row) -> list[SchemaRow]:
    """Two actions, of which `gold_label` names the LESS ethical one; without a label they are two texts."""
    if "action0" in row:
        actions = [row["action0"], row["action1"]]
    else:
        actions = [action["description"] for action in row["actions"]]
    if is_missing(row["gold_label"]):
        return [{"text": action} for action in actions]
    worse = int(row["gold_label"])
    return ranked("acceptability", actions[1 - worse], actions[worse])


def ethics_utilitarianism(row: Row) -> list[SchemaRow]:
    """Two scenes, one more pleasant."""
    return ranked("utility", _first(row, "more_pleasant", "baseline"), row["less_pleasant"])


def ethics_deontology(row: Row) -> list[SchemaRow]:
    """A request or a role, and an excuse or a duty."""
    scene = row["scenario"].strip()
    return [{"text": _joined(scene, row["excuse"]), "group": f"ethics_deontology/{scene}"}]


def _same_scenario(earlier: Row, row: Row) -> bool:
    return bool(earlier["scenario"].split() == row["scenario"].split())


def ethics_justice(row: Row) -> list[SchemaRow]:
    """A treatment and its reason, in one text."""
    return [{"text": row["scenario"]}]


def _common(first: Sequence[str], second: Sequence[str]) -> int:
    """The number of equal words from the start."""
    differ = (place for place, (one, other) in enumerate(zip(first, second, strict=False)) if one != other)
    return next(differ, min(len(first), len(second)))


def _same_treatment(earlier: Row, row: Row) -> bool:
    """Compare the groups where the rows have one (test splits), else the words in common: see `SAME_SCENE`."""
    if not is_missing(earlier.get("group")) and not is_missing(row.get("group")):
        return bool(earlier["group"] == row["group"])
    first, second = earlier["scenario"].split(), row["scenario"].split()
    before = _common(first, second)
    after = _common(first[before:][::-1], second[before:][::-1])
    return before + after >= SAME_SCENE * min(len(first), len(second))


def moral_stories(row: Row) -> list[SchemaRow]:
    """The moral ranked above the immoral action: alone, and after situation and intention where the row has both."""
    actions, group = (row["moral_action"], row["immoral_action"]), f"moral_stories/{_first(row, 'id', 'ID')}"
    rows = ranked("acceptability", *actions, group)
    situation, intention = row.get("situation"), row.get("intention")
    if is_missing(situation) or is_missing(intention):
        return rows
    return rows + [{**pair, "context": f"{situation} {intention}"} for pair in ranked("branch", *actions, group)]


def ethics_commonsense(row: Row) -> list[SchemaRow]:
    """A first-person scene."""
    return [{"text": _first(row, "text", "input")}]


def ethics_virtue(row: Row) -> list[SchemaRow]:
    """A scene; the trait that upstream appends after [SEP] is left out."""
    return [{"text": row["scenario"].split("[SEP]")[0].strip()}]


def timetravel(row: Row) -> list[SchemaRow]:
    """The story as it was, and as it is with each ending that was rewritten for the changed second sentence."""
    endings = row.get("edited_endings") or ([row["edited_ending"]] if row.get("edited_ending") else [])
    stories = [(row["initial"], row["original_ending"])] + [(row["counterfactual"], ending) for ending in endings]
    group = f"timetravel/{row.get('story_id')}"
    return [
        {"text": _joined(row["premise"], second, *([ending] if isinstance(ending, str) else ending)), "group": group}
        for second, ending in stories
    ]


def sentence(row: Row) -> list[SchemaRow]:
    """A sentence."""
    return [{"text": _first(row, "text", "sentence")}]


_NO_TARGET = "no output of a reading says whether a sentence states a counterfactual"
_SENTENCE = (("text",), ("sentence",))
_LABELLED = ("text", "labels", "id")
_ETHICS = "hendrycks/ethics"

SETS: dict[str, PublicSet] = {
    "cases": PublicSet(cases, (("text", "group", "emotion"),), ("better", "worse", *COLUMNS)),
    "goemotions": PublicSet(goemotions, (_LABELLED,), hub=("google-research-datasets/go_emotions", "simplified")),
    "goemotions_ko": PublicSet(goemotions, (_LABELLED,)),
    "kote": PublicSet(kote, (("text", "labels"),), hub=("searle-j/kote", None)),
    "emotion_intensity_en": PublicSet(
        emotion_intensity,
        (("text", *INTENSITY_EMOTIONS),),
        hub=("brighter-dataset/BRIGHTER-emotion-intensities", "eng"),
    ),
    "emobank": PublicSet(emobank, (("text", *AFFECT), ("text", "V", "A", "D")), ("split",)),
    "isear": PublicSet(
        isear,
        (("text", "emotion", "respondent_id"), ("SIT", "Field1", "ID")),
        ("intensity", "duration", "unpleasantness", "INTS", "LONG", "PLEA"),
    ),
    "scruples_anecdotes": PublicSet(
        scruples_anecdotes, (("title", "text", *(f"n_{name}" for name in VERDICTS)), ("title", "text", "label_scores"))
    ),
    "scruples_dilemmas": PublicSet(
        scruples_dilemmas, (("action0", "action1", "gold_label"), ("actions", "gold_label"))
    ),
    "ethics_utilitarianism": PublicSet(
        ethics_utilitarianism,
        (("more_pleasant", "less_pleasant"), ("baseline", "less_pleasant")),
        hub=(_ETHICS, "utilitarianism"),
    ),
    "ethics_deontology": PublicSet(
        ethics_deontology,
        (("scenario", "excuse", "label"),),
        hub=(_ETHICS, "deontology"),
        same_scene=_same_scenario,
    ),
    "ethics_justice": PublicSet(
        ethics_justice, (("scenario", "label"),), ("group",), (_ETHICS, "justice"), same_scene=_same_treatment
    ),
    "moral_stories": PublicSet(
        moral_stories,
        (("id", "moral_action", "immoral_action"), ("ID", "moral_action", "immoral_action")),
        ("situation", "intention"),
        ("demelin/moral_stories", "full"),
    ),
    "ethics_commonsense": PublicSet(
        ethics_commonsense,
        (("text",), ("input",)),
        hub=(_ETHICS, "commonsense"),
        why_not="clearly wrong or not is two classes, and what is not wrong may be any of three verdicts",
    ),
    "ethics_virtue": PublicSet(
        ethics_virtue, (("scenario",),), hub=(_ETHICS, "virtue"), why_not="the schema has no traits of character"
    ),
    "timetravel": PublicSet(
        timetravel,
        (("premise", "initial", "counterfactual", "original_ending"),),
        ("edited_endings", "edited_ending", "story_id"),
        why_not="which ending fits a changed story says nothing about which course of events is better",
    ),
    "counterfactual_detection": PublicSet(sentence, _SENTENCE, why_not=_NO_TARGET),
    "counterfactual_spans": PublicSet(sentence, _SENTENCE, why_not=_NO_TARGET),
    "amcd": PublicSet(sentence, _SENTENCE, why_not=_NO_TARGET),
}


__all__ = ["INTENSITY_EMOTIONS", "KOTE", "NON_COMMERCIAL", "SETS", "PublicSet", "SchemaRow", "ranked"]
