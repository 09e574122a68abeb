"""What is fitted on validation rows, and that a model's outputs come back in the order of the texts."""

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerBase

from redheart import RedHeartConfig, RedHeartModel
from redheart.configuration.labels import EMOTIONS, record_keys
from redheart.training.data import Example
from redheart.training.evaluate import Predictor, fit_temperature, fit_thresholds
from redheart.training.train_mini import LOSS_WEIGHTS, ROUNDS, supervision


def test_the_threshold_separates_what_can_be_separated() -> None:
    actual = np.zeros((40, len(EMOTIONS)))
    actual[:10] = 1
    probabilities = np.where(actual == 1, 0.31, 0.12)
    assert all(0.12 < value <= 0.31 for value in fit_thresholds(probabilities, actual).values())


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_the_temperature_undoes_overconfidence(temperature: float) -> None:
    logits = np.random.default_rng(0).normal(size=(500, 5)) * 2
    powers = np.exp(logits)
    shares = powers / powers.sum(axis=1, keepdims=True)
    assert fit_temperature(logits * temperature, shares) == pytest.approx(temperature, rel=0.05)


def test_outputs_are_in_the_order_of_the_texts(tokenizer: PreTrainedTokenizerBase) -> None:
    torch.manual_seed(0)
    model = RedHeartModel(RedHeartConfig.from_preset("redheart-tiny", initializer_range=0.3)).eval()
    texts = ["a long text about many things that goes on and on", "short", "of middle length, say", "no"]
    units = [(Example(text, "made-up"),) for text in texts]
    together = Predictor(model, tokenizer)(units, ["emotion"])["emotion"]
    alone = [Predictor(model, tokenizer)([unit], ["emotion"])["emotion"][0] for unit in units]
    np.testing.assert_allclose(together, np.stack(alone), atol=1e-5)
    assert np.ptp(together, axis=0).max() > 1e-3


def test_the_recipe_records_only_claims_that_exist_and_no_regret() -> None:
    record = supervision()
    assert set(record) <= set(record_keys())
    assert not any(key.startswith("regret") for key in record)
    assert not any(key.endswith(".extreme") for key in record)
    assert LOSS_WEIGHTS
    assert not {"amcd", "isear"} & set(ROUNDS)
