"""The recipe of redheart-mini: what teaches it."""

from pathlib import Path

import pytest
from transformers import AutoModel, AutoTokenizer

from redheart.data.loading import NON_COMMERCIAL
from redheart.recipes import bilingual_encoder, train_mini
from redheart.recipes.train_mini import ROUNDS, recipe_of


def test_nothing_non_commercial_is_read() -> None:
    assert not {*NON_COMMERCIAL, "crowd_envent"} & {*ROUNDS, *bilingual_encoder.COUNTED}


def test_a_trial_run_has_a_share_of_each_set(tmp_path: Path) -> None:
    whole, trial = (recipe_of(tmp_path, tmp_path / "encoder", tmp_path / "run", share) for share in (1.0, 0.1))
    assert [source.weight for source in whole.data.train] == list(ROUNDS.values())
    assert [source.weight for source in trial.data.train] == pytest.approx([value / 10 for value in ROUNDS.values()])


def test_no_row_that_is_learned_from_is_measured_with(tmp_path: Path) -> None:
    data = recipe_of(tmp_path, tmp_path / "encoder", tmp_path / "run").data
    learned = {(source.name, source.split, source.half) for source in data.train}
    assert not learned & {(source.name, source.split, source.half) for source in data.validation}
    assert ("scruples_dilemmas", "validation", "train") in learned  # the other half is what figures are measured on


@pytest.mark.usefixtures("small_bilingual")
def test_its_encoder_keeps_all_layers_and_reads_korean(
    sets_folder: Path, english_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = bilingual_encoder.ENTRIES + bilingual_encoder.PIECES
    monkeypatch.setattr(train_mini, "KOREAN_PIECES", bilingual_encoder.PIECES)
    monkeypatch.setattr(train_mini, "load_preset", lambda name: {"vocab_size": size})
    train_mini.bilingual_encoder(sets_folder, english_encoder, tmp_path)
    model, tokenizer = AutoModel.from_pretrained(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    assert model.config.num_hidden_layers == AutoModel.from_pretrained(english_encoder).config.num_hidden_layers
    assert model.config.vocab_size == len(tokenizer) == size
    assert model.config.hidden_dropout_prob == model.config.attention_probs_dropout_prob == 0
    assert tokenizer.unk_token_id not in tokenizer("사랑 강아지")["input_ids"]
