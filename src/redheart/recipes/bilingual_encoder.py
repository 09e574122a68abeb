"""Makes the encoder of `redheart-100m` from all-mpnet-base-v2: fewer layers, fewer English entries, and Korean.

    python -m redheart.recipes.bilingual_encoder --data DIR --encoder DIR --output DIR

The first layers are kept (Sajjad et al. 2023, arXiv:2004.03844: dropping the top ones costs least), the vocabulary is
cut and given Korean pieces (`bilingual_vocabulary`), and the result learns to put the translation of a sentence where
it puts the sentence itself (Reimers & Gurevych 2020, arXiv:2004.09813, "Making Monolingual Sentence Embeddings
Multilingual using Knowledge Distillation", with the encoder as its own teacher).

Notable:

* English must not change: its entries are frozen, the layers have a low learning rate, and some of the sentences are
  also learned in English, so that they stay where they are. Training ten layers to imitate all twelve lost more than it
  gained.
* Embeddings are compared after subtracting their mean, which all sentences share and which does not distinguish them.
* In bfloat16 where the processor multiplies it natively, else in float32, which is faster there.
"""

import argparse
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase, set_seed

from ..data.loading import folder_of, load, read_rows, texts_of
from .bilingual_vocabulary import bilingual_vocabulary, extend_embeddings
from .shipped_recipes import ENGLISH, translations

logger = logging.getLogger(__name__)

LAYERS = 10
ENTRIES, PIECES = 16_000, 8_000  # English entries that stay, and new Korean pieces
COUNTED = ("cases", *ENGLISH)  # sets whose English words are counted
COMMENTS = 20_000  # translated comments that are learned from beside the cases
KEPT = 0.25  # share of the sentences that is also learned in English
BATCH_TOKENS = 1536
LONGEST = 96
LEARNING_RATE, EMBEDDING_RATE = 3e-5, 2e-3
TELLING = "-ko"  # end of the id of a case that is the Korean version of the one whose id is before it


def native_bfloat16() -> bool:
    """Return whether this processor, or the GPU beside it, multiplies bfloat16 without emulation."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    known = torch.cpu.get_capabilities()
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


def precision() -> AbstractContextManager[Any]:
    """Return the context in which a CPU computes fastest."""
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=native_bfloat16())


def translated_comments(data: Path) -> list[tuple[str, str]]:
    """Return (English, Korean) of each comment that exists in both languages."""
    units = translations(load("goemotions", data, "train"), load("goemotions_ko", data, "train"))
    return [(english.text, korean.text) for english, korean in units]


def retold_cases(data: Path) -> list[tuple[str, str]]:
    """Return (English, Korean) of each training case that exists in both languages."""
    texts = {row["id"]: row["text"] for row in read_rows(folder_of("cases", data) / "train.parquet")}
    return [
        (texts[name.removesuffix(TELLING)], text)
        for name, text in texts.items()
        if name.endswith(TELLING) and name.removesuffix(TELLING) in texts
    ]


def with_korean(
    data: Path, encoder: Path, pairs: Sequence[tuple[str, str]], entries: int, pieces: int
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Give an English encoder the vocabulary of both languages, not yet trained.

    Args:
        data: Folder of the data sets.
        encoder: Folder of the encoder.
        pairs: (English, Korean) of texts, by which the embeddings of Korean pieces begin.
        entries: English entries that stay.
        pieces: New Korean pieces.

    Returns:
        The encoder, without its pooler, and its tokenizer.
    """
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    english = [text for name in COUNTED for text in texts_of(name, data, "train")]
    korean = [*(text for _, text in pairs), *texts_of("kote", data, "validation"), *_korean_cases(data)]
    vocabulary = bilingual_vocabulary(tokenizer, english, korean, entries, pieces)
    model: Any = AutoModel.from_pretrained(encoder, dtype=torch.float32)
    extend_embeddings(model, vocabulary, [ko for _, ko in pairs], [en for en, _ in pairs])
    model.pooler = None  # not used
    return model, vocabulary.tokenizer


