"""Trains RedHeart's tokenizer: byte-level BPE, English and Korean, exactly 9,931 entries.

    python -m redheart.recipes.train_tokenizer --data DIR --output configuration/tokenizer

DIR holds one folder of parquet files per data set. Only training splits are read (the validation split where a set
has no training split), so the figures printed at the end come from text that the tokenizer was not trained on.

Notable:

* 9,931 entries: one of the integers with which redheart-730m has exactly 730,000,000 parameters.
* All 256 bytes are entries, so no text ever becomes ``[UNK]`` and decoding gives back the NFC form of what was encoded.
* Text that literally contains ``[SEP]`` or another special token is read as that token, as everywhere in transformers;
  pass ``split_special_tokens=True`` for text that is not trusted.
* The sets `amcd` (CC BY-NC 4.0) and `isear` (CC BY-NC-SA 3.0) are left out: their licences forbid commercial use, and
  the vocabulary is shipped with every model, whatever that model is used for.
* Two runs over the same files write the same bytes: texts are sorted, then shuffled with a fixed seed.
* A lone surrogate (half a character, from text cut at UTF-16 units) has no UTF-8 form: encoding it is a TypeError.
"""

import argparse
import random
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]
import pyarrow.parquet as pq  # type: ignore[import-untyped, unused-ignore]
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from ..configuration.errors import RedHeartError
from ..formats.printable import printable

VOCAB_SIZE = 9_931
SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")  # the position is the id
MODEL_MAX_LENGTH = 2_048
# Above every `Source.copies`: a word that one comment uses once must not enter the vocabulary by being repeated.
MIN_FREQUENCY = 16
SEED = 0

_SMALLEST_VOCAB = len(SPECIAL_TOKENS) + len(pre_tokenizers.ByteLevel.alphabet())

# Merges never cross the borders drawn here, so each border is a decision about what the vocabulary is spent on.
_WORDS = (
    r"(?i:['\u2019](?:s|t|re|ve|m|ll|d)(?!\p{L}))",  # English endings, with either apostrophe
    r" ?[ㄱ-ㆎ]+",  # ㅋㅋㅋ, ㅠㅠ: feeling written in single letters, one entry whatever word it follows
    r" ?[가-힣]+",  # a Korean word with its particles; a border before Latin letters, so that "AI가" shares "가"
    r" ?(?:(?![ㄱ-ㆎ가-힣])[\p{L}\p{M}])+",  # a word of any other script
    r" ?\p{N}",  # digits one by one: ages and sums are spelt, not memorised
    r" ?[^\s\p{L}\p{N}]+",  # punctuation and emoji
    r"[\r\n]+",
    r"\s+(?!\S)|\s+",  # the last space before a word stays with the word
)


class TokenizerTrainingError(RedHeartError, ValueError):
    """The data or the options do not allow the requested tokenizer."""


@dataclass(frozen=True)
class Source:
    """One data set's share in the training text.

    Attributes:
        folder: Folder of the set.
        columns: Columns with texts.
        split: Name of the parquet file.
        copies: How many times the texts are read; this and ``cap_bytes`` set the weight of a set, since BPE forms its
            merges where the counts are.
        cap_bytes: Maximum bytes of the set's texts; None = no limit.
    """

    folder: str
    columns: tuple[str, ...] = ("text",)
    split: str = "train"
    copies: int = 1
    cap_bytes: int | None = None


