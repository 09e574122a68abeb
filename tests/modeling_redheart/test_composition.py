"""What the model is built of: mappings over heads and analyzers, and models that lack some of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase, pipeline

from redheart import RedHeartConfig, RedHeartForSequenceClassification, RedHeartModel
from redheart.configuration.components import COMPONENTS
from redheart.configuration.labels import MODULES, OUTPUTS, record_keys
from redheart.modeling_redheart.composition import CLASSES
from redheart.storage.strict_loading import load_strict

Batch = dict[str, Tensor]

LACKING: list[tuple[str, ...]] = [
    ("perspectives",),
    ("surd_head",),
    ("regret_analyzer", "surd_analyzer"),
    ("emotion_head", "emotion_analyzer", "surd_analyzer", "sweet_spot"),
]


@pytest.fixture(scope="module", params=LACKING, ids=str)
def lacking(request: pytest.FixtureRequest) -> RedHeartModel:
    """A tiny model without some components, which claims everything."""
    components = RedHeartConfig.from_preset("redheart-tiny").components
    torch.manual_seed(0)
    config = RedHeartConfig.from_preset(
        "redheart-tiny",
        components={name: sizes for name, sizes in components.items() if name not in request.param},
        supervision={key: ["made-up"] for key in record_keys()},
        initializer_range=0.2,
    )
    return RedHeartModel(config).eval()


def test_heads_and_analyzers_are_mappings(lively: RedHeartModel) -> None:
    assert (*lively.heads, *lively.analyzers) == MODULES
    for name, module in {**lively.heads, **lively.analyzers}.items():
        assert module is getattr(lively, name)
    with pytest.raises(KeyError, match="projector"):
        lively.heads["projector"]
    assert [name for name, _ in lively.named_children()] == list(CLASSES)


def test_a_lacking_component_is_not_built(lacking: RedHeartModel) -> None:
    absent = set(CLASSES) - {name for name, _ in lacking.named_children()}
    assert absent == {name for name in CLASSES if name not in (*lacking.config.components, "bridge")}
    assert not [name for name in lacking.state_dict() if name.split(".")[0] in absent]


def test_outputs_of_lacking_components_are_refused(lacking: RedHeartModel, batch: Batch) -> None:
    with torch.no_grad():
        output = lacking(**batch)
        fast = lacking(**batch, depth="fast")
    made = set(lacking.config.outputs_at("full"))
    assert {name for name in OUTPUTS if name in output} == made - {"confidence"}
    assert ("expected_loss" in output) == ("confidence" in made)
    assert {name for name in OUTPUTS if name in fast} == set(lacking.config.outputs_at("fast"))
    assert output.states.shape[1] == output.recovered.shape[1] == len(lacking.config.modules)
    assert not output.recovered.any()
    for name in set(OUTPUTS) - made:
        with pytest.raises(ValueError, match=f"no output {name!r} at depth='full': its config lacks the component"):
            lacking(**batch, outputs=[name])


def test_it_is_trained_on_what_it_has(lacking: RedHeartModel, batch: Batch, targets: Batch) -> None:
    lacking.zero_grad()
    output = lacking(**batch, **targets)
    assert output.loss.isfinite()
    assert ("perspectives" in output.losses) == ("perspectives" in lacking.config.components)
    output.loss.backward()
    still = [name for name, value in lacking.named_parameters() if value.grad is None]
    # A head without its analyzer is read at depth="fast" only; the backbone has a projection for each head.
    alone = {name for name in lacking.heads if COMPONENTS[name].makes_fast[0] not in lacking.config.outputs_at("full")}
    assert {name.split(".")[0] for name in still} <= alone | {"backbone"}


def test_it_is_saved_loaded_and_read(
    lacking: RedHeartModel, batch: Batch, tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    lacking.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded: Any = load_strict(tmp_path)
    with torch.no_grad():
        assert torch.equal(loaded(**batch).joint, lacking(**batch).joint)
    reading = pipeline("ethical-analysis", model=str(tmp_path), device="cpu")("I lied to my sister.")
    made = set(lacking.config.outputs_at("full")) - {"embedding"}
    assert {name for name in OUTPUTS if name in reading} == made
    if "perspectives" not in made:
        assert "perspectives" not in reading["confidence"]


def test_a_classifier_is_built_on_it(lacking: RedHeartModel, batch: Batch) -> None:
    model = RedHeartForSequenceClassification(lacking.config)
    labels = torch.tensor([0, 1, 0, 1])
    model(**batch, labels=labels).loss.backward()
    assert model.classifier.weight.grad is not None


def test_the_heads_own_readings_are_given_when_asked_for(lively: RedHeartModel, batch: Batch, targets: Batch) -> None:
    with torch.no_grad():
        plain = lively(**batch)
        output = lively(**batch, output_heads=True)
        fast = lively(**batch, depth="fast", output_heads=True)
        trained = lively(**batch, **targets)
    assert "heads" not in plain
    assert "heads" not in trained
    assert list(output.heads) == list(fast.heads) == ["emotion", "bentham", "regret", "surd"]
    for name in output.heads:
        for key, value in output.heads[name].items():
            assert torch.equal(value, fast.heads[name][key]), (name, key)
            assert torch.equal(value, fast[name][key]), (name, key)
    assert not torch.equal(output.heads.emotion.logits, output.emotion.logits)
    with torch.no_grad():
        some = lively(**batch, outputs=["bentham"], output_heads=True)
    assert list(some.heads) == ["bentham"]


@pytest.mark.parametrize("request_", [{}, {"depth": "fast"}], ids=str)
def test_heads_are_in_field_order(
    lively_model: Callable[..., RedHeartModel], batch: Batch, targets: Batch, request_: dict[str, Any]
) -> None:
    model = lively_model()
    given = {} if request_ else targets
    with torch.no_grad():
        output = model(**batch, **given, **request_, output_heads=True, output_hidden_states=True)
    order = list(type(output).__dataclass_fields__)
    assert list(output) == [name for name in order if name in output]
    assert list(output)[-2:] == ["heads", "hidden_states"]
