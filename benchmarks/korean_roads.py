"""Compares ways to teach Korean to an English encoder, on the same sentences.

    python benchmarks/korean_roads.py --data DATA --encoder DIR [--pairs 2000] [--beside NAME=DIR] --json FILE

Each way starts from the cut encoder with Korean pieces, and learns from the same pairs. Measured on cases of groups
that none of them saw: how often the nearest English text of a Korean one is its own, and how close the embeddings of
English texts are to those before.

Notable: ``--beside`` measures an encoder that already reads Korean, such as multilingual-e5-small, without training it.
"""

import argparse
import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModel, AutoTokenizer, set_seed

from redheart.data.loading import folder_of, read_rows
from redheart.recipes.bilingual_encoder import (
    KEPT,
    cut_encoder,
    distil,
    embeddings,
    from_centre,
    retold_cases,
    translated_comments,
)

HELD_OUT = 200
Pairs = list[tuple[str, str]]


def split(cases: Pairs, group_of: Mapping[str, str], comments: Pairs, count: int) -> tuple[Pairs, Pairs]:
    """Split the pairs into those to learn from and those to measure with.

    Args:
        cases: Retold cases, English and Korean.
        group_of: English text -> its group.
        comments: Translated comments, English and Korean.
        count: Number of pairs to learn from, about half of them cases.

    Returns:
        The pairs to learn from, and about `HELD_OUT` cases of other groups.
    """
    chance = random.Random(0)
    groups = sorted({group_of[english] for english, _ in cases})
    chance.shuffle(groups)
    unseen: set[str] = set()
    while sum(group_of[english] in unseen for english, _ in cases) < HELD_OUT:
        unseen.add(groups.pop())
    held = [pair for pair in cases if group_of[pair[0]] in unseen]
    rest = [pair for pair in cases if group_of[pair[0]] not in unseen]
    chosen = chance.sample(rest, min(count // 2, len(rest)))
    chosen += chance.sample(comments, min(count - len(chosen), len(comments)))
    chance.shuffle(chosen)
    return chosen, held


def nearest(korean: Tensor, english: Tensor) -> float:
    """Return the share of the rows of ``korean`` whose nearest row of ``english`` has the same index."""
    centre = english.mean(0)
    similarity = from_centre(korean, korean.mean(0)) @ from_centre(english, centre).T
    return float((similarity.argmax(1) == torch.arange(len(korean))).float().mean())


def measured(model: Any, tokenizer: Any, held: Pairs, before: Tensor | None) -> dict[str, float]:
    """Measure one encoder.

    Args:
        model: The encoder.
        tokenizer: Its tokenizer.
        held: Pairs to measure with.
        before: Embeddings of the English texts before the training; None for an encoder that is not trained.

    Returns:
        The figures, by name.
    """
    english, korean = (embeddings(model, tokenizer, [pair[side] for pair in held]) for side in (0, 1))
    figures = {"nearest is its own": nearest(korean, english)}
    if before is not None:
        centre = before.mean(0)
        figures["English, cosine with before"] = float(
            (from_centre(english, centre) * from_centre(before, centre)).sum(1).mean()
        )
    return {name: round(value, 3) for name, value in figures.items()}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--encoder", type=Path, required=True, help="folder of all-mpnet-base-v2")
    parser.add_argument("--pairs", type=int, default=2000, help="pairs that each way learns from (default: 2000)")
    parser.add_argument(
        "--beside", action="append", default=[], metavar="NAME=DIR", help="also measure this encoder; repeatable"
    )
    parser.add_argument("--json", type=Path, required=True, metavar="FILE", help="write the figures to this file")
    args = parser.parse_args()

    set_seed(0)
    comments = translated_comments(args.data)
    group_of = {row["text"]: row["group"] for row in read_rows(folder_of("cases", args.data) / "train.parquet")}
    pairs, held = split(retold_cases(args.data), group_of, comments, args.pairs)
    start, tokenizer = cut_encoder(args.data, args.encoder, comments)
    state = {name: value.clone() for name, value in start.state_dict().items()}
    english, korean = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    before = embeddings(start, tokenizer, [pair[0] for pair in held])
    own = embeddings(start, tokenizer, english)
    whole = embeddings(
        AutoModel.from_pretrained(args.encoder, dtype=torch.float32),
        AutoTokenizer.from_pretrained(args.encoder),
        english,
    )
    kept = round(KEPT * len(english))
    found = {"pieces where their translations lie, nothing learned": measured(start, tokenizer, held, before)}

    def train_and_measure(name: str, texts: list[str], meant: Tensor, layers: bool) -> None:
        start.load_state_dict(state)
        for parameter, value in start.named_parameters():
            value.requires_grad_(layers or "word_embeddings" in parameter)
        centre = meant.mean(0)
        distil(start, tokenizer, texts, from_centre(meant, centre), centre)
        found[name] = measured(start, tokenizer, held, before)
        print(name, found[name], flush=True)

    train_and_measure("pieces learned, layers as they were", korean, own, layers=False)
    train_and_measure(
        "all learned, English kept where it was", korean + english[:kept], torch.cat((own, own[:kept])), layers=True
    )
    train_and_measure(
        "all learned, towards the whole encoder", korean + english[:kept], torch.cat((whole, whole[:kept])), layers=True
    )
    for name, folder in (item.split("=", 1) for item in args.beside):
        loaded = AutoModel.from_pretrained(folder, dtype=torch.float32), AutoTokenizer.from_pretrained(folder)
        found[name] = measured(*loaded, held, None)
    args.json.write_text(json.dumps({"pairs": len(pairs), "held out": len(held), "roads": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