def cut_encoder(
    data: Path, encoder: Path, pairs: Sequence[tuple[str, str]]
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Return the encoder with its first layers and the vocabulary of both languages, not yet trained."""
    model: Any
    model, tokenizer = with_korean(data, encoder, pairs, ENTRIES, PIECES)
    model.encoder.layer = model.encoder.layer[:LAYERS]
    model.config.num_hidden_layers = LAYERS
    return model, tokenizer


def disable_dropout(model: PreTrainedModel) -> None:
    """Set the dropout of an encoder's config to 0."""
    for name in ("attention_probs_dropout_prob", "hidden_dropout_prob"):
        setattr(model.config, name, 0.0)


def _korean_cases(data: Path) -> list[str]:
    texts = (item.text for item in load("cases", data, "train"))
    return [text for text in texts if any("\uac00" <= char <= "\ud7a3" for char in text)]


def batches(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], seed: int | None, tokens: int = BATCH_TOKENS
) -> Iterator[tuple[list[int], Any]]:
    """Batch texts of similar length.

    Args:
        tokenizer: Tokenizer of the texts.
        texts: The texts.
        seed: Seed of the order of batches; None = the shortest first.
        tokens: Maximum tokens of a batch, padding included.

    Yields:
        Places of the texts, and their batch.
    """
    lengths = np.array([len(ids) for ids in tokenizer(list(texts), truncation=True, max_length=LONGEST)["input_ids"]])
    order = np.argsort(lengths, kind="stable")
    groups: list[list[int]] = []
    for place in order.tolist():
        if groups and (len(groups[-1]) + 1) * lengths[place] <= tokens:
            groups[-1].append(place)
        else:
            groups.append([place])
    turn = range(len(groups)) if seed is None else np.random.default_rng(seed).permutation(len(groups)).tolist()
    for number in turn:
        chosen = [texts[place] for place in groups[number]]
        encoded = tokenizer(
            chosen, padding=True, padding_side="right", truncation=True, max_length=LONGEST, return_tensors="pt"
        )
        yield groups[number], encoded


def sentence_embeddings(model: PreTrainedModel, encoded: Any) -> Tensor:
    """Return the mean of the last layer over the tokens, of length 1: (batch, width)."""
    states = model(input_ids=encoded["input_ids"], attention_mask=encoded["attention_mask"]).last_hidden_state.float()
    weight = encoded["attention_mask"].unsqueeze(-1)
    return F.normalize((states * weight).sum(1) / weight.sum(1), dim=-1)


@torch.no_grad()
def embeddings(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> Tensor:
    """Return the embedding of each text: (texts, width)."""
    model.eval()
    found = torch.empty(len(texts), model.config.hidden_size)
    for places, encoded in batches(tokenizer, texts, None, 4 * BATCH_TOKENS):
        with precision():
            found[places] = sentence_embeddings(model, encoded)
    return found


def from_centre(embedding: Tensor, centre: Tensor) -> Tensor:
    """Return the directions of embeddings (batch, width) from ``centre`` (width), of length 1."""
    return F.normalize(embedding - centre, dim=-1)


def distil(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], targets: Tensor, centre: Tensor
) -> float:
    """Train one round through ``texts``; the first `ENTRIES` of the vocabulary are not changed.

    Args:
        model: The encoder.
        tokenizer: Its tokenizer.
        texts: The texts.
        targets: Direction of each text's embedding from ``centre``: (texts, width), of length 1.
        centre: Mean of the embeddings, (width,).

    Returns:
        Mean cosine with the targets over the last fifth of the steps.
    """
    groups = list(batches(tokenizer, texts, 0))
    table: Any = model.get_input_embeddings().weight
    others = [value for name, value in model.named_parameters() if "word_embeddings" not in name]
    rates = [EMBEDDING_RATE, LEARNING_RATE]
    optimizer = torch.optim.AdamW([{"params": [table]}, {"params": others}], weight_decay=0.0, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=len(groups), pct_start=0.1)
    model.train()
    cosines: list[float] = []
    begun = time.monotonic()
    for number, (places, encoded) in enumerate(groups, start=1):
        with precision():
            predictions = from_centre(sentence_embeddings(model, encoded), centre)
        cosine = (predictions * targets[places]).sum(1)
        loss = (1 - cosine).mean()
        loss.backward()
        table.grad[:ENTRIES] = 0
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        cosines.append(float(cosine.detach().mean()))
        if number % 20 == 0 or number == len(groups):
            logger.info(
                "step %d of %d: cosine %.3f, %.0f s",
                number,
                len(groups),
                np.mean(cosines[-20:]),
                time.monotonic() - begun,
            )
    return float(np.mean(cosines[-len(cosines) // 5 :]))


def make(data: Path, encoder: Path, output: Path) -> float:
    """Write the trained encoder and its tokenizer to ``output``; returns the cosine of `distil`."""
    set_seed(0)
    comments = translated_comments(data)
    model, tokenizer = cut_encoder(data, encoder, comments)
    disable_dropout(model)
    order = np.random.default_rng(0)
    chosen = [comments[place] for place in order.permutation(len(comments))[:COMMENTS].tolist()] + retold_cases(data)
    pairs = [chosen[place] for place in order.permutation(len(chosen)).tolist()]
    english = [text for text, _ in pairs]
    targets = embeddings(model, tokenizer, english)
    centre = targets.mean(0)
    targets = from_centre(targets, centre)
    kept = round(KEPT * len(english))
    texts = [*(korean for _, korean in pairs), *english[:kept]]
    cosine = distil(model, tokenizer, texts, torch.cat((targets, targets[:kept])), centre)
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)
    return cosine


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--encoder", type=Path, required=True, help="folder of all-mpnet-base-v2")
    parser.add_argument("--output", type=Path, required=True, help="where the encoder is written")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logger.info("cosine of a translation with its original: %.3f", make(args.data, args.encoder, args.output))


if __name__ == "__main__":
    main()
