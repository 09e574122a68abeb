"""The encoder of two languages: which sentences it learns from, in which batches, and that it learns what it should."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerFast

from redheart.data.loading import NON_COMMERCIAL
from redheart.recipes import bilingual_encoder
from redheart.recipes.bilingual_encoder import (
    batches,
    cut_encoder,
    distil,
    embeddings,
    from_centre,
    make,
    precision,
    retold_cases,
    sentence_embeddings,
    translated_comments,
)


@pytest.fixture(scope="module")
def english(english_encoder: Path) -> PreTrainedTokenizerFast:
    loaded: PreTrainedTokenizerFast = AutoTokenizer.from_pretrained(english_encoder)
    return loaded


def test_nothing_non_commercial_is_read() -> None:
    assert not {*NON_COMMERCIAL, "crowd_envent"} & set(bilingual_encoder.COUNTED)


def test_a_translation_is_of_the_same_comment(sets_folder: Path) -> None:
    pairs = translated_comments(sets_folder)
    assert len(pairs) == 24
    assert pairs[0] == ("love dog a", "사랑 강아지 a")


@pytest.mark.parametrize("seed", [None, 0])
def test_a_batch_has_texts_of_similar_length_and_each_text_comes_once(
    english: PreTrainedTokenizerFast, seed: int | None
) -> None:
    texts = [" ".join(["dog"] * (1 + place * 7 % 23)) for place in range(40)]
    found = [(places, encoded["input_ids"]) for places, encoded in batches(english, texts, seed, tokens=60)]
    assert sorted(place for places, _ in found for place in places) == list(range(40))
    for places, ids in found:
        assert ids.numel() <= 60
        assert [english.decode(row, skip_special_tokens=True) for row in ids] == [texts[place] for place in places]
    widths = [ids.shape[1] for _, ids in found]
    assert (widths == sorted(widths)) == (seed is None)


def test_a_text_longer_than_the_batch_is_a_batch_of_its_own(english: PreTrainedTokenizerFast) -> None:
    found = list(batches(english, ["dog " * 50, "cat"], None, tokens=8))
    assert [places for places, _ in found] == [[1], [0]]


def test_an_embedding_has_the_length_1_and_does_not_depend_on_the_padding(
    english_encoder: Path, english: PreTrainedTokenizerFast
) -> None:
    model = AutoModel.from_pretrained(english_encoder).eval()
    with torch.no_grad():
        alone, beside = (
            sentence_embeddings(model, english(texts, padding=True, return_tensors="pt"))
            for texts in (["love dog"], ["love dog", "hate the cat and the money"])
        )
    torch.testing.assert_close(alone[0], beside[0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(beside.norm(dim=1), torch.ones(2))
    assert float(beside[0] @ beside[1]) < 0.99


@pytest.mark.usefixtures("small_bilingual")
def test_the_cut_encoder_has_fewer_layers_and_reads_korean(sets_folder: Path, english_encoder: Path) -> None:
    whole = AutoModel.from_pretrained(english_encoder)
    model, tokenizer = cut_encoder(sets_folder, english_encoder, translated_comments(sets_folder))
    encoder: Any = model.encoder
    assert model.config.num_hidden_layers == len(encoder.layer) == 2
    assert model.config.vocab_size == len(tokenizer) == bilingual_encoder.ENTRIES + bilingual_encoder.PIECES
    assert model.config.pad_token_id == tokenizer.pad_token_id == 1
    assert tokenizer.unk_token_id not in tokenizer("사랑 강아지")["input_ids"]
    assert tokenizer("love dog").tokens() == ["<s>", "love", "dog", "</s>"]
    kept = model.state_dict()
    for name, value in whole.state_dict().items():
        if name.startswith("encoder.layer.0."):
            torch.testing.assert_close(kept[name], value)


@pytest.mark.usefixtures("small_bilingual")
def test_korean_embeddings_move_to_their_english_and_english_stays(
    sets_folder: Path, english_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bilingual_encoder, "LEARNING_RATE", 5e-3)
    monkeypatch.setattr(bilingual_encoder, "EMBEDDING_RATE", 2e-2)
    pairs = translated_comments(sets_folder) * 4
    english, korean = [en for en, _ in pairs], [ko for _, ko in pairs]
    torch.manual_seed(0)
    model, tokenizer = cut_encoder(sets_folder, english_encoder, pairs)
    meant = embeddings(model, tokenizer, english)
    assert meant.shape == (96, 24)
    centre = meant.mean(0)
    meant = from_centre(meant, centre)
    words = model.get_input_embeddings()
    assert isinstance(words, torch.nn.Embedding)
    kept = words.weight[: bilingual_encoder.ENTRIES].detach().clone()
    with torch.no_grad():  # nothing is known of a word of the new language
        words.weight[bilingual_encoder.ENTRIES :].normal_(std=float(kept.std()))

    def is_near(texts: list[str]) -> float:
        model.eval()
        ids = tokenizer(texts, padding=True, return_tensors="pt")
        with torch.no_grad(), precision():
            return float((from_centre(sentence_embeddings(model, ids), centre) * meant).sum(dim=1).mean())

    before = is_near(korean)
    monkeypatch.setattr(bilingual_encoder, "BATCH_TOKENS", 48)
    monkeypatch.setattr(batches, "__defaults__", (48,))
    assert -1 <= distil(model, tokenizer, korean + english, meant.repeat(2, 1), centre) <= 1
    assert is_near(korean) > before + 0.05
    assert is_near(english) > 0.5
    torch.testing.assert_close(words.weight[: bilingual_encoder.ENTRIES], kept, rtol=0, atol=0)


@pytest.mark.usefixtures("small_bilingual")
def test_a_case_is_paired_with_its_translation(sets_folder: Path) -> None:
    pairs = retold_cases(sets_folder)
    assert len(pairs) == 4
    assert pairs[0] == ("I love dog a so", "나는 사랑 돈은 u")


@pytest.mark.usefixtures("small_bilingual")
def test_what_it_writes_can_be_read(sets_folder: Path, english_encoder: Path, tmp_path: Path) -> None:
    cosine = make(sets_folder, english_encoder, tmp_path / "both")
    assert -1 <= cosine <= 1
    model, tokenizer = (kind.from_pretrained(tmp_path / "both") for kind in (AutoModel, AutoTokenizer))
    assert len(tokenizer) == model.config.vocab_size
    assert model.config.hidden_dropout_prob == model.config.attention_probs_dropout_prob == 0
    assert all(bool(value.isfinite().all()) for name, value in model.state_dict().items() if "pooler" not in name)
