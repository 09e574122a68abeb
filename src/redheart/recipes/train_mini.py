"""The recipe of the shipped checkpoint, `redheart-mini`.

    python -m redheart.recipes.train_mini --data DIR --encoder DIR --output RUN
    python -m redheart.recipes.ship RUN/model src/redheart/checkpoints/redheart-mini
    redheart evaluate redheart-mini --data DIR --fit

The encoder is all-MiniLM-L6-v2, which reads English; it is given Korean word pieces (`bilingual_vocabulary`). Three
cycles train everything on top of it on ten labelled sets at once, each after the first with a learning rate that is
high again (warm restarts, Loshchilov & Hutter 2017, arXiv:1608.03983) and with longer posts, the last one with some
texts in other words. A cycle that OUTPUT already holds is not trained again. The ends of the last two cycles are
averaged (Izmailov et al. 2018, arXiv:1803.05407). Last, all but the sweet-spot network is frozen, and that learns from
rows that no cycle used, so that it predicts losses as they are on new texts. What `redheart evaluate --fit` then fits
is fitted on validation data. Sets under a non-commercial licence are never read.

Notable: in float32, whose products are about twice as fast as those of bfloat16 on a CPU without matrix units.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerBase, set_seed

from ..configuration.configuration_redheart import load_preset
from ..data.loading import Example, Unit, load, texts_of
from ..modeling_redheart.derived import PREFIX
from ..modeling_redheart.modeling_redheart import RedHeartModel
from ..rewording.variants import FAMILIES, variants
from ..storage.files import write_json
from ..training.runs.building import build_model
from ..training.runs.confidence_phase import train_confidence
from ..training.runs.recipe import ConfidenceRecipe, ModelRecipe
from ..training.trainers.arguments import RedHeartTrainingArguments
from .bilingual_vocabulary import bilingual_vocabulary, extend_embeddings
from .shipped_recipes import (
    ENGLISH,
    HISTORY,
    command_line,
    is_better,
    one_hot,
    recipe_units,
    record_of_recipe,
    run_cycle,
    save_trained,
    translations,
)

HELD_OUT = 0.04
KOREAN_PIECES = 8_000
AVERAGED = 2  # number of last cycles whose weights are averaged


@dataclass(frozen=True)
class Cycle:
    """One rise and fall of the learning rate.

    Attributes:
        longest_text: Maximum text length in tokens.
        rounds: Set -> rounds through it.
        reworded: Share of the units that are read in other words, by the rules that consistency is later measured with,
            on other texts.
    """

    longest_text: int
    rounds: Mapping[str, float]
    reworded: float = 0.0


CYCLES = (
    Cycle(
        160,
        {
            "goemotions": 0.7,
            "goemotions_translated": 0.85,
            "emotion_intensity_en": 1.7,
            "emobank": 0.85,
            "scruples_anecdotes": 0.35,
            "scruples_titles": 0.5,
            "scruples_dilemmas": 2.7,
            "ethics_utilitarianism": 0.35,
            "ethics_justice": 0.1,
            "ethics_deontology": 0.1,
            "moral_stories": 0.85,
        },
    ),
    Cycle(
        256,
        {
            "goemotions": 0.8,
            "goemotions_translated": 0.3,
            "emotion_intensity_en": 0.8,
            "emobank": 0.3,
            "scruples_anecdotes": 0.4,
            "scruples_titles": 0.5,
            "scruples_dilemmas": 4.0,
            "ethics_utilitarianism": 0.2,
            "ethics_justice": 0.05,
            "ethics_deontology": 0.05,
            "moral_stories": 0.8,
        },
    ),
    Cycle(
        384,
        {
            "goemotions": 0.5,
            "goemotions_translated": 0.15,
            "emotion_intensity_en": 0.4,
            "emobank": 0.2,
            "scruples_anecdotes": 0.6,
            "scruples_titles": 0.4,
            "scruples_dilemmas": 3.0,
            "ethics_utilitarianism": 0.15,
            "ethics_justice": 0.03,
            "ethics_deontology": 0.03,
            "moral_stories": 0.5,
        },
        reworded=0.4,
    ),
)
SETS = tuple(CYCLES[0].rounds)
LONGEST = max(cycle.longest_text for cycle in CYCLES)

# Sets on which the embedding is trained to match the encoder's own sentence embeddings, for the Korean text of a
# translated comment that of the English text.
EMBEDDED = ("emobank", "goemotions_translated")

STORY_VERDICT = f"{PREFIX}the author of the immoral action in moral_stories, nobody for the moral one"


def bilingual_encoder(data: Path, encoder: Path, output: Path) -> None:
    """Write the encoder with the vocabulary of both languages, and its tokenizer, to ``output``."""
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    english = [text for name in ENGLISH for text in texts_of(name, data, "train")]
    korean = [*texts_of("goemotions_ko", data, "train"), *texts_of("kote", data, "validation")]
    entries = load_preset("redheart-mini")["vocab_size"] - KOREAN_PIECES
    vocabulary = bilingual_vocabulary(tokenizer, english, korean, entries, KOREAN_PIECES)
    model = AutoModel.from_pretrained(encoder, dtype=torch.float32)
    pairs = translations(load("goemotions", data, "train"), load("goemotions_ko", data, "train"))
    extend_embeddings(model, vocabulary, [ko.text for _, ko in pairs], [en.text for en, _ in pairs])
    for name in ("attention_probs_dropout_prob", "hidden_dropout_prob"):
        setattr(model.config, name, 0.0)
    model.save_pretrained(output)
    vocabulary.tokenizer.save_pretrained(output)


def add_verdicts(stories: Sequence[Example]) -> None:
    """Derive a verdict on each action of a story, which has one actor.

    The author of an immoral action is in the wrong, of a moral one nobody.

    Args:
        stories: The stories, which are changed.
    """
    for story in stories:
        story.targets["verdict_labels"] = one_hot("nobody" if is_better(story) else "author")


def with_verdicts(stories: list[Example]) -> list[Example]:
    """Return the stories after `add_verdicts`."""
    add_verdicts(stories)
    return stories


def training_units(data: Path) -> tuple[list[Unit], list[Unit]]:
    """Return units to train on, and units held out for the confidence."""
    return recipe_units(data, SETS, with_verdicts, HELD_OUT)


def add_embeddings(units: Sequence[Unit], encoder: Path) -> None:
    """Give the texts of EMBEDDED the sentence embedding (mean of the last layer) of their unit's first text."""
    chosen = sorted((unit for unit in units if unit[0].source in EMBEDDED), key=lambda unit: len(unit[0].text))
    tokenizer, teacher = AutoTokenizer.from_pretrained(encoder), AutoModel.from_pretrained(encoder).eval()
    for start in range(0, len(chosen), 128):
        chunk = chosen[start : start + 128]
        batch = tokenizer([unit[0].text for unit in chunk], padding=True, padding_side="right", truncation=True,
                          max_length=LONGEST, return_tensors="pt")  # fmt: skip
        with torch.no_grad():
            states: Tensor = teacher(**batch).last_hidden_state
        weight = batch["attention_mask"].unsqueeze(-1)
        for unit, mean in zip(chunk, (states * weight).sum(1) / weight.sum(1), strict=True):
            for item in unit:
                item.targets["embedding_labels"] = mean.numpy()


