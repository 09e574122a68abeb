"""The rows of the components: every table by component follows from them, and a config may lack some."""

import pytest
from huggingface_hub.errors import StrictDataclassClassValidationError

from redheart import RedHeartConfig
from redheart.configuration.components import (
    COMPONENT_SIZES,
    COMPONENTS,
    STAGES,
    makers,
    needed_for,
    outputs_of,
    present_modules,
)
from redheart.configuration.labels import FAST_OUTPUTS, LOSSES, MODULES, OUTPUTS
from redheart.modeling_redheart.composition import CLASSES
from redheart.modeling_redheart.outputs import RedHeartOutput
from redheart.training.trainers.layer_decay import STAGES as DEPTHS


def lacking(*names: str) -> RedHeartConfig:
    components = RedHeartConfig().components
    return RedHeartConfig(components={name: sizes for name, sizes in components.items() if name not in names})


def test_the_rows_say_what_the_labels_say() -> None:
    assert present_modules(COMPONENTS) == MODULES
    assert outputs_of(COMPONENTS, "full") == OUTPUTS
    assert outputs_of(COMPONENTS, "fast") == FAST_OUTPUTS
    assert {row.stage for row in COMPONENTS.values()} == set(STAGES)
    assert {loss for row in COMPONENTS.values() for loss in row.losses} <= set(LOSSES)
    assert {row.field for row in COMPONENTS.values() if row.field} <= set(RedHeartOutput.__dataclass_fields__)


def test_a_component_stands_behind_those_that_it_needs() -> None:
    order = list(COMPONENTS)
    for name, row in COMPONENTS.items():
        assert all(order.index(need) < order.index(name) for need in row.needs), name


def test_every_component_has_a_class_and_a_place() -> None:
    assert set(CLASSES) == {row.place.split(".")[0] for row in COMPONENTS.values()}
    assert {place for stage in DEPTHS for place in stage} == {
        row.place for row in COMPONENTS.values() if row.name != "backbone"
    }
    assert len({row.place for row in COMPONENTS.values()}) == len(COMPONENTS) == len(COMPONENT_SIZES)


def test_what_an_output_needs() -> None:
    assert makers("surd", "full") == (
        "emotion_head", "bentham_head", "regret_head", "emotion_analyzer", "bentham_calculator", "regret_analyzer",
        "surd_analyzer",
    )  # fmt: skip
    assert needed_for(["surd"], "full", COMPONENTS) == {*makers("surd", "full"), "surd_head"}
    assert needed_for(["surd"], "full", set(COMPONENTS) - {"surd_head"}) == set(makers("surd", "full"))
    assert needed_for(["verdict"], "fast", COMPONENTS) == {"surd_head"}
    assert needed_for(["verdict"], "full", COMPONENTS) == {"coordination"}


@pytest.mark.parametrize(
    ("names", "absent", "absent_fast"),
    [
        (["perspectives"], {"perspectives"}, set()),
        (["surd_head"], set(), {"surd", "verdict"}),
        (["regret_analyzer", "surd_analyzer"], {"regret", "surd"}, set()),
        (["sweet_spot"], {"confidence"}, set()),
        (
            ["emotion_head", "emotion_analyzer", "surd_analyzer", "sweet_spot"],
            {"emotion", "surd", "confidence"},
            {"emotion"},
        ),
    ],
    ids=lambda given: "+".join(sorted(given)) or "none",
)
def test_the_outputs_of_a_lacking_component_are_absent(
    names: list[str], absent: set[str], absent_fast: set[str]
) -> None:
    config = lacking(*names)
    assert set(OUTPUTS) - set(config.outputs_at("full")) == absent
    assert set(FAST_OUTPUTS) - set(config.outputs_at("fast")) == absent_fast
    assert config.modules == tuple(name for name in MODULES if name not in names)


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["regret_analyzer"], "'surd_analyzer' needs 'regret_analyzer': give both, or leave out 'surd_analyzer'"),
        (["bentham_head"], "'bentham_calculator' needs 'bentham_head'"),
        (["coordination"], "'sweet_spot' needs 'coordination'|Missing component: 'coordination'"),
        (["backbone"], "Missing component: 'backbone'"),
        ([*MODULES, "sweet_spot"], "neither a head nor an analyzer"),
    ],
    ids=str,
)
def test_what_others_need_cannot_be_lacking(names: list[str], reason: str) -> None:
    with pytest.raises(StrictDataclassClassValidationError, match=reason):
        lacking(*names)


def test_sizes_of_a_lacking_component_are_refused() -> None:
    with pytest.raises(ValueError, match="This config lacks the component 'perspectives'"):
        lacking("perspectives").size_of("perspectives")