# Korean is a seventh of the text as it lies (scruples capped); trained so, Korean written by Koreans (kote) costs 3.22
# tokens per word. With these copies it is a third: 2.80 there, and English pays 1.49 for 1.45 (goemotions). Both were
# measured with 1,000 kote rows kept out of training. kote is repeated more than goemotions_ko because it is small and
# the only Korean that is not machine-translated; scruples is capped because its 48 MB would be two thirds of the text.
SOURCES = (
    Source("counterfactual_detection"),
    Source("counterfactual_spans"),
    Source("emobank"),
    Source("emotion_intensity_en"),
    Source("ethics_deontology", ("scenario", "excuse")),
    Source("ethics_justice", ("scenario",)),
    Source("ethics_utilitarianism", ("more_pleasant", "less_pleasant")),
    Source("ethics_virtue", ("scenario", "trait")),
    Source("goemotions"),
    Source("goemotions_ko", copies=2),
    Source("kote", split="validation", copies=8),
    Source(
        "moral_stories",
        (
            "norm",
            "situation",
            "intention",
            "moral_action",
            "moral_consequence",
            "immoral_action",
            "immoral_consequence",
        ),
    ),
    Source("scruples_anecdotes", ("title", "text"), cap_bytes=10_000_000),
    Source("scruples_dilemmas", ("action0", "action1"), split="train_partial"),
    Source(
        "timetravel",
        ("premise", "initial", "counterfactual", "original_ending", "edited_endings"),
        split="validation",
    ),
)

# What the printed figures are measured on; none of these files is in SOURCES.
HELD_OUT = (
    ("English", Source("goemotions", split="validation")),
    ("Korean", Source("goemotions_ko", split="validation")),
    ("English", Source("scruples_anecdotes", ("title", "text"), split="validation")),
)


@dataclass(frozen=True)
class Figures:
    """How well a tokenizer fits a list of texts; special tokens are not counted.

    Attributes:
        texts: Number of texts.
        tokens_per_word: Tokens per word.
        bytes_per_token: Bytes of UTF-8 per token.
        round_trips: Share of texts with decode(encode(text)) == NFC(text).
    """

    texts: int
    tokens_per_word: float
    bytes_per_token: float
    round_trips: float


def read_source(data: Path, source: Source) -> list[str]:
    """Read the distinct texts of one set, shuffled by `SEED` and limited to `cap_bytes`.

    Distinct, because the ethics sets repeat one scenario for every answer to it.

    Args:
        data: Folder of the data sets.
        source: The set.

    Returns:
        The texts.

    Raises:
        FileNotFoundError: When the set's folder or file does not exist.
        TokenizerTrainingError: When the file is not a parquet file with these columns.
    """
    path = data / source.folder / f"{source.split}.parquet"
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"Data set folder {path.parent} does not exist; pass as --data the folder that holds `{source.folder}/`."
        )
    if not path.is_file():
        raise FileNotFoundError(
            f"Data file {path} does not exist; put the `{source.split}` split of {source.folder} there."
        )
    try:
        table = pq.read_table(path, columns=list(source.columns))
        values = [value for name in source.columns for value in table.column(name).to_pylist()]
    except (pa.ArrowInvalid, KeyError) as error:
        raise TokenizerTrainingError(
            f"{path} is not a parquet file with the columns {list(source.columns)}: {error}"
        ) from error
    texts = sorted({text for value in values for text in (value if isinstance(value, list) else [value]) if text})
    random.Random(SEED).shuffle(texts)
    return texts if source.cap_bytes is None else _first_bytes(texts, source.cap_bytes)


def _first_bytes(texts: Sequence[str], limit: int) -> list[str]:
    """Keep texts from the front while they fit into `limit` bytes together."""
    kept: list[str] = []
    for text in texts:
        limit -= len(text.encode())
        if limit < 0:
            break
        kept.append(text)
    return kept


def collect_texts(data: Path, sources: Iterable[Source]) -> list[str]:
    """Read every source, each ``copies`` times; raises `FileNotFoundError` without the folder."""
    if not data.is_dir():
        raise FileNotFoundError(
            f"Data folder {data} does not exist; pass the folder of the parquet data sets as --data."
        )
    return [text for source in sources for text in read_source(data, source) * source.copies]


def build_untrained() -> Tokenizer:
    """Build the tokenizer without its vocabulary.

    NFC comes first: decomposed Hangul (as some systems write it) would otherwise share no entry with composed Hangul.
    There is no prefix space, since decoding could not distinguish it from a typed one.

    Returns:
        The tokenizer.
    """
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex("|".join(_WORDS)), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, SPECIAL_TOKENS.index(token)) for token in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def _special(token: str) -> AddedToken:
    """A masked word takes its leading space along, so ``[MASK]`` swallows the one typed before it (lstrip)."""
    return AddedToken(token, lstrip=token == "[MASK]", normalized=False, special=True)


