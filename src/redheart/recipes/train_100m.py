"""The recipe of the shipped checkpoint, `redheart-100m`.

    python -m redheart.recipes.train_100m --data DIR --encoder DIR --output RUN
    python -m redheart.recipes.ship RUN/model src/redheart/checkpoints/redheart-100m --form int8
    redheart evaluate redheart-100m --data DIR --fit

The encoder is all-mpnet-base-v2 with ten of its twelve layers and Korean pieces (`bilingual_encoder`). First everything
after it is trained while the encoder is frozen, then all is trained (Kumar et al. 2022, arXiv:2202.10054: new,
untrained layers would otherwise distort what the encoder has learned). Both cycles use the cases, with a little of the
other sets. A cycle that OUTPUT already holds is not trained again. Last, all but the sweet-spot network is frozen, and
that is trained on rows that no cycle used. Sets under a non-commercial licence, and crowd_envent, are never read.

Notable: derived verdicts follow roles. Who does wrong in a story is `other` where the story is told about a third
person, and `author` where the same story is told by that person; the moral branch is `nobody`.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase, set_seed

from ..data.loading import Example, Unit, to_units
from ..modeling_redheart.derived import PREFIX
from ..modeling_redheart.modeling_redheart import RedHeartModel
from ..rewording.persons import Text
from ..rewording.protagonist import change_protagonist, protagonist
from ..storage.files import write_json
from ..training.runs.building import build_model
from ..training.runs.confidence_phase import train_confidence
from ..training.runs.recipe import ConfidenceRecipe, ModelRecipe
from ..training.trainers.arguments import RedHeartTrainingArguments
from .bilingual_encoder import make, native_bfloat16
from .shipped_recipes import (
    HISTORY,
    command_line,
    is_better,
    one_hot,
    recipe_units,
    record_of_recipe,
    run_cycle,
    save_trained,
)

HELD_OUT = 0.04
STORY_VERDICT = f"{PREFIX}the actor of an immoral story is in the wrong (author if told by the actor, else other)"


@dataclass(frozen=True)
class Cycle:
    """One rise and fall of the learning rate.

    Attributes:
        rounds: Set -> rounds through it.
        rate: Highest learning rate of everything but the encoder.
        encoder_rate: Highest learning rate of the encoder; None = it is frozen.
    """

    rounds: Mapping[str, float]
    rate: float
    encoder_rate: float | None = None


CYCLES = (
    Cycle(
        {
            "cases": 0.35,
            "goemotions": 0.02,
            "emobank": 0.04,
            "emotion_intensity_en": 0.03,
            "scruples_dilemmas": 0.2,
        },
        rate=7e-4,
    ),
    Cycle(
        {
            "cases": 5.0,
            "goemotions": 0.25,
            "goemotions_translated": 0.06,
            "emotion_intensity_en": 0.5,
            "emobank": 0.6,
            "scruples_anecdotes": 0.012,
            "scruples_titles": 0.15,
            "scruples_dilemmas": 2.0,
            "ethics_utilitarianism": 0.04,
            "moral_stories": 0.05,
        },
        rate=5e-4,
        encoder_rate=5e-5,
    ),
)
SETS = tuple(CYCLES[-1].rounds)
LONGEST = 320
WEIGHTS = {"verdict": 4.0, "acceptability": 6.0}  # more than by default: the most important outputs of a reading


def in_both_persons(stories: Sequence[Example], seed: int = 0) -> list[Example]:
    """Give stories their verdict, and rewrite about half of those that their actor can tell in the first person.

    The two texts of a pair are in the same person.

    Args:
        stories: The stories.
        seed: Seed of the choice.

    Returns:
        The stories.
    """
    chance = random.Random(seed)
    found: list[Example] = []
    for unit in to_units(stories):
        own = [first_person(item.text) for item in unit]
        first = all(own) and chance.random() < 0.5
        for item, text in zip(unit, own, strict=True):
            verdict = "nobody" if is_better(item) else "author" if first else "other"
            targets = {**item.targets, "verdict_labels": one_hot(verdict)}
            found.append(replace(item, text=text if first and text else item.text, targets=targets))
    return found


def first_person(text: str) -> str | None:
    """Return a text about one person as told by that person; None where somebody else could be meant."""
    parsed = Text(text)
    person = protagonist(parsed)
    return None if person is None else change_protagonist(parsed, person, "I")


def training_units(data: Path) -> tuple[list[Unit], list[Unit]]:
    """Return units to train on, and units held out for the confidence."""
    return recipe_units(data, SETS, in_both_persons, HELD_OUT)


def arguments(output: Path) -> dict[str, Any]:
    """Return the training arguments that all phases share."""
    return {
        "output_dir": str(output),
        "num_train_epochs": 1,
        "per_device_train_batch_size": 48,
        "batch_tokens": 1280,
        "optim": "adamw_torch_fused",
        "longest_text": LONGEST,
        "use_cpu": not torch.cuda.is_available(),
        "bf16": native_bfloat16(),
        "logging_steps": 25,
        "disable_tqdm": True,
    }


def train_cycle(
    model: RedHeartModel,
    tokenizer: PreTrainedTokenizerBase,
    units: list[Unit],
    cycle: Cycle,
    folder: Path,
    seed: int,
    resume: bool,
) -> None:
    """Train ``model`` through one cycle, and write it and, at the end, its losses.

    Args:
        model: The model, which is trained in place.
        tokenizer: Its tokenizer.
        units: The units of all sets.
        cycle: The cycle.
        folder: Folder to write to.
        seed: Seed of the cycle.
        resume: Whether to continue from the newest checkpoint in ``folder``.
    """
    settings = RedHeartTrainingArguments(
        **arguments(folder),
        seed=seed,
        learning_rate=cycle.rate,
        encoder_learning_rate=cycle.encoder_rate,
        weight_decay=0.01,
        warmup_steps=0.06,
        full_every=8,
        loss_weights={"confidence": 0.0, **WEIGHTS},
        save_steps=200,
        save_total_limit=1,
    )
    encoder = model.backbone.encoder
    encoder.requires_grad_(cycle.encoder_rate is not None)
    run_cycle(model, tokenizer, units, cycle.rounds, settings, folder, resume)
    encoder.requires_grad_(True)


def record_of(units: Sequence[Unit]) -> dict[str, list[str]]:
    """Return what supervised each claim, by the names under which the sets are published."""
    return record_of_recipe(units, STORY_VERDICT)


def train(data: Path, encoder: Path, output: Path, share: float = 1.0, resume: bool = False) -> None:
    """Train both cycles and the confidence.

    Writes the float32 model and its tokenizer to ``output``/model, and each cycle's model and losses to a separate
    folder.

    Args:
        data: Folder of the data sets.
        encoder: Folder of the encoder.
        output: Folder of the run.
        share: Share of each set's rounds to train, below 1 for a trial run.
        resume: Whether a cycle continues from its newest checkpoint.
    """
    set_seed(0)
    both = output / "encoder"
    if not (both / "config.json").is_file():
        make(data, encoder, both)
    units, unseen = training_units(data)
    folders = [output / f"cycle-{number + 1}" for number in range(len(CYCLES))]
    done = sum((folder / HISTORY).is_file() for folder in folders)
    model, tokenizer = build_model(ModelRecipe(preset="redheart-100m", encoder=str(both)), seed=0)
    if done:
        model = RedHeartModel.from_pretrained(folders[done - 1] / "model", dtype=torch.float32)
    for number in range(done, len(CYCLES)):
        rounds = {name: value * share for name, value in CYCLES[number].rounds.items()}
        train_cycle(model, tokenizer, units, replace(CYCLES[number], rounds=rounds), folders[number], number, resume)
    options = arguments(output / "confidence") | {"seed": 0}
    history = train_confidence(model, tokenizer, _confidence_units(unseen), options, ConfidenceRecipe(epochs=share))
    write_json(output / HISTORY, history)

    save_trained(model, tokenizer, record_of(units), output / "model")


def _confidence_units(unseen: Sequence[Unit]) -> list[Unit]:
    """The held-out rows; of each other set at most as many as there are cases."""
    by_set: dict[str, list[Unit]] = {}
    for unit in unseen:
        by_set.setdefault(unit[0].source, []).append(unit)
    most = len(by_set["cases"])
    return [unit for units in by_set.values() for unit in units[:most]]


def main() -> None:
    """Run the command line."""
    command_line(__doc__, "all-mpnet-base-v2", train)


if __name__ == "__main__":
    main()
