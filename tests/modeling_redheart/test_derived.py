"""Claims that follow by a rule from supervised ones: their value, their mark, and when there are none."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from transformers import PreTrainedTokenizerBase

from redheart import EthicalAnalysisPipeline, RedHeartModel
from redheart.configuration.labels import EMOTIONS, VIEWS
from redheart.modeling_redheart.derived import RULES, derived_record, is_derived

SUPERVISED = {f"utility.{view}": ["stories"] for view in VIEWS} | {"emotion.remorse": ["comments"]}


@pytest.fixture(scope="module")
def read(
    lively_model: Callable[..., RedHeartModel], tokenizer: PreTrainedTokenizerBase
) -> Callable[..., dict[str, Any]]:
    model = lively_model(supervision=SUPERVISED | derived_record(SUPERVISED))
    pipe = EthicalAnalysisPipeline(model=model, tokenizer=tokenizer)

    def call(**options: Any) -> dict[str, Any]:
        reading: dict[str, Any] = pipe("I lied to my mother, and now she is ill.", **options)
        return reading

    return call


def test_regret_follows_from_what_was_foregone(read: Callable[..., dict[str, Any]]) -> None:
    reading = read()
    views = {name: math.atanh(cell["utility"]) for name, cell in reading["counterfactual"].items()}
    outcome = reading["regret"]["outcome"]
    assert outcome["better"] == pytest.approx(math.tanh(views["better"] - views["actual"]))
    assert outcome["worse"] == pytest.approx(math.tanh(views["worse"] - views["actual"]))
    assert outcome["better"] >= 0 >= outcome["worse"]
    assert reading["regret"]["responsibility"]["actual"] == pytest.approx(reading["emotion"]["labels"]["remorse"])
    assert set(reading["regret"]) == {"outcome", "responsibility"}


def test_what_is_derived_is_marked(read: Callable[..., dict[str, Any]]) -> None:
    assert set(read()["flags"]["derived"]) == set(RULES)


def test_a_claim_is_derived_only_from_computed_claims(read: Callable[..., dict[str, Any]]) -> None:
    reading = read(depth="fast")
    assert reading["flags"]["derived"] == ["regret.responsibility.actual"]
    assert "outcome" not in reading["regret"]


def test_needed_claims_are_computed_though_not_selected(read: Callable[..., dict[str, Any]]) -> None:
    reading = read(outputs=["regret"])
    assert set(reading["flags"]["derived"]) == set(RULES)
    assert not {"counterfactual", "emotion"} & set(reading)


def test_nothing_follows_from_what_was_not_supervised() -> None:
    assert derived_record({f"emotion.{name}": ["x"] for name in EMOTIONS if name != "remorse"}) == {}
    record = derived_record({"emotion.remorse": ["x"]})
    assert set(record) == {"regret.responsibility.actual"}
    assert is_derived(record["regret.responsibility.actual"])


def test_a_label_takes_precedence_over_a_rule() -> None:
    record = {"regret.outcome.better": ["interviews"], "utility.actual": ["stories"], "utility.worse": ["stories"]}
    assert set(derived_record(record)) == {"regret.outcome.worse"}
    assert not is_derived(record["regret.outcome.better"])
