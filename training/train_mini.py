"""The recipe of the shipped checkpoint, `redheart-mini`.

    python -m redheart.training.train_mini --data DIR --encoder DIR --output RUN
    python -m redheart.hub_upload.ship RUN/model src/redheart/checkpoints/redheart-mini
    redheart evaluate redheart-mini --data DIR --fit

The encoder is all-MiniLM-L6-v2, which reads English; it is given Korean word pieces (`bilingual_vocabulary`). Three
cycles train everything on top of it on ten labelled sets at once, each after the first with a learning rate that is
high again (warm restarts, Loshchilov & Hutter 2017, arXiv:1608.03983) and with longer posts, the last one with some
texts in other words. A cycle that OUTPUT already holds is not trained again. The ends of the last two cycles are
averaged (Izmailov et al. 2018, arXiv:1803.05407). Last, all but the sweet-spot network is frozen, and that learns from
rows that no cycle saw, so that it predicts losses as they are on new texts. What is then fitted is fitted on validation
data. Sets under a non-commercial licence are never read.

Notable: in float32, whose products are about twice as fast as those of bfloat16 on a CPU without matrix units.
"""

import argparse
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerBase, set_seed
from transformers.trainer_utils import get_last_checkpoint

from ..configuration.configuration_redheart import load_preset
from ..configuration.labels import VERDICTS
from ..evaluation.perturbations.variants import FAMILIES, variants
from ..modeling_redheart.derived import PREFIX, derived_record
from ..modeling_redheart.modeling_redheart import RedHeartModel
from .arguments import RedHeartTrainingArguments
from .bilingual_vocabulary import bilingual_vocabulary, extend_embeddings
from .building import build_model
from .collator import source_sizes
from .confidence_phase import train_confidence
from .data import PAIRS, Example, Unit, drop_seen, held_out, load, texts_of, to_units
from .dilemmas import dilemma_halves
from .recipe import ConfidenceRecipe, ModelRecipe
from .snapshots import write_json
from .supervision import confidence_keys, supervision_of
from .trainer import RedHeartTrainer

HELD_OUT = 0.04
KOREAN_PIECES = 8_000
AVERAGED = 2  # cycles, the last ones
HISTORY = "history.json"  # losses by step; of a cycle, it is written last


@dataclass(frozen=True)
class Cycle:
    """One rise and fall of the learning rate.

    longest_text: tokens from which on a text is cut. rounds: through each set. reworded: the share of the units that
    are read in other words, by the rules that consistency is later measured with, on other texts.
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

# Sets of whose texts the embedding learns to lie as the encoder's own sentence embeddings do; the Korean of a
# translated comment as its English.
EMBEDDED = ("emobank", "goemotions_translated")

STORY_VERDICT = f"{PREFIX}the author of the immoral action in moral_stories, nobody for the moral one"

# What the words of the vocabulary are counted in.
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


def translations(english: Sequence[Example], foreign: Sequence[Example]) -> list[Unit]:
    """A unit of the two texts of each comment that is there in both languages."""
    by_comment = {item.group: item for item in english}
    return [
        tuple(Example(one.text, "goemotions_translated", dict(one.targets), one.group) for one in (other, item))
        for item in foreign
        if (other := by_comment.get(item.group)) is not None
    ]


def titles(posts: Sequence[Example]) -> list[Example]:
    """The title of each post with the votes on the post: what a verdict is to say about one sentence."""
    return [Example(post.text.partition("\n")[0], "scruples_titles", post.targets, post.group) for post in posts]


def add_verdicts(stories: Sequence[Example]) -> None:
    """Derive a verdict on each action of a story, which has one actor: the immoral one puts its author in the wrong,
    the moral one nobody."""
    for story in stories:
        better = any(story.targets[name][1] == 1 for name in PAIRS if name in story.targets)
        story.targets["verdict_labels"] = one_hot("nobody" if better else "author")


def one_hot(verdict: str) -> npt.NDArray[np.float32]:
    """All votes for one verdict, (5,)."""
    return np.array([name == verdict for name in VERDICTS], dtype=np.float32)


def training_units(data: Path) -> tuple[list[Unit], list[Unit]]:
    """Units to train on, and the ones held out for the confidence."""
    made = ("scruples_titles", "scruples_dilemmas", "goemotions_translated")
    sets = {name: load(name, data, "train") for name in SETS if name not in made}
    add_verdicts(sets["moral_stories"])
    units = [unit for examples in sets.values() for unit in to_units(examples)]
    units += translations(sets["goemotions"], load("goemotions_ko", data, "train"))
    # Its train split was never published whole: one side of the validation pairs, and figures are about the other.
    units += dilemma_halves(to_units(load("scruples_dilemmas", data, "validation")))[0]
    kept, unseen = held_out(units, HELD_OUT)
    known = titles(load("scruples_anecdotes", data, "validation"))
    for some in (kept, unseen):
        posts = [item for unit in some for item in unit if item.source == "scruples_anecdotes"]
        some += to_units(drop_seen(titles(posts), known))
    return kept, unseen


def add_embeddings(units: Sequence[Unit], encoder: Path) -> None:
    """Give the texts of EMBEDDED the sentence embedding (mean of the last layer) of their unit's first text."""
    chosen = sorted((unit for unit in units if unit[0].source in EMBEDDED), key=lambda unit: len(unit[0].text))
    tokenizer, teacher = AutoTokenizer.from_pretrained(encoder), AutoModel.from_pretrained(encoder).eval()
    for start in range(0, len(chosen), 128):
        chunk = chosen[start : start + 128]
        batch = tokenizer([unit[0].text for unit in chunk], padding=True, truncation=True, max_length=LONGEST,
                          return_tensors="pt")  # fmt: skip
        with torch.no_grad():
            states: Tensor = teacher(**batch).last_hidden_state
        weight = batch["attention_mask"].unsqueeze(-1)
        for unit, mean in zip(chunk, (states * weight).sum(1) / weight.sum(1), strict=True):
            for item in unit:
                item.targets["embedding_labels"] = mean.numpy()


