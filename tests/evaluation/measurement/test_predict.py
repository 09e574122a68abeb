"""What a model says comes back in the form of the targets and in the order of the texts."""

from collections.abc import Callable

import numpy as np
import pytest
from transformers import PreTrainedTokenizerBase

from redheart import EthicalAnalysisPipeline, RedHeartModel
from redheart.configuration.labels import RATED, record_keys
from redheart.data.loading import SHAPES, Example, Unit
from redheart.evaluation.measurement.predict import Predictor, expected_losses, target_column


@pytest.fixture(scope="module")
def predictor(lively_model: Callable[..., RedHeartModel], tokenizer: PreTrainedTokenizerBase) -> Predictor:
    return Predictor(lively_model(), tokenizer)


def test_outputs_are_in_the_order_of_the_texts(predictor: Predictor) -> None:
    texts = ["a long text about many things that goes on and on", "short", "of middle length, say", "no"]
    together = predictor.texts(texts)
    for place, text in enumerate(texts):
        alone = predictor.texts([text])
        for name, value in alone.items():
            np.testing.assert_allclose(together[name][place], value[0], atol=1e-4, err_msg=name)
    assert np.ptp(together["emotion_labels"], axis=0).max() > 1e-3


def test_every_target_has_its_prediction_in_its_shape(predictor: Predictor) -> None:
    predictions = predictor.texts(["one", "two words"])
    for target, shape in SHAPES.items():
        if target == "embedding_labels":
            continue
        expected = () if target.endswith("pair_labels") else shape
        assert predictions[target].shape == (2, *(expected or ())), target
    assert set(expected_losses(predictions)) == set(RATED)


def test_the_arc_of_a_short_text_has_no_empty_segments(predictor: Predictor) -> None:
    predictions = predictor.texts(["no"])
    assert np.isfinite(predictions["arc"]).all()
    assert predictions["arc"].max() <= 1


def test_a_target_column_is_of_the_texts_that_have_it() -> None:
    level = np.full(28, -100)
    level[3] = 2
    units: list[Unit] = [
        (Example("a", "set"), Example("b", "set", {"nuance_labels": level})),
        (Example("c", "set", {"nuance_labels": np.arange(28) % 5}),),
    ]
    values, places = target_column(units, "nuance_labels")
    assert places.tolist() == [1, 2]
    assert np.isnan(values[0]).sum() == 27
    assert values[0, 3] == 2


def test_the_temperature_of_the_config_is_in_the_probabilities(
    lively_model: Callable[..., RedHeartModel], tokenizer: PreTrainedTokenizerBase
) -> None:
    sharp, flat = (
        Predictor(lively_model(verdict_temperature=value), tokenizer).texts(["I lied."]) for value in (1.0, 10.0)
    )
    np.testing.assert_allclose(sharp["verdict_logits"], flat["verdict_logits"], atol=1e-5)
    assert sharp["verdict_labels"].max() > flat["verdict_labels"].max()


def test_a_long_text_is_read_as_the_pipeline_reads_it(
    lively_model: Callable[..., RedHeartModel], tokenizer: PreTrainedTokenizerBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = lively_model(supervision={key: ["made-up"] for key in record_keys()})
    texts = ["I lied to her, and then he lied to me. " * 12, "I lied.", "She knew, and she said nothing. " * 9]
    predictions = Predictor(model, tokenizer, longest=70).texts(texts)
    monkeypatch.setattr(tokenizer, "model_max_length", 70)
    for place, reading in enumerate(EthicalAnalysisPipeline(model=model, tokenizer=tokenizer)(texts)):
        assert (reading["flags"]["windows"] > 1) == (place != 1)
        for name, expected_values in (
            ("emotion_labels", reading["emotion"]["labels"]),
            ("verdict_labels", reading["verdict"]["probabilities"]),
            ("affect_labels", reading["emotion"]["affect"]),
        ):
            np.testing.assert_allclose(
                predictions[name][place], list(expected_values.values()), atol=1e-4, err_msg=name
            )
        utility = [cell["utility"] for cell in reading["counterfactual"].values()]
        np.testing.assert_allclose(predictions["utility_labels"][place], utility, atol=1e-4)


def test_no_text_is_an_error(predictor: Predictor) -> None:
    with pytest.raises(ValueError, match="no texts"):
        predictor([])
