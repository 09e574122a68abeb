"""The parameter budget: every component has exactly its number, counted on the meta device."""

from collections.abc import Callable
from functools import cache

import pytest
import torch
from torch import nn

from redheart import RedHeartConfig, RedHeartModel
from redheart.configuration import preset_names
from redheart.configuration.budget import BUDGETS, PARTS, BudgetRow, budget_table
from redheart.modeling_redheart.backbone import TextSummary
from redheart.modeling_redheart.layers import AdaptiveNorm

HEADS = ("emotion head", "bentham head", "regret head", "surd head")
NEURAL_MODULES = (
    "emotion analyzer",
    "bentham calculator",
    "regret analyzer",
    "counterfactual reasoner",
    "surd analyzer",
    "perspectives",
)

# design.md, "The 730M budget"
TABLE_730M = {
    "backbone": 90_600_000,
    "emotion head": 38_300_000,
    "bentham head": 38_300_000,
    "regret head": 38_300_000,
    "surd head": 38_300_000,
    "emotion analyzer": 68_000_000,
    "bentham calculator": 61_000_000,
    "regret analyzer": 68_000_000,
    "counterfactual reasoner": 57_000_000,
    "surd analyzer": 63_000_000,
    "perspectives": 51_000_000,
    "module bridge": 60_200_000,
    "optimisation systems": 58_000_000,
}

Build = Callable[[str], RedHeartModel]


@pytest.fixture(scope="module")
def build() -> Build:
    @cache
    def on_meta(name: str) -> RedHeartModel:
        with torch.device("meta"):
            return RedHeartModel(RedHeartConfig.from_preset(name))

    return on_meta


def sizes(model: nn.Module) -> list[tuple[str, int]]:
    return [(name, parameter.numel()) for name, parameter in model.named_parameters()]


def count(module: nn.Module) -> int:
    return sum(number for _, number in sizes(module))


def table(model: RedHeartModel, preset: str) -> dict[str, BudgetRow]:
    return {row.name.strip(): row for row in budget_table(sizes(model), preset)}


@pytest.mark.parametrize(
    ("preset", "total"),
    [("redheart-730m", 730_000_000), ("redheart-330m", 330_000_000), ("redheart-100m", 100_000_000)],
)
def test_every_component_has_exactly_its_number(build: Build, preset: str, total: int) -> None:
    rows = table(build(preset), preset)
    for component, target in BUDGETS[preset].items():
        assert rows[component].target == target
        assert rows[component].parameters == target, component
    assert rows["total"].parameters == rows["total"].target == total == count(build(preset))
    assert all(row.exact for row in rows.values())


def test_the_730m_is_the_designed_table(build: Build) -> None:
    rows = table(build("redheart-730m"), "redheart-730m")
    assert {component: rows[component].parameters for component in PARTS} == TABLE_730M


@pytest.mark.parametrize(
    ("part", "printed"),
    [
        ("bridge.coordination", "25"),
        ("bridge.cache", "10"),
        ("bridge.memory", "8"),
        ("bridge.asynchrony", "7"),
        ("bridge.recovery", "10.2"),
        ("sweet_spot", "12"),
        ("layer_crossover", "18"),
        ("token_budget", "8"),
        ("projector", "20"),
        ("backbone.encoder.embed_tokens", "8.9"),
        ("backbone.projections", "6.3"),
    ],
)
def test_parts_of_the_730m_to_the_printed_precision(build: Build, part: str, printed: str) -> None:
    decimals = len(printed.partition(".")[2])
    assert f"{count(build('redheart-730m').get_submodule(part)) / 1e6:.{decimals}f}" == printed


def test_backbone_parts_of_the_730m(build: Build) -> None:
    backbone = build("redheart-730m").backbone
    adaptive = sum(count(module) for module in backbone.modules() if isinstance(module, AdaptiveNorm | TextSummary))
    embeddings, projections = count(backbone.encoder.embed_tokens), count(backbone.projections)
    assert f"{adaptive / 1e6:.1f}" == "4.2"
    assert f"{(count(backbone) - adaptive - embeddings - projections) / 1e6:.1f}" == "71.2"


def test_parts_of_the_330m(build: Build) -> None:
    rows = table(build("redheart-330m"), "redheart-330m")
    heads = sum(rows[name].parameters for name in HEADS)
    neural = sum(rows[name].parameters for name in NEURAL_MODULES)
    rest = rows["module bridge"].parameters + rows["optimisation systems"].parameters
    assert (rows["backbone"].parameters, heads, neural, rest) == (50_000_000, 80_000_000, 170_000_000, 30_000_000)


@pytest.mark.parametrize("multiple", [16, 64])
def test_nearly_all_of_the_730m_is_in_matrices_that_kernels_like(build: Build, multiple: int) -> None:
    model = build("redheart-730m")
    fitting = sum(
        parameter.numel()
        for parameter in model.parameters()
        if parameter.dim() == 2 and not any(side % multiple for side in parameter.shape)
    )
    assert fitting / count(model) > 0.95  # 96.6 % for 16, 96.0 % for 64


def test_the_mini_fits_in_64_mb_in_bf16(build: Build) -> None:
    assert 2 * count(build("redheart-mini")) <= 64_000_000


def test_the_tiny_is_tiny(build: Build) -> None:
    assert count(build("redheart-tiny")) < 1_000_000


@pytest.mark.parametrize("preset", preset_names())
def test_every_parameter_is_in_one_component(build: Build, preset: str) -> None:
    model = build(preset)
    rows = table(model, preset)
    assert sum(rows[component].parameters for component in PARTS) == rows["total"].parameters == count(model)
    modules = [module for group in PARTS.values() for module in group]
    assert sorted(modules) == sorted(name for name, _ in model.named_children())


@pytest.mark.parametrize("change", [-1, 1])
def test_one_parameter_too_many_or_too_few_shows(build: Build, change: int) -> None:
    counted = sizes(build("redheart-730m"))
    index = next(i for i, (name, _) in enumerate(counted) if name.startswith("regret_head."))
    counted[index] = (counted[index][0], counted[index][1] + change)
    wrong = [row.name for row in budget_table(counted, "redheart-730m") if not row.exact]
    assert wrong == ["regret head", "total"]


def test_a_preset_without_a_budget_has_no_targets(build: Build) -> None:
    rows = budget_table(sizes(build("redheart-tiny")), "redheart-tiny")
    assert all(row.target is None and row.exact for row in rows)


def test_a_submodule_without_a_place_is_an_error() -> None:
    with pytest.raises(ValueError, match="'tower' has parameters but no place"):
        budget_table([("backbone.weight", 1), ("tower.weight", 1)], "redheart-730m")