def reword(units: Sequence[Unit], share: float, seed: int) -> list[Unit]:
    """The units, about ``share`` of them with another text that means the same; what was labelled stays so."""
    chance = random.Random(seed)
    return [reworded(unit, chance.choice(FAMILIES), seed) if chance.random() < share else unit for unit in units]


def reworded(unit: Unit, family: str, seed: int) -> Unit:
    """The unit with each of its texts in other words, where these words admit it."""
    return tuple(
        replace(item, text=other[0]) if (other := variants(item.text, family, 1, seed)) else item for item in unit
    )


def arguments(output: Path) -> dict[str, Any]:
    """What all phases share."""
    return {
        "output_dir": str(output),
        "num_train_epochs": 1,
        "per_device_train_batch_size": 32,
        "batch_tokens": 1536,
        "use_cpu": not torch.cuda.is_available(),
        "logging_steps": 50,
    }


def epoch_sizes(units: list[Unit], rounds: Mapping[str, float]) -> dict[str, int]:
    """Units of each set in the one epoch that holds ``rounds`` of it."""
    available = {name: sum(unit[0].source == name for unit in units) for name in rounds}
    wanted = {name: count * rounds[name] for name, count in available.items()}
    return source_sizes(available, total=round(sum(wanted.values())), weights=wanted)


def record_of(units: Sequence[Unit]) -> dict[str, list[str]]:
    """What supervised each claim, by the names under which the sets are published."""
    names = {
        "goemotions_translated": ["goemotions", "goemotions_ko"],
        "scruples_titles": ["scruples_anecdotes"],
    }
    record = {
        key: sorted({name for source in sources for name in names.get(source, [source])})
        for key, sources in supervision_of(units).items()
    }
    for key in ("verdict", "surd"):  # of the stories, it is what `add_verdicts` makes of who acts well
        if "moral_stories" in record.get(key, ()):
            record[key] = [name for name in record[key] if name != "moral_stories"] + [STORY_VERDICT]
    record["embedding"] = ["all-MiniLM-L6-v2"]
    return record | derived_record(record) | {key: ["rows held out of training"] for key in confidence_keys(record)}


def train_cycle(
    model: RedHeartModel,
    tokenizer: PreTrainedTokenizerBase,
    units: list[Unit],
    cycle: Cycle,
    folder: Path,
    seed: int,
    resume: bool,
) -> None:
    """Train ``model`` through one cycle, and write it and, when all is done, its losses to ``folder``."""
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
    sizes = epoch_sizes(units, cycle.rounds)
    read = reword(units, cycle.reworded, seed)
    trainer = RedHeartTrainer(model, settings, train_dataset=read, processing_class=tokenizer, sizes=sizes)
    trainer.train(resume_from_checkpoint=get_last_checkpoint(folder) if resume and folder.is_dir() else None)
    model.save_pretrained(folder / "model")
    write_json(folder / HISTORY, trainer.state.log_history)


def averaged(folders: Sequence[Path]) -> RedHeartModel:
    """The mean of the weights of models that were trained one from the other."""
    models = [RedHeartModel.from_pretrained(folder, dtype=torch.float32) for folder in folders]
    states = [model.state_dict() for model in models]
    models[-1].load_state_dict({name: torch.stack([state[name] for state in states]).mean(dim=0) for name in states[0]})
    return models[-1]


def train(data: Path, encoder: Path, output: Path, share: float = 1.0, resume: bool = False) -> None:
    """All cycles and the confidence; writes the float32 model and its tokenizer to ``output``/model, and each cycle's
    model and losses to a folder of its own.

    share: of each set's rounds, below 1 for a trial run. resume: a cycle goes on from its newest checkpoint.
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

    model.config.loss_weights = {}  # those of the phases are not for who trains it further
    model.config.supervision = record_of(units)
    model.config.name_or_path = ""
    model.save_pretrained(output / "model")
    tokenizer.save_pretrained(output / "model")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--encoder", type=Path, required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--output", type=Path, required=True, help="where the run is written")
    parser.add_argument("--share", type=float, default=1.0, help="of the recipe, for a trial run")
    parser.add_argument("--resume", action="store_true", help="go on from a cycle's newest checkpoint")
    args = parser.parse_args()
    train(args.data, args.encoder, args.output, args.share, args.resume)


if __name__ == "__main__":
    main()
