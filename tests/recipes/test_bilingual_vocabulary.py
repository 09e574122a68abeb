"""A second language for an encoder: which entries stay, which come, where the new ones start."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from redheart.data.loading import DataError
from redheart.recipes.bilingual_vocabulary import (
    Vocabulary,
    bilingual_vocabulary,
    extend_embeddings,
    translation_probabilities,
)

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
PIECES = 42  # the letters of the four words, and all that they make up
WORDS = ("love", "hate", "dog", "cat", "zebra", "quux")
ENGLISH = ["love dog", "hate cat", "love cat", "hate dog", "love love", "cat dog"]
FOREIGN = ["사랑 강아지", "미움 고양이", "사랑 고양이", "미움 강아지", "사랑 사랑", "고양이 강아지"]


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    names = [*SPECIAL, *LETTERS, *(f"##{letter}" for letter in LETTERS), *WORDS]
    made = Tokenizer(models.WordPiece({name: row for row, name in enumerate(names)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        mask_token="[MASK]", model_max_length=32,
    )  # fmt: skip


@pytest.fixture(scope="module")
def vocabulary(tokenizer: PreTrainedTokenizerFast) -> Vocabulary:
    entries = len(tokenizer) - 2  # two words must go
    return bilingual_vocabulary(tokenizer, ENGLISH, FOREIGN * 3, entries, PIECES)


def test_unused_words_are_replaced(vocabulary: Vocabulary, tokenizer: PreTrainedTokenizerFast) -> None:
    names = vocabulary.tokenizer.get_vocab()
    assert {"love", "hate", "dog", "cat"} <= names.keys()
    assert not {"zebra", "quux"} & names.keys()
    assert len(names) == len(tokenizer) - 2 + PIECES
    assert vocabulary.tokenizer.decode(vocabulary.tokenizer("zebra")["input_ids"], skip_special_tokens=True) == "zebra"


def test_english_reads_as_before_and_korean_without_unknowns(
    vocabulary: Vocabulary, tokenizer: PreTrainedTokenizerFast
) -> None:
    new = vocabulary.tokenizer
    assert new.tokenize("Love, dog!") == tokenizer.tokenize("Love, dog!")
    ids = new(FOREIGN[0])["input_ids"]
    assert new.unk_token_id not in ids
    assert (ids[0], ids[-1]) == (new.cls_token_id, new.sep_token_id)
    assert len(ids) < 8  # words, not letters


def test_the_tokenizer_survives_saving(vocabulary: Vocabulary, tmp_path: Path) -> None:
    vocabulary.tokenizer.save_pretrained(tmp_path)
    loaded = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    assert loaded(FOREIGN + ENGLISH)["input_ids"] == vocabulary.tokenizer(FOREIGN + ENGLISH)["input_ids"]


def test_model_1_finds_the_translations() -> None:
    # 0 = the house, 1 = the book, 2 = a; only the co-occurrences tell them apart.
    found = translation_probabilities([[0, 2], [1, 2], [0], [1]], [[10, 12], [11, 12], [10], [11]], rounds=20)
    for piece, translation in ((0, 10), (1, 11), (2, 12)):
        others, probability = found[piece]
        assert probability.sum() == pytest.approx(1)
        assert others[int(np.argmax(probability))] == translation
        assert probability.max() > 0.7


def test_a_new_piece_starts_at_its_translation_and_english_keeps_its_weights(
    vocabulary: Vocabulary, tokenizer: PreTrainedTokenizerFast
) -> None:
    torch.manual_seed(0)
    encoder = BertModel(BertConfig(vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1,
                                   num_attention_heads=2, intermediate_size=32))  # fmt: skip
    before = encoder.get_input_embeddings().weight.detach().clone()
    extend_embeddings(encoder, vocabulary, FOREIGN, ENGLISH)
    after = encoder.get_input_embeddings().weight.detach()
    assert len(after) == len(vocabulary.tokenizer) == encoder.config.vocab_size
    kept = len(vocabulary.kept)
    assert torch.equal(after[:kept], before[torch.from_numpy(vocabulary.kept)])
    names = vocabulary.tokenizer.get_vocab()
    words = {name: after[names[name]] for name in ("love", "hate", "dog", "cat")}
    first = vocabulary.tokenizer("사랑", add_special_tokens=False)["input_ids"][0]
    nearest = max(words, key=lambda name: float(torch.cosine_similarity(words[name], after[first], dim=0)))
    assert nearest == "love"


def test_unsupported_vocabularies_are_refused(tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(DataError, match="9999 entries were requested, but the vocabulary has"):
        bilingual_vocabulary(tokenizer, ENGLISH, FOREIGN, 9999, 4)
    with pytest.raises(DataError, match=r"give \d+ new pieces, but 500 were requested"):
        bilingual_vocabulary(tokenizer, ENGLISH, FOREIGN, 60, 500)
    other = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()))
    with pytest.raises(DataError, match="is a BPE, not a WordPiece"):
        bilingual_vocabulary(other, ENGLISH, FOREIGN, 60, 4)
