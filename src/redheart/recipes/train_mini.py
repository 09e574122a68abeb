"""The recipe of `redheart-mini`, the small fast model: redheart-100m teaches it.

    python -m redheart.recipes.train_mini --data DIR --encoder DIR --output RUN
    redheart evaluate RUN/model --data DIR --fit
    python -m redheart.recipes.ship RUN/model RUN/redheart-mini --form int8
    python -m redheart.recipes.data_wheel RUN/redheart-mini --output dist

The encoder is all-MiniLM-L6-v2, which reads English; it is given Korean word pieces (`bilingual_encoder`), whose
embeddings start where their translations are. The student then learns from the labels of the cases and of other sets,
and from what its teacher says of the same texts, in both languages. Sets under a non-commercial licence, and
crowd_envent, are never read.

Notable: bfloat16 is used only where the processor multiplies it (`native_bfloat16`): emulated it would be slower than
float32.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..compression.distill import distill
from ..compression.distillation_losses import Distillation
from ..compression.distillation_recipe import DistillationRecipe
from ..configuration.shipped import load_preset
from ..training.runs.recipe import ConfidenceRecipe, DataRecipe, ModelRecipe, Source
from .bilingual_encoder import disable_dropout, native_bfloat16, translated_comments, with_korean
from .shipped_recipes import command_line

TEACHER = "redheart-100m"
KOREAN_PIECES = 8_000

# Set -> rounds through it.
ROUNDS: Mapping[str, float] = {
    "cases": 2.5,
    "goemotions": 0.15,
    "goemotions_ko": 0.15,
    "emobank": 0.4,
    "emotion_intensity_en": 0.3,
    "scruples_dilemmas": 1.0,
    "scruples_anecdotes": 0.02,
    "ethics_utilitarianism": 0.1,
    "moral_stories": 0.1,
}
_VALIDATED = ("cases", "goemotions", "goemotions_ko", "emobank")
_JUDGED = 300  # rows of each validation split


def bilingual_encoder(data: Path, encoder: Path, output: Path) -> None:
    """Write the encoder with the vocabulary of both languages, and its tokenizer, to ``output``."""
    entries = load_preset("redheart-mini")["vocab_size"] - KOREAN_PIECES
    model, tokenizer = with_korean(data, encoder, translated_comments(data), entries, KOREAN_PIECES)
    disable_dropout(model)
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)


def recipe_of(data: Path, encoder: Path, output: Path, share: float = 1.0) -> DistillationRecipe:
    """Describe the run.

    Args:
        data: Folder of the data sets.
        encoder: Folder of the encoder with the vocabulary of both languages.
        output: Folder of the run.
        share: Share of the rounds to train, below 1 for a trial run.

    Returns:
        The run, for `distill`.
    """
    root = str(data)
    sources = []
    for name, rounds in ROUNDS.items():
        # Its train split was never published whole: one side of the validation pairs; figures come from the other.
        part: dict[str, Any] = {"split": "validation", "half": "train"} if name == "scruples_dilemmas" else {}
        sources.append(Source(name, root=root, weight=rounds * share, **part))
    judged = [Source(name, root=root, split="validation", rows=_JUDGED) for name in _VALIDATED]
    return DistillationRecipe(
        str(output),
        TEACHER,
        ModelRecipe(preset="redheart-mini", encoder=str(encoder)),
        distillation=Distillation(share=0.6),
        data=DataRecipe(sources, judged),
        training={
            "num_train_epochs": 1,
            "learning_rate": 7e-4,
            "encoder_learning_rate": 2e-4,
            "weight_decay": 0.01,
            "warmup_steps": 0.06,
            "per_device_train_batch_size": 48,
            "batch_tokens": 1280,
            "longest_text": 320,
            "loss_weights": {"verdict": 4.0, "acceptability": 6.0},
            "optim": "adamw_torch_fused",
            "use_cpu": not torch.cuda.is_available(),
            "bf16": native_bfloat16(),
            "logging_steps": 25,
            "save_strategy": "steps",
            "save_steps": 200,
            "save_total_limit": 1,
            "disable_tqdm": True,
        },
        confidence=ConfidenceRecipe(share=0.02, epochs=1.0),
    )


def train(data: Path, encoder: Path, output: Path, share: float = 1.0, resume: bool = False) -> None:
    """Make the encoder of both languages, unless ``output`` holds it, and teach the student.

    Writes the float32 model and its tokenizer to ``output``/model.

    Args:
        data: Folder of the data sets.
        encoder: Folder of all-MiniLM-L6-v2.
        output: Folder of the run.
        share: Share of the rounds to train, below 1 for a trial run.
        resume: Whether to continue from the newest checkpoint.
    """
    both = output / "encoder"
    if not (both / "config.json").is_file():
        bilingual_encoder(data, encoder, both)
    distill(recipe_of(data, both, output, share), resume=resume)


def main() -> None:
    """Run the command line."""
    command_line(__doc__, "all-MiniLM-L6-v2", train)


if __name__ == "__main__":
    main()
