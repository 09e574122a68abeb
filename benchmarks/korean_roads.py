"""Roads to Korean for an English encoder, measured beside each other on the same sentences.

    python benchmarks/korean_roads.py --data DATA --encoder DIR [--pairs 2000] [--beside NAME=DIR] --json FILE

Each road begins with the cut encoder and its Korean pieces, and learns from the same pairs. Measured on tellings of
groups of cases that none of them saw: how often the Korean text lies nearest to its own English one among all of them,
and how near English lies to where it lay before.

Notable: ``--beside`` takes an encoder that reads Korean already, such as multilingual-e5-small, and only measures it.
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
    """Pairs to learn from, half of them cases, and about `HELD_OUT` cases of other groups to measure with."""
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
    """Share of the rows of ``korean`` whose nearest row of ``english`` is the one in the same place."""
    centre = english.mean(0)
    similarity = from_centre(korean, korean.mean(0)) @ from_centre(english, centre).T
    return float((similarity.argmax(1) == torch.arange(len(korean))).float().mean())


def measured(model: Any, tokenizer: Any, held: Pairs, before: Tensor | None) -> dict[str, float]:
    """The figures of one encoder. before: where its English lay at the start, None = it has not been trained."""
    english, korean = (embeddings(model, tokenizer, [pair[side] for pair in held]) for side in (0, 1))
    figures = {"nearest is its own": nearest(korean, english)}
    if before is not None:
        centre = before.mean(0)
        figures["English, cosine with before"] = float(
            (from_centre(english, centre) * from_centre(before, centre)).sum(1).mean()
        )
    return {name: round(value, 3) for name, value in figures.items()}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--encoder", type=Path, required=True, help="folder of all-mpnet-base-v2")
    parser.add_argument("--pairs", type=int, default=2000, help="sentences that each road learns from (default: 2000)")
    parser.add_argument("--beside", action="append", default=[], metavar="NAME=DIR", help="an encoder to measure")
    parser.add_argument("--json", type=Path, required=True, metavar="FILE", help="where the figures are written")
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

    def road(name: str, texts: list[str], meant: Tensor, layers: bool) -> None:
        start.load_state_dict(state)
        for parameter, value in start.named_parameters():
            value.requires_grad_(layers or "word_embeddings" in parameter)
        centre = meant.mean(0)
        distil(start, tokenizer, texts, from_centre(meant, centre), centre)
        found[name] = measured(start, tokenizer, held, before)
        print(name, found[name], flush=True)

    road("pieces learned, layers as they were", korean, own, layers=False)
    road("all learned, English kept where it was", korean + english[:kept], torch.cat((own, own[:kept])), layers=True)
    road(
        "all learned, towards the whole encoder", korean + english[:kept], torch.cat((whole, whole[:kept])), layers=True
    )
    for name, folder in (item.split("=", 1) for item in args.beside):
        loaded = AutoModel.from_pretrained(folder, dtype=torch.float32), AutoTokenizer.from_pretrained(folder)
        found[name] = measured(*loaded, held, None)
    args.json.write_text(json.dumps({"pairs": len(pairs), "held out": len(held), "roads": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
