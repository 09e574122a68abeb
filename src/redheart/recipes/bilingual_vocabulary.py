"""Gives an English text encoder a second language: a smaller English vocabulary, and word pieces of Korean.

Notable: an English encoder uses most of its entries for rare names and for scripts that it cannot read. They are
replaced by Korean pieces, each of which starts at the mean of the embeddings of the English pieces that it is
translated by, weighted by the translation probabilities of IBM Model 1 (Brown et al. 1993, "The Mathematics of
Statistical Machine Translation"). What is kept of English keeps its weights.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, models, trainers
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from ..data.loading import Array, DataError

PREFIX = "##"  # prefix of a piece that continues a word
_CHUNK = 4096


@dataclass(frozen=True)
class Vocabulary:
    """The new vocabulary.

    Attributes:
        tokenizer: Reads both languages.
        kept: (entries of the first language), the old row of each.
        pieces: The new pieces, in the rows after those.
    """

    tokenizer: PreTrainedTokenizerFast
    kept: Array
    pieces: tuple[str, ...]


def bilingual_vocabulary(
    tokenizer: PreTrainedTokenizerBase, texts: Iterable[str], foreign: Sequence[str], entries: int, pieces: int
) -> Vocabulary:
    """Build a vocabulary of ``entries`` of the old one and ``pieces`` new ones.

    Args:
        tokenizer: A WordPiece tokenizer (BERT's).
        texts: Texts in its language, by which the most used entries are found.
        foreign: Texts in the other language.
        entries: Number of old entries to keep.
        pieces: Number of new pieces.

    Returns:
        The vocabulary.

    Raises:
        DataError: For a tokenizer of another kind, for more entries than it has, and for texts that do not give enough
            pieces.
    """
    old = json.loads(tokenizer.backend_tokenizer.to_str())
    if old["model"]["type"] != "WordPiece":
        raise DataError(f"The tokenizer is a {old['model']['type']}, not a WordPiece one; use an encoder such as BERT.")
    kept = _most_used(tokenizer, texts, entries)
    names = {row: name for name, row in old["model"]["vocab"].items()}
    known = [names[row] for row in kept]
    new = _foreign_pieces(tokenizer, foreign, set(known), pieces)
    vocabulary = {name: row for row, name in enumerate([*known, *new])}
    return Vocabulary(_with_vocabulary(tokenizer, old, vocabulary), np.array(kept), tuple(new))


def _most_used(tokenizer: PreTrainedTokenizerBase, texts: Iterable[str], entries: int) -> list[int]:
    """Rows of the special entries, the Latin letters, and the entries that ``texts`` use most, in the old order."""
    vocabulary = tokenizer.get_vocab()
    if entries > len(vocabulary):
        raise DataError(f"{entries} entries were requested, but the vocabulary has {len(vocabulary)}; request fewer.")
    always = set(tokenizer.all_special_ids) | set(tokenizer.get_added_vocab().values())
    always |= {row for name, row in vocabulary.items() if len(name.removeprefix(PREFIX)) == 1 and name.isascii()}
    counts: Counter[int] = Counter()
    every = list(texts)
    for start in range(0, len(every), _CHUNK):
        encoded = tokenizer(every[start : start + _CHUNK], add_special_tokens=False, truncation=True)
        for ids in encoded["input_ids"]:
            counts.update(ids)
    # Among entries that are used equally often, and never, the lower row: BERT's are in the order of frequency.
    ranked = sorted(set(vocabulary.values()) - always, key=lambda row: (-counts[row], row))
    return sorted([*always, *ranked[: entries - len(always)]])


def _foreign_pieces(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], known: set[str], pieces: int
) -> list[str]:
    """The first ``pieces`` word pieces of ``texts`` that are not ``known``, the most general ones first."""
    learner = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    learner.normalizer = tokenizer.backend_tokenizer.normalizer
    learner.pre_tokenizer = tokenizer.backend_tokenizer.pre_tokenizer
    trainer = trainers.WordPieceTrainer(
        vocab_size=2 * pieces + 1000, min_frequency=2, special_tokens=["[UNK]"], show_progress=False,
        continuing_subword_prefix=PREFIX,
    )  # fmt: skip
    learner.train_from_iterator(texts, trainer)
    found = sorted(learner.get_vocab().items(), key=lambda item: item[1])
    # English words inside the texts are read with what is kept of English.
    new = [name for name, _ in found if name not in known and name != "[UNK]" and not name.isascii()]
    if len(new) < pieces:
        raise DataError(f"The texts give {len(new)} new pieces, but {pieces} were requested; add texts.")
    return new[:pieces]


def _with_vocabulary(
    tokenizer: PreTrainedTokenizerBase, old: dict[str, Any], vocabulary: dict[str, int]
) -> PreTrainedTokenizerFast:
    """The tokenizer with another vocabulary and otherwise unchanged."""
    new = json.loads(json.dumps(old))
    new["model"]["vocab"] = vocabulary
    for token in new["added_tokens"]:
        token["id"] = vocabulary[token["content"]]
    _renumber(new["post_processor"], vocabulary)
    new["padding"] = new["truncation"] = None
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call, unused-ignore]
        tokenizer_object=Tokenizer.from_str(json.dumps(new)),
        pad_token=tokenizer.pad_token,
        unk_token=tokenizer.unk_token,
        cls_token=tokenizer.cls_token,
        sep_token=tokenizer.sep_token,
        mask_token=tokenizer.mask_token,
        bos_token=tokenizer.bos_token,
        eos_token=tokenizer.eos_token,
        model_max_length=512,
        clean_up_tokenization_spaces=False,
    )


def _renumber(post_processor: dict[str, Any], vocabulary: dict[str, int]) -> None:
    """Update the ids of the special tokens around a text: of BERT's template, or RoBERTa's pair."""
    for name, special in post_processor.get("special_tokens", {}).items():
        special["ids"] = [vocabulary[name]]
    for place in ("cls", "sep"):
        if place in post_processor:
            name, _ = post_processor[place]
            post_processor[place] = [name, vocabulary[name]]


def translation_probabilities(
    foreign: Sequence[Sequence[int]], native: Sequence[Sequence[int]], rounds: int = 5
) -> dict[int, tuple[Array, Array]]:
    """Estimate IBM Model 1: by which native pieces each foreign piece is translated, and with which probability.

    A native piece may also come from nothing, so that what is in every sentence is not the translation of any piece.

    Args:
        foreign: Foreign pieces of each pair of sentences.
        native: Native pieces of each pair.
        rounds: Rounds of expectation maximisation, from equal probabilities.

    Returns:
        Foreign piece -> its native pieces and their probabilities.
    """
    width = 1 + max((max(ids) for ids in native if len(ids)), default=0)
    nothing = 1 + max((max(ids) for ids in foreign if len(ids)), default=0)
    links, places, total = [], [], 0
    for source, target in zip(foreign, native, strict=True):
        given = np.array([nothing, *source], dtype=np.int64)
        meant = np.array(target, dtype=np.int64)
        links.append((given[None, :] * width + meant[:, None]).ravel())
        places.append(np.repeat(np.arange(total, total + len(meant)), len(given)))
        total += len(meant)
    # Which foreign piece each link is from, and which of the native tokens it competes for.
    pairs, link = np.unique(np.concatenate(links), return_inverse=True)
    token = np.concatenate(places)
    piece = pairs // width
    probability = np.full(len(pairs), 1.0)
    for _ in range(rounds):
        weight = probability[link]
        weight = weight / np.bincount(token, weights=weight, minlength=total)[token]
        count = np.bincount(link, weights=weight, minlength=len(pairs))
        probability = count / np.bincount(piece, weights=count)[piece]
    first = np.searchsorted(piece, np.arange(nothing + 1))
    return {
        number: (pairs[start:stop] % width, probability[start:stop])
        for number, (start, stop) in enumerate(pairwise(first))
        if stop > start
    }


def extend_embeddings(
    encoder: PreTrainedModel, vocabulary: Vocabulary, foreign: Sequence[str], native: Sequence[str]
) -> None:
    """Put the vocabulary's embeddings into ``encoder``.

    They are the old rows that are kept, and for each new piece the mean of the pieces that translate it.

    Args:
        encoder: The encoder, which is changed.
        vocabulary: The new vocabulary.
        foreign: The foreign sentence of each pair.
        native: The native sentence of each pair.
    """
    old: Any = encoder.get_input_embeddings()
    weight: Tensor = old.weight.detach()
    rows = weight[torch.from_numpy(vocabulary.kept)]
    first = len(rows)
    tokenizer = vocabulary.tokenizer
    ids = [
        tokenizer(list(texts), add_special_tokens=False, truncation=True)["input_ids"] for texts in (foreign, native)
    ]
    translated = translation_probabilities(*ids)
    typical = float(rows.norm(dim=1).median())
    new = torch.empty(len(vocabulary.pieces), weight.shape[1])
    generator = torch.Generator().manual_seed(0)
    for place in range(len(new)):
        others, probability = translated.get(first + place, (np.array([], dtype=np.int64), np.array([])))
        english = others < first
        mean = torch.from_numpy(probability[english]).float() @ rows[torch.from_numpy(others[english])]
        if not english.any():  # never in a pair: near the mean of all, at a random distance
            mean = rows.mean(dim=0) + 0.1 * rows.std(dim=0) * torch.randn(rows.shape[1], generator=generator)
        # A mean of many is shorter than each of them, and the length matters beside the positions that are added.
        new[place] = mean * (typical / mean.norm().clamp(min=1e-6))
    encoder.resize_token_embeddings(first + len(new), mean_resizing=False)
    with torch.no_grad():
        resized: Any = encoder.get_input_embeddings()
        resized.weight.copy_(torch.cat((rows, new)))
    encoder.config.pad_token_id = tokenizer.pad_token_id


__all__ = ["Vocabulary", "bilingual_vocabulary", "extend_embeddings", "translation_probabilities"]
