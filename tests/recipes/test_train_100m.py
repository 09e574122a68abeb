"""The recipe of the shipped checkpoint: what it reads, what it tells of stories, and a whole run of it in small."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from redheart import RedHeartConfig
from redheart.configuration.configuration_redheart import load_preset
from redheart.configuration.labels import VERDICTS, record_keys
from redheart.data.loading import NON_COMMERCIAL, Example, Unit, normalised, to_units
from redheart.recipes import train_100m
from redheart.recipes.bilingual_encoder import ENTRIES, LAYERS, PIECES
from redheart.recipes.train_100m import (
    CYCLES,
    SETS,
    STORY_VERDICT,
    Cycle,
    first_person,
    in_both_persons,
    record_of,
    train,
    training_units,
)
from redheart.storage.strict_loading import load_strict
from redheart.training.runs.building import build_model
from redheart.training.runs.recipe import ModelRecipe

MORAL, IMMORAL = "He gives back the money.", "He takes the money."


def story(*texts: str, number: int = 0) -> list[Example]:
    """A moral story, the better text first."""
    pairs = [{"acceptability_pair_labels": np.array([number, rank])} for rank in (1, 0)]
    return [
        Example(text, "moral_stories", pair, f"moral_stories/{number}") for text, pair in zip(texts, pairs, strict=True)
    ]


def verdicts(examples: Sequence[Example]) -> list[str]:
    return [VERDICTS[int(item.targets["verdict_labels"].argmax())] for item in examples]


def votes(source: str, *shares: float) -> Unit:
    return (Example("text", source, {"verdict_labels": np.array(shares or (1, 0, 0, 0, 0), dtype=np.float32)}),)


def test_nothing_non_commercial_is_read() -> None:
    assert not {*NON_COMMERCIAL, "crowd_envent"} & set(SETS)
    assert all(set(cycle.rounds) <= set(SETS) for cycle in CYCLES)
    assert "cases" in SETS


def test_the_actor_of_a_story_is_the_author_where_it_is_told_by_the_actor_and_else_the_other() -> None:
    stories = [item for number in range(40) for item in story(MORAL, IMMORAL, number=number)]
    rewritten = in_both_persons(stories)
    assert len(rewritten) == len(stories)
    units = to_units(rewritten)
    found = {tuple(item.text for item in unit): verdicts(unit) for unit in units}
    assert found == {
        (MORAL, IMMORAL): ["nobody", "other"],
        ("I give back the money.", "I take the money."): ["nobody", "author"],
    }
    own = sum(unit[0].text.startswith("I ") for unit in units)
    assert 10 <= own <= 30  # about half
    assert [item.text for item in in_both_persons(stories)] == [item.text for item in rewritten]
    assert "verdict_labels" not in stories[0].targets  # the set itself stays as it was


@pytest.mark.parametrize("texts", [("John told Mary that he left.", IMMORAL), (MORAL, "He tells Bo that he took it.")])
def test_a_story_is_told_by_nobody_where_one_of_its_texts_could_mean_somebody_else(texts: tuple[str, str]) -> None:
    assert first_person(MORAL) is not None
    assert None in map(first_person, texts)
    rewritten = in_both_persons([item for number in range(20) for item in story(*texts, number=number)])
    assert {item.text for item in rewritten} == set(texts)
    assert set(verdicts(rewritten)) == {"nobody", "other"}


def test_what_is_told_of_branches_is_told_in_both_persons_too() -> None:
    branch = [replace(item, targets={"branch_pair_labels": np.array([0, rank])}) for rank, item in
              zip((1, 0), story(f"He is poor. {MORAL}", f"He is poor. {IMMORAL}"), strict=True)]  # fmt: skip
    for seed in range(8):
        better, worse = in_both_persons(branch, seed)
        assert verdicts([better, worse]) == ["nobody", "author" if worse.text.startswith("I am") else "other"]


def test_the_record_names_sets_as_they_are_published_and_tells_what_is_derived() -> None:
    feelings = {"emotion_labels": np.zeros(28, dtype=np.float32)}
    record = record_of(
        [
            votes("moral_stories"),
            votes("scruples_titles"),
            votes("cases"),
            (Example("text", "goemotions_translated", feelings),),
        ]
    )
    assert set(record) <= set(record_keys())
    assert record["verdict"] == record["surd"] == ["cases", "scruples_anecdotes", STORY_VERDICT]
    assert STORY_VERDICT.startswith("derived: ")
    assert record["emotion.joy"] == ["goemotions", "goemotions_ko"]
    assert {"confidence.emotion", "confidence.verdict"} <= set(record)
    assert "confidence.utility" not in record


@pytest.mark.usefixtures("small_bilingual")
def test_what_is_held_out_shares_no_text_with_what_is_trained(
    sets_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_100m, "HELD_OUT", 0.3)
    kept, unseen = training_units(sets_folder)
    sides = [{normalised(item.text) for unit in units for item in unit} for units in (kept, unseen)]
    assert not sides[0] & sides[1]
    assert {unit[0].source for unit in kept} == set(SETS)
    assert {"cases", "scruples_titles"} <= {unit[0].source for unit in unseen}
    translated = [unit for unit in kept if unit[0].source == "goemotions_translated"]
    assert all(len(unit) == 2 for unit in translated)
    dilemmas = [unit for unit in kept + unseen if unit[0].source == "scruples_dilemmas"]
    assert len(dilemmas) < 24  # the other side is for the figures


def small_model(recipe: ModelRecipe, seed: int) -> Any:
    """A tiny model on the encoder that the recipe of the large one names."""
    assert (recipe.preset, recipe.checkpoint) == ("redheart-100m", None)
    components = {**RedHeartConfig.from_preset("redheart-tiny").components, "backbone": {"projection": 16}}
    options = {"components": components, "max_position_embeddings": 512, "pad_token_id": 1}
    return build_model(ModelRecipe(preset="redheart-tiny", encoder=recipe.encoder, options=options), seed)


@pytest.mark.usefixtures("small_bilingual")
def test_the_whole_recipe_in_small(
    sets_folder: Path, english_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_100m, "HELD_OUT", 0.3)
    monkeypatch.setattr(train_100m, "build_model", small_model)
    cycles = (Cycle({"cases": 1.0}, 1e-3), Cycle(dict.fromkeys(SETS, 0.5), 1e-3, 1e-4))
    monkeypatch.setattr(train_100m, "CYCLES", cycles)
    train(sets_folder, english_encoder, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} >= {"encoder", "cycle-1", "cycle-2", "model", "history.json"}

    model = load_strict(tmp_path / "model")
    assert model.dtype == torch.float32
    assert model.config.loss_weights == {}
    assert set(model.config.supervision) <= set(record_keys())
    assert {"utility.actual", "acceptability", "perspectives.self", "verdict"} <= set(model.config.supervision)
    assert model.config.supervision["confidence.verdict"] == ["rows held out of training"]
    assert str(tmp_path) not in (tmp_path / "model" / "config.json").read_text(encoding="utf-8")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    with torch.no_grad():
        reading = model(**tokenizer(["love dog", "사랑 강아지"], padding=True, return_tensors="pt"))
    assert bool(reading.verdict.logits.isfinite().all())

    first, last = (load_strict(tmp_path / f"cycle-{number}" / "model").state_dict() for number in (1, 2))
    # While everything else learned to read it, the encoder stood still.
    encoder = AutoModel.from_pretrained(tmp_path / "encoder", add_pooling_layer=False).state_dict()
    assert all(torch.equal(value, first[f"backbone.encoder.model.{name}"]) for name, value in encoder.items())
    assert not all(torch.equal(value, last[f"backbone.encoder.model.{name}"]) for name, value in encoder.items())
    changed = {name.split(".")[0] for name, value in model.state_dict().items() if not torch.equal(value, last[name])}
    assert changed == {"sweet_spot"}  # the confidence is a phase of its own

    monkeypatch.delattr(train_100m, "train_cycle")  # a cycle that is there is not trained again
    train(sets_folder, english_encoder, tmp_path)
    again = load_strict(tmp_path / "model")
    torch.testing.assert_close(again.state_dict(), model.state_dict())
    assert again.config.supervision == model.config.supervision


def test_the_preset_is_for_the_encoder_that_is_made() -> None:
    encoder = load_preset("redheart-100m")["encoder_config"]
    assert encoder["num_hidden_layers"] == LAYERS
    assert encoder["vocab_size"] == load_preset("redheart-100m")["vocab_size"] == ENTRIES + PIECES