def train_tokenizer(
    texts: Iterable[str], vocab_size: int = VOCAB_SIZE, min_frequency: int = MIN_FREQUENCY
) -> PreTrainedTokenizerFast:
    """Train on `texts` and wrap the result for transformers.

    The vocabulary must have exactly `vocab_size` entries: the model's embedding is built from that number, and a
    smaller vocabulary would leave rows that nothing trains.

    Args:
        texts: The texts.
        vocab_size: Number of entries.
        min_frequency: How often a pair must occur to be merged.

    Returns:
        The tokenizer.

    Raises:
        TokenizerTrainingError: When the vocabulary does not have exactly `vocab_size` entries.
    """
    if vocab_size < _SMALLEST_VOCAB:
        raise TokenizerTrainingError(
            f"`vocab_size` ({vocab_size}) must be at least {_SMALLEST_VOCAB}: the special tokens and the 256 bytes."
        )
    tokenizer = build_untrained()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=[_special(token) for token in SPECIAL_TOKENS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    if (size := tokenizer.get_vocab_size()) != vocab_size:
        raise TokenizerTrainingError(
            f"The texts give {size} entries, but {vocab_size} were requested; add text, or lower `min_frequency` "
            f"({min_frequency}) or `vocab_size`."
        )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call, unused-ignore]
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=MODEL_MAX_LENGTH,
        clean_up_tokenization_spaces=False,
    )


def measure(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> Figures:
    """Measure fertility, compression and round trips; words are separated by spaces."""
    if not texts:
        raise TokenizerTrainingError("There are no texts to measure on; got an empty list.")
    normal = [unicodedata.normalize("NFC", text) for text in texts]
    encodings = tokenizer.backend_tokenizer.encode_batch(list(texts), add_special_tokens=False)
    tokens = sum(len(encoding.ids) for encoding in encodings)
    same = sum(tokenizer.decode(encoding.ids) == text for encoding, text in zip(encodings, normal, strict=True))
    return Figures(
        texts=len(texts),
        tokens_per_word=tokens / max(1, sum(len(text.split()) for text in normal)),
        bytes_per_token=sum(len(text.encode()) for text in normal) / max(1, tokens),
        round_trips=same / len(texts),
    )


def run(data: Path, output: Path) -> None:
    """Train, save to `output`, and print the figures of what was saved."""
    texts = collect_texts(data, SOURCES)
    # Read before training, so that a missing validation file is reported in seconds.
    held_out = [(language, source.folder, read_source(data, source)) for language, source in HELD_OUT]
    print(f"Training on {len(texts):,} texts, {sum(len(text.encode()) for text in texts) / 1e6:.1f} MB.")
    train_tokenizer(texts).save_pretrained(output)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(output)
    print(f"Saved {len(tokenizer):,} entries to {output}.\n")
    print("validation split     language   texts  tokens/word  bytes/token  round trips")
    for language, name, sample in held_out:
        figures = measure(tokenizer, sample)
        print(
            f"{name:<20} {language:<9} {figures.texts:>6,} {figures.tokens_per_word:>12.3f} "
            f"{figures.bytes_per_token:>12.2f} {figures.round_trips:>12.2%}"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status, 2 for an error that the user can fix."""
    parser = argparse.ArgumentParser(description="Train RedHeart's tokenizer.")
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder of parquet files per data set")
    parser.add_argument("--output", type=Path, required=True, help="folder for tokenizer.json and its configuration")
    options = parser.parse_args(arguments)
    try:
        run(options.data, options.output)
    except (FileNotFoundError, TokenizerTrainingError) as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        return 2
    return 0


__all__ = [
    "HELD_OUT",
    "MIN_FREQUENCY",
    "MODEL_MAX_LENGTH",
    "SEED",
    "SOURCES",
    "SPECIAL_TOKENS",
    "VOCAB_SIZE",
    "Figures",
    "Source",
    "TokenizerTrainingError",
    "build_untrained",
    "collect_texts",
    "main",
    "measure",
    "read_source",
    "run",
    "train_tokenizer",
]

if __name__ == "__main__":
    sys.exit(main())
