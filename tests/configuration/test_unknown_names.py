"""Unknown options: refused where a person writes a config, kept where one is loaded.

Other doors of the same kind: `from_preset`, recipes (both written by a person); `AutoConfig`, `from_dict`,
`from_json_file`, `AutoModel` and the pipeline of a saved model (all loaded).
"""

import json
import logging
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoConfig, AutoModel
from transformers.utils import logging as transformers_logging

from redheart import RedHeartConfig, RedHeartModel

# Names that people set on configs of transformers, and one of a version to come.
OFTEN_SET: dict[str, Any] = {
    "classifier_dropout": 0.1,
    "finetuning_task": "mine",
    "tie_word_embeddings": False,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-5,
    "type_vocab_size": 2,
    "position_embedding_type": "absolute",
    "torchscript": False,
    "task_specific_params": {"mine": {"max_length": 12}},
    "sep_token_id": 3,
    "pruned_heads": {},
    "summary_type": "first",
    "an_option_of_a_newer_version": [1, 2],
}


@pytest.fixture(autouse=True)
def _each_warning_anew() -> None:
    transformers_logging.warning_once.cache_clear()


@pytest.mark.parametrize("name", ["hiden_size", "classifier_dropout", "an_option_of_a_newer_version", "_loaded_"])
def test_a_person_is_told_of_a_name_that_is_none(name: str) -> None:
    for write in (RedHeartConfig, partial(RedHeartConfig.from_preset, "redheart-tiny")):
        with pytest.raises(ValueError, match=f"Unknown RedHeartConfig option {name!r}"):
            write(**{name: 1})


@pytest.mark.parametrize("name", OFTEN_SET)
def test_what_was_set_on_a_config_is_there_after_loading(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = RedHeartConfig.from_preset("redheart-tiny")
    setattr(config, name, OFTEN_SET[name])
    model = RedHeartModel(config)
    model.save_pretrained(tmp_path)
    with caplog.at_level(logging.WARNING):
        loaded = [
            RedHeartConfig.from_pretrained(tmp_path),
            AutoConfig.from_pretrained(tmp_path),
            RedHeartConfig.from_json_file(tmp_path / "config.json"),
            RedHeartConfig.from_dict(json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))),
            AutoModel.from_pretrained(tmp_path).config,
        ]
    for found in loaded:
        assert getattr(found, name) == OFTEN_SET[name]
        assert "_loaded" not in found.to_dict()
    warnings = [record for record in caplog.records if "does not know" in record.message]
    assert len(warnings) == 1  # once, however often it is loaded
    assert name in warnings[0].message
    loaded[0].save_pretrained(tmp_path / "again")
    assert json.loads((tmp_path / "again" / "config.json").read_text(encoding="utf-8"))[name] == OFTEN_SET[name]


def test_a_slip_in_a_file_is_kept_with_the_nearest_name(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    options = {**RedHeartConfig.from_preset("redheart-tiny").to_dict(), "hiden_size": 3}
    with caplog.at_level(logging.WARNING):
        config = RedHeartConfig.from_dict(options)
    assert (config.hiden_size, config.hidden_size) == (3, 32)
    assert "hiden_size: did you mean 'hidden_size'?" in caplog.text
    assert "hiden_size" in options  # what was given is as it was
    assert "_loaded" not in options


def test_a_loaded_config_is_checked_as_a_written_one() -> None:
    options = {**RedHeartConfig.from_preset("redheart-tiny").to_dict(), "hidden_dropout": 2, "newer": 1}
    with pytest.raises(Exception, match="hidden_dropout"):
        RedHeartConfig.from_dict(options)