def reword(units: Sequence[Unit], share: float, seed: int) -> list[Unit]:
    """Return the units, about ``share`` of them reworded with the same meaning and unchanged labels."""
    chance = random.Random(seed)
    return [reworded(unit, chance.choice(FAMILIES), seed) if chance.random() < share else unit for unit in units]


def reworded(unit: Unit, family: str, seed: int) -> Unit:
    """Return the unit with each of its texts in other words, where the rules can reword it."""
    return tuple(
        replace(item, text=other[0]) if (other := variants(item.text, family, 1, seed)) else item for item in unit
    )


def arguments(output: Path) -> dict[str, Any]:
    """Return the training arguments that all phases share."""
    return {
        "output_dir": str(output),
        "num_train_epochs": 1,
        "per_device_train_batch_size": 32,
        "batch_tokens": 1536,
        "use_cpu": not torch.cuda.is_available(),
        "logging_steps": 50,
    }


def record_of(units: Sequence[Unit]) -> dict[str, list[str]]:
    """Return what supervised each claim, by the names under which the sets are published."""
    return record_of_recipe(units, STORY_VERDICT) | {"embedding": ["all-MiniLM-L6-v2"]}


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
        longest_text=cycle.longest_text,
        seed=seed,
        learning_rate=5e-4,
        encoder_learning_rate=1e-4,
        weight_decay=0.01,
        warmup_steps=0.05,
        full_every=6,
        loss_weights={"confidence": 0.0},  # its own phase
        save_steps=500,
        save_total_limit=1,
    )
    read = reword(units, cycle.reworded, seed)
    run_cycle(model, tokenizer, read, cycle.rounds, settings, folder, resume)


def averaged(folders: Sequence[Path]) -> RedHeartModel:
    """Return the mean of the weights of models that were trained one from the other."""
    models = [RedHeartModel.from_pretrained(folder, dtype=torch.float32) for folder in folders]
    states = [model.state_dict() for model in models]
    models[-1].load_state_dict({name: torch.stack([state[name] for state in states]).mean(dim=0) for name in states[0]})
    return models[-1]


def train(data: Path, encoder: Path, output: Path, share: float = 1.0, resume: bool = False) -> None:
    """Train all cycles and the confidence.

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
        bilingual_encoder(data, encoder, both)
    units, unseen = training_units(data)
    folders = [output / f"cycle-{number + 1}" for number in range(len(CYCLES))]
    done = sum((folder / HISTORY).is_file() for folder in folders)
    if done < len(CYCLES):
        add_embeddings(units, encoder)
    model, tokenizer = build_model(ModelRecipe(preset="redheart-mini", encoder=str(both)), seed=0)
    if done:
        model = RedHeartModel.from_pretrained(folders[done - 1] / "model", dtype=torch.float32)
    for number in range(done, len(CYCLES)):
        rounds = {name: value * share for name, value in CYCLES[number].rounds.items()}
        cycle = replace(CYCLES[number], rounds=rounds)
        train_cycle(model, tokenizer, units, cycle, folders[number], number, resume)
    model = averaged([folder / "model" for folder in folders[-AVERAGED:]])
    options = arguments(output / "confidence") | {"longest_text": LONGEST, "seed": 0}
    history = train_confidence(model, tokenizer, unseen, options, ConfidenceRecipe(epochs=3 * share))
    write_json(output / HISTORY, history)

    save_trained(model, tokenizer, record_of(units), output / "model")


def main() -> None:
    """Run the command line."""
    command_line(__doc__, "all-MiniLM-L6-v2", train)


if __name__ == "__main__":
    main()
