"""The pipeline with a guarantee: its sets, and what makes it void."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerBase

from redheart import RedHeartModel
from redheart.configuration.labels import record_keys
from redheart.modeling_redheart.guaranteed import label_sets, valid_guarantee, weights_sum
from redheart.modeling_redheart.guarantees import Guarantee, Promise
from redheart.modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline

TEXT = "I told my sister's secret to her fiancé."


@pytest.fixture
def pipe(lively_model: Callable[..., RedHeartModel], tokenizer: PreTrainedTokenizerBase) -> EthicalAnalysisPipeline:
    model = lively_model(supervision={key: ["made-up"] for key in record_keys()})
    promises = (
        Promise(0.1, {"emotions": 0.4, "verdicts": 0.01}, {"named": 0.25}),
        Promise(0.3, {"emotions": 0.6, "verdicts": 0.9, "named": 0.0}, {}),
    )
    model.config.guarantee = Guarantee("mine", "0", 50, 50, 0.1, promises, weights_sum(model), 1.0).record()
    return EthicalAnalysisPipeline(model=model, tokenizer=tokenizer)


def test_the_most_probable_label_is_always_in_the_set() -> None:
    probabilities = np.array([[0.1, 0.3, 0.2], [0.6, 0.3, 0.1]])
    assert label_sets(probabilities, 0.25).tolist() == [[False, True, False], [True, True, False]]
    assert label_sets(probabilities, 0.9).tolist() == [[False, True, False], [True, False, False]]


def test_the_sets_hold_what_reaches_the_threshold(pipe: EthicalAnalysisPipeline) -> None:
    reading = pipe(TEXT, guarantee=0.1)
    found, labels = reading["guarantee"], reading["emotion"]["labels"]
    assert set(found["emotions"]) == {name for name, value in labels.items() if value >= 0.4}
    assert found["emotions"] == sorted(found["emotions"], key=lambda name: -labels[name])
    assert set(found["verdicts"]) == {n for n, v in reading["verdict"]["probabilities"].items() if v >= 0.01}
    assert "named" not in found
    assert found["not_promised"] == {"named": 0.25}
    assert (found["alpha"], found["delta"]) == (0.1, 0.1)
    assert "against the ratings of mine" in found["scope"]
    assert "for texts like those" in found["scope"]


def test_a_larger_risk_gives_smaller_sets_and_names_more(pipe: EthicalAnalysisPipeline) -> None:
    careful, bold = (pipe(TEXT, guarantee=alpha)["guarantee"] for alpha in (0.1, 0.3))
    assert set(bold["emotions"]) <= set(careful["emotions"])
    assert set(bold["verdicts"]) <= set(careful["verdicts"])
    assert bold["named"] == bold["verdicts"][0]


def test_the_rest_of_the_reading_stays_as_it_is(pipe: EthicalAnalysisPipeline) -> None:
    with_sets = pipe(TEXT, guarantee=0.1)
    del with_sets["guarantee"]
    assert with_sets == pipe(TEXT)
    assert set(pipe(TEXT, outputs=["verdict"], guarantee=0.3)["guarantee"]) >= {"verdicts", "named"}
    assert "emotions" not in pipe(TEXT, outputs=["verdict"], guarantee=0.3)["guarantee"]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"guarantee": 0.2}, "only of 0.1, 0.3"),
        ({"guarantee": 2}, "above 0 and below 1"),
        ({"guarantee": 0.1, "depth": "fast"}, "leave `depth` and `token_budget` out"),
        ({"guarantee": 0.1, "token_budget": 4}, "leave `depth` and `token_budget` out"),
        ({"guarantee": 0.1, "outputs": ["regret"]}, "add 'emotion' or 'verdict'"),
    ],
)
def test_what_was_not_calibrated_is_refused(
    pipe: EthicalAnalysisPipeline, options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        pipe(TEXT, **options)
    with pytest.raises(ValueError, match=complaint):
        EthicalAnalysisPipeline(model=pipe.model, tokenizer=pipe.tokenizer, **options)


def test_options_of_the_call_join_those_of_the_pipeline(pipe: EthicalAnalysisPipeline) -> None:
    always = EthicalAnalysisPipeline(model=pipe.model, tokenizer=pipe.tokenizer, guarantee=0.1)
    assert "guarantee" in always(TEXT)
    with pytest.raises(ValueError, match="leave `depth`"):
        always(TEXT, depth="fast")


def test_a_model_without_one_says_how_to_get_it(pipe: EthicalAnalysisPipeline) -> None:
    pipe.model.config.guarantee = {}
    with pytest.raises(ValueError, match="redheart calibrate FOLDER"):
        pipe(TEXT, guarantee=0.1)


def test_one_changed_weight_makes_it_void(pipe: EthicalAnalysisPipeline) -> None:
    always = EthicalAnalysisPipeline(model=pipe.model, tokenizer=pipe.tokenizer, guarantee=0.1)
    before = weights_sum(pipe.model)
    with torch.no_grad():
        next(pipe.model.parameters()).view(-1)[0] += 1
    assert weights_sum(pipe.model) != before
    for read in (lambda: pipe(TEXT, guarantee=0.1), lambda: always(TEXT)):
        with pytest.raises(ValueError, match="guarantee is void: it was calibrated for the weights"):
            read()
    assert "guarantee" not in pipe(TEXT)  # what is not asked for goes on


def test_another_number_format_makes_it_void(pipe: EthicalAnalysisPipeline) -> None:
    pipe.model.to(torch.bfloat16)
    with pytest.raises(ValueError, match="another number format"):
        valid_guarantee(pipe.model)


def test_another_temperature_makes_it_void(pipe: EthicalAnalysisPipeline) -> None:
    pipe.model.config.verdict_temperature = 2.0
    with pytest.raises(ValueError, match="void: it was calibrated with the verdict's temperature 1, and it is 2 now"):
        pipe(TEXT, guarantee=0.1)


def test_an_exported_model_has_no_weights_to_compare(pipe: EthicalAnalysisPipeline) -> None:
    with pytest.raises(ValueError, match="exported model"):
        weights_sum(object())
