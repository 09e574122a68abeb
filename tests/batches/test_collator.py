"""Batches, from examples made here and a tokenizer of a dozen words."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch.utils.data import DataLoader
from transformers import PreTrainedTokenizerFast

from redheart.batches.collator import LengthBatches, RedHeartCollator, source_sizes
from redheart.batches.prepared import prepare
from redheart.data.loading import DataError, Example, Unit

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefgh"]


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    words = Tokenizer(models.WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]")


def emotion(text: str, source: str = "emotions") -> Unit:
    return (Example(text, source, {"emotion_labels": np.ones(28, dtype=np.float32)}),)


def pair(first: str, second: str, number: int, source: str = "pairs", column: str = "utility_pair_labels") -> Unit:
    better, worse = (np.array([number, rank]) for rank in (1, 0))
    return (Example(first, source, {column: better}), Example(second, source, {column: worse}))


def many(counts: dict[str, int], longest: int = 40) -> tuple[list[Unit], list[int]]:
    """Units of each source, "pairs" as pairs, with lengths in 1..longest."""
    random = np.random.default_rng(0)
    units = [
        pair("a", "b", number) if source == "pairs" else emotion("a", source)
        for source, count in counts.items()
        for number in range(count)
    ]
    return units, random.integers(1, longest + 1, len(units)).tolist()


def test_a_mixed_batch_has_every_column_and_says_what_is_missing(tokenizer: PreTrainedTokenizerFast) -> None:
    nuance = np.full(28, -100, dtype=np.int64)
    nuance[2] = 3
    units = [
        emotion("a b c"),
        (Example("a", "nuances", {"nuance_labels": nuance}),),
        pair("a", "b", 70),
        pair("c", "d", 9),
    ]
    batch = RedHeartCollator(tokenizer, 16)(units)
    assert batch["input_ids"][:2].tolist() == [[2, 4, 5, 6, 3], [2, 4, 3, 0, 0]]
    assert batch["attention_mask"].sum(1).tolist() == [5, 3, 3, 3, 3, 3]
    assert set(batch) >= {"emotion_labels", "nuance_labels", "utility_pair_labels"}
    assert "verdict_labels" not in batch
    assert batch["emotion_labels"].dtype == torch.float32
    assert batch["emotion_labels"].isnan().all(1).tolist() == [False, True, True, True, True, True]
    assert batch["nuance_labels"].dtype == batch["utility_pair_labels"].dtype == torch.int64
    assert batch["nuance_labels"][:, 2].tolist() == [-100, 3, -100, -100, -100, -100]
    assert batch["utility_pair_labels"].tolist() == [[-100, -100], [-100, -100], [2, 1], [2, 0], [3, 1], [3, 0]]


def test_pairs_of_different_sets_with_one_id_stay_apart(tokenizer: PreTrainedTokenizerFast) -> None:
    batch = RedHeartCollator(tokenizer, 16)([pair("a", "b", 0, "one"), pair("c", "d", 0, "two")])
    assert batch["utility_pair_labels"][:, 0].tolist() == [0, 0, 1, 1]


def test_named_targets_are_in_every_batch(tokenizer: PreTrainedTokenizerFast) -> None:
    collator = RedHeartCollator(tokenizer, 16, ["verdict_labels", "branch_pair_labels", "embedding_labels"])
    batch = collator([emotion("a")])
    assert "emotion_labels" not in batch
    assert batch["verdict_labels"].isnan().all()
    assert batch["branch_pair_labels"].tolist() == [[-100, -100]]
    assert "embedding_labels" not in batch  # nothing says its width
    taught: Unit = (Example("a", "taught", {"embedding_labels": np.zeros(6, dtype=np.float32)}),)
    assert collator([emotion("a"), taught])["embedding_labels"].shape == (2, 6)


def test_a_long_text_is_cut_and_the_width_can_be_rounded_up(tokenizer: PreTrainedTokenizerFast) -> None:
    collator = RedHeartCollator(tokenizer, 16, pad_to_multiple_of=8)
    assert collator([emotion("a b")])["input_ids"].shape == (1, 8)
    assert int(collator([emotion("a b c d e f g h " * 9)])["attention_mask"].sum()) == 16


def test_the_labels_shape_is_checked(tokenizer: PreTrainedTokenizerFast) -> None:
    wrong: Unit = (Example("a", "bad", {"verdict_labels": np.zeros(4)}),)
    with pytest.raises(DataError, match=r"verdict_labels.*'bad'.*\(5,\), got \(4,\)"):
        RedHeartCollator(tokenizer, 8)([wrong])
    with pytest.raises(DataError, match="did you mean 'verdict_labels'"):
        RedHeartCollator(tokenizer, 8, ["verdict_label"])


def test_the_length_of_a_unit_is_its_longest_text(tokenizer: PreTrainedTokenizerFast) -> None:
    units = [emotion("a b c"), pair("a", "a b", 0), pair("a b c d e f g h", "a", 1)]
    assert prepare(units, tokenizer, 8, chunk=2).lengths == [5, 4, 8]


def test_a_batch_has_one_set_and_keeps_to_the_budget() -> None:
    units, lengths = many({"emotions": 200, "pairs": 90, "posts": 50})
    lengths[0] = 500  # above the budget by itself
    batches = LengthBatches(units, lengths, max_tokens=160, max_units=12)
    drawn = list(batches)
    assert len(drawn) == len(batches)
    assert sorted(index for batch in drawn for index in batch) == list(range(len(units)))
    assert [0] in drawn
    for batch in drawn:
        assert len({units[index][0].source for index in batch}) == 1
        assert len(batch) <= 12
        cost = sum(len(units[index]) for index in batch) * max(lengths[index] for index in batch)
        assert cost <= 160 or batch == [0]


def test_a_batch_holds_like_lengths() -> None:
    units, lengths = many({"emotions": 400}, longest=100)
    batches = list(LengthBatches(units, lengths, max_tokens=800, max_units=16))
    padded = sum(len(batch) * max(lengths[index] for index in batch) for batch in batches)
    assert padded < 1.1 * sum(lengths)
    # In the order of length the batches do not overlap.
    spans = sorted((min(lengths[i] for i in batch), max(lengths[i] for i in batch)) for batch in batches)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))


def test_the_budget_counts_the_collators_padding() -> None:
    units, _ = many({"emotions": 64})
    batches = LengthBatches(units, [9] * 64, max_tokens=64, max_units=64, pad_to_multiple_of=8)
    assert {len(batch) for batch in batches} == {4}  # 4 x 16


def test_an_epoch_depends_on_seed_and_epoch_only() -> None:
    units, lengths = many({"emotions": 200, "pairs": 90})

    def epoch(number: int, seed: int) -> list[list[int]]:
        batches = LengthBatches(units, lengths, max_tokens=160, max_units=8, seed=seed)
        batches.set_epoch(number)
        return list(batches)

    assert epoch(3, 1) == epoch(3, 1)
    assert epoch(3, 1) != epoch(4, 1)
    assert epoch(3, 1) != epoch(3, 2)
    batches = LengthBatches(units, lengths, max_tokens=160, max_units=8, seed=1)
    assert list(batches) == list(batches) == epoch(0, 1)
    assert {frozenset(batch) for batch in epoch(3, 1)} != {frozenset(batch) for batch in epoch(4, 1)}


def test_a_part_of_a_set_per_epoch_goes_through_all_of_it_before_repeating() -> None:
    units, lengths = many({"big": 90, "small": 7})
    batches = LengthBatches(units, lengths, 160, 8, sizes={"big": 30, "small": 14})
    seen: list[int] = []
    for number in range(3):
        batches.set_epoch(number)
        drawn = [index for batch in batches._batches(number) for index in batch]
        assert sum(index < 90 for index in drawn) == 30
        assert sorted(index for index in drawn if index >= 90) == sorted([*range(90, 97)] * 2)
        assert len(list(batches)) == len(batches)
        seen += [index for index in drawn if index < 90]
    assert sorted(seen) == list(range(90))


def test_sizes_by_temperature_and_by_weight() -> None:
    available = {"big": 10_000, "small": 100}
    assert source_sizes(available) == available
    assert source_sizes(available, total=1100, temperature=2) == {"big": 1000, "small": 100}  # 100 to 10
    hot = source_sizes(available, temperature=math.inf)
    assert hot["big"] == hot["small"]
    assert source_sizes(available, total=50, weights={"big": 1, "small": 4}) == {"big": 10, "small": 40}


def test_the_number_of_batches_can_be_a_multiple_of_the_processes() -> None:
    units, _ = many({"emotions": 10})
    batches = LengthBatches(units, [1] * 10, max_tokens=99, max_units=2, multiple_of=4)
    drawn = list(batches)
    assert len(batches) == len(drawn) == 8
    assert drawn[5:] == drawn[:3]


def test_without_shuffling_every_unit_comes_once_in_a_fixed_order() -> None:
    units, lengths = many({"emotions": 30, "pairs": 10})
    batches = LengthBatches(units, lengths, 99, 4, shuffle=False)
    first = list(batches)
    batches.set_epoch(5)
    assert list(batches) == first
    assert sorted(index for batch in first for index in batch) == list(range(40))


def test_a_pair_that_reads_the_same_is_not_ranked(
    tokenizer: PreTrainedTokenizerFast, caplog: pytest.LogCaptureFixture
) -> None:
    """Also for a plain Trainer and for streams, which have no other door; a set by number is looked through before."""
    collator = RedHeartCollator(tokenizer, 4)
    for _ in range(2):
        batch = collator([pair("a b c", "a b d", 0), pair("a c", "a d", 1)])
        assert batch["utility_pair_labels"].tolist() == [[-100, -100], [-100, -100], [1, 1], [1, 0]]
    assert caplog.text.count("read the same in the first 4 tokens") == 1


def test_a_text_that_cannot_be_read_is_named(tokenizer: PreTrainedTokenizerFast) -> None:
    """In the words of the pipeline; rows are refused before, so this is about examples made by hand."""
    with pytest.raises(DataError, match=r"emotions: The text has a lone surrogate, U\+D83D, at character 2"):
        RedHeartCollator(tokenizer, 8)([emotion("a"), emotion("b \ud83d")])


def test_it_is_a_batch_sampler(tokenizer: PreTrainedTokenizerFast) -> None:
    units = [emotion("a b"), emotion("c"), pair("a", "b", 0), pair("c d", "e", 1)]
    batches = LengthBatches(units, prepare(units, tokenizer, 8).lengths, 64, 8)
    collator = RedHeartCollator(tokenizer, 8)
    loader: DataLoader[Unit] = DataLoader(units, batch_sampler=batches, collate_fn=collator)  # type: ignore[arg-type]
    shapes = {tuple(sorted(batch)): tuple(batch["input_ids"].shape) for batch in loader}
    assert len(loader) == len(shapes) == 2
    assert sorted(shapes.values()) == [(2, 4), (4, 4)]


def test_misuse_is_an_error(tokenizer: PreTrainedTokenizerFast) -> None:
    units, lengths = many({"emotions": 3})
    cases: list[tuple[Callable[[], object], str]] = [
        (lambda: LengthBatches(units, lengths[:2], 9, 9), "3 units and 2 lengths"),
        (lambda: LengthBatches([], [], 9, 9), "no units"),
        (lambda: LengthBatches(units, lengths, 0, 9), "must be 1 or more"),
        (lambda: LengthBatches(units, lengths, 9, 9, sizes={"other": 3}), r"\['other'\].*\['emotions'\]"),
        (lambda: LengthBatches(units, lengths, 9, 9, sizes={"emotions": 0}), "without units"),
        (lambda: LengthBatches(units, lengths, 9, 9, sizes={"emotions": 3}, shuffle=False), "choose one"),
        (lambda: LengthBatches(units, lengths, 9, 9, shuffle=False, multiple_of=2), "count twice"),
        (lambda: RedHeartCollator(tokenizer, 10, pad_to_multiple_of=8), r"\(10\) must be a multiple of 8"),
        (lambda: source_sizes({"a": 1}, temperature=0), "above 0"),
        (lambda: source_sizes({"a": 1}, weights={"b": 1}), r"\['b'\].*\['a'\]"),
        (lambda: source_sizes({"a": 1}, weights={"a": 0}), "above 0"),
    ]
    for call, message in cases:
        with pytest.raises(DataError, match=message):
            call()
