"""What the recipes of the shipped checkpoints have in common: their rows, their cycles, their record.

Used by `train_100m` and `train_mini`, which have what is particular to each.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from transformers import PreTrainedTokenizerBase
from transformers.trainer_utils import get_last_checkpoint

from ..batches.collator import source_sizes
from ..batches.supervision import HELD_OUT, confidence_keys, supervision_of
from ..configuration.labels import VERDICTS
from ..data.dilemmas import dilemma_halves
from ..data.loading import PAIRS, Example, Unit, drop_seen, held_out, load, to_units
from ..modeling_redheart.derived import derived_record
from ..modeling_redheart.modeling_redheart import RedHeartModel
from ..storage.files import write_json
from ..training.trainers.arguments import RedHeartTrainingArguments
from ..training.trainers.trainer import RedHeartTrainer

HISTORY = "history.json"  # losses by step; the last file that a cycle writes

# Public English sets in whose texts the words of a vocabulary are counted.
ENGLISH = (
    "goemotions",
    "scruples_anecdotes",
    "moral_stories",
    "ethics_utilitarianism",
    "ethics_deontology",
    "ethics_justice",
    "ethics_virtue",
    "emobank",
    "emotion_intensity_en",
)

# Sets that are derived from others, and so not loaded by their names.
_MADE = ("scruples_titles", "scruples_dilemmas", "goemotions_translated")


def translations(english: Sequence[Example], foreign: Sequence[Example]) -> list[Unit]:
    """Return a unit of the two texts of each comment that exists in both languages."""
    by_comment = {item.group: item for item in english}
    return [
        tuple(Example(one.text, "goemotions_translated", dict(one.targets), one.group) for one in (other, item))
        for item in foreign
        if (other := by_comment.get(item.group)) is not None
    ]


def titles(posts: Sequence[Example]) -> list[Example]:
    """Return the title of each post with the votes on the post, to train verdicts on single sentences."""
    return [Example(post.text.partition("\n")[0], "scruples_titles", post.targets, post.group) for post in posts]


def one_hot(verdict: str) -> npt.NDArray[np.float32]:
    """Return all votes for one verdict, (5,)."""
    return np.array([name == verdict for name in VERDICTS], dtype=np.float32)


def is_better(item: Example) -> bool:
    """Return whether a text is the better one of its pair."""
    return any(item.targets[name][1] == 1 for name in PAIRS if name in item.targets)


def recipe_units(
    data: Path, names: Sequence[str], stories: Callable[[list[Example]], list[Example]], share: float
) -> tuple[list[Unit], list[Unit]]:
    """Build the units to train on, and those held out for the confidence.

    Args:
        data: Folder of the data sets.
        names: Names of the sets.
        stories: Gives the examples of moral_stories their verdicts.
        share: About which share of the units is held out.

    Returns:
        Units to train on, and units held out.
    """
    sets = {name: load(name, data, "train") for name in names if name not in _MADE}
    sets["moral_stories"] = stories(sets["moral_stories"])
    units = [unit for examples in sets.values() for unit in to_units(examples)]
    units += translations(sets["goemotions"], load("goemotions_ko", data, "train"))
    # Its train split was never published whole: one side of the validation pairs; figures are measured on the other.
    units += dilemma_halves(to_units(load("scruples_dilemmas", data, "validation")))[0]
    kept, unseen = held_out(units, share)
    known = titles(load("scruples_anecdotes", data, "validation"))
    for some in (kept, unseen):
        posts = [item for unit in some for item in unit if item.source == "scruples_anecdotes"]
        some += to_units(drop_seen(titles(posts), known))
    return kept, unseen


def epoch_sizes(units: list[Unit], rounds: Mapping[str, float]) -> dict[str, int]:
    """Return the units of each set in the one epoch that has ``rounds`` of it; 0 for a set without rounds."""
    available = Counter(unit[0].source for unit in units)
    wanted = {name: count * rounds.get(name, 0.0) for name, count in available.items()}
    return source_sizes(available, total=round(sum(wanted.values())), weights=wanted)


def run_cycle(
    model: RedHeartModel,
    tokenizer: PreTrainedTokenizerBase,
    units: list[Unit],
    rounds: Mapping[str, float],
    settings: RedHeartTrainingArguments,
    folder: Path,
    resume: bool,
) -> None:
    """Train ``model`` on ``rounds`` of the sets, and write it and, at the end, its losses.

    Args:
        model: The model, which is trained in place.
        tokenizer: Its tokenizer.
        units: The units of all sets.
        rounds: Set -> rounds through it.
        settings: The training arguments.
        folder: Folder to write to.
        resume: Whether to continue from the newest checkpoint in ``folder``.
    """
    sizes = epoch_sizes(units, rounds)
    trainer = RedHeartTrainer(model, settings, train_dataset=units, processing_class=tokenizer, sizes=sizes)
    trainer.train(resume_from_checkpoint=get_last_checkpoint(folder) if resume and folder.is_dir() else None)
    model.save_pretrained(folder / "model")
    write_json(folder / HISTORY, trainer.state.log_history)


def record_of_recipe(units: Sequence[Unit], story_verdict: str) -> dict[str, list[str]]:
    """Record what supervised each claim, by the names under which the sets are published.

    Args:
        units: The units that were trained on.
        story_verdict: Replaces moral_stories for verdicts, which were derived from who acts well in a story.

    Returns:
        Claim -> names of sets.
    """
    names = {"goemotions_translated": ["goemotions", "goemotions_ko"], "scruples_titles": ["scruples_anecdotes"]}
    record = {
        key: sorted({name for source in sources for name in names.get(source, [source])})
        for key, sources in supervision_of(units).items()
    }
    for key in ("verdict", "surd"):
        if "moral_stories" in record.get(key, ()):
            record[key] = [name for name in record[key] if name != "moral_stories"] + [story_verdict]
    return record | derived_record(record) | {key: [HELD_OUT] for key in confidence_keys(record)}


def save_trained(
    model: RedHeartModel, tokenizer: PreTrainedTokenizerBase, record: dict[str, list[str]], folder: Path
) -> None:
    """Write the trained model with its record, and its tokenizer, to ``folder``."""
    model.config.loss_weights = {}  # the weights of the phases do not apply to further training
    model.config.supervision = record
    model.config.name_or_path = ""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def command_line(description: str | None, encoder: str, train: Callable[[Path, Path, Path, float, bool], Any]) -> None:
    """Run a recipe from the command line.

    Args:
        description: Text of ``--help``.
        encoder: Name of the encoder that the recipe is based on.
        train: Trains, called with data, encoder, output, share and resume.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--encoder", type=Path, required=True, help=f"folder of {encoder}")
    parser.add_argument("--output", type=Path, required=True, help="folder of the run")
    parser.add_argument(
        "--share", type=float, default=1.0, help="share of the recipe to train, below 1 for a trial run"
    )
    parser.add_argument("--resume", action="store_true", help="continue from a cycle's newest checkpoint")
    args = parser.parse_args()
    if (args.output / "model" / "config.json").is_file():
        parser.error(f"{args.output} holds a trained model; name another output, or remove it.")
    train(args.data, args.encoder, args.output, args.share, args.resume)


__all__ = [
    "ENGLISH",
    "HISTORY",
    "command_line",
    "epoch_sizes",
    "is_better",
    "one_hot",
    "recipe_units",
    "record_of_recipe",
    "run_cycle",
    "save_trained",
    "titles",
    "translations",
]
