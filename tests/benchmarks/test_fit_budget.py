"""The sizes that give a preset its budget, of a preset with an encoder of its own and of one on a pre-trained one."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from redheart.configuration.budget import BUDGETS
from redheart.configuration.configuration_redheart import load_preset

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "fit_budget.py"
ON_ENCODER = "redheart-100m"

pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="about a checkout")


@pytest.fixture(scope="module")
def fitting() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fit_budget", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("component", BUDGETS[ON_ENCODER])
def test_each_component_on_a_text_encoder_gets_exactly_its_number(fitting: ModuleType, component: str) -> None:
    draft, target = load_preset(ON_ENCODER), BUDGETS[ON_ENCODER][component]
    sizes = fitting.fit(component, target, draft)
    assert fitting.count(component, fitting.with_sizes(draft, sizes)) == target


@pytest.mark.parametrize(
    ("preset", "free"), [(ON_ENCODER, {"projection"}), ("redheart-330m", {"projection", "summary"})]
)
def test_free_sizes_of_the_backbone_follow_the_encoder(fitting: ModuleType, preset: str, free: set[str]) -> None:
    draft = load_preset(preset)
    sizes = fitting.close("backbone", BUDGETS[preset]["backbone"], draft)
    assert {size for _, size in sizes} == free
    assert fitting.count("backbone", fitting.with_sizes(draft, sizes)) == BUDGETS[preset]["backbone"]


def test_an_unreachable_number_is_an_error_with_the_costs(fitting: ModuleType) -> None:
    draft = load_preset(ON_ENCODER)
    least = fitting.with_sizes(draft, {key: values[0] for key, values in fitting.FREE_ON_ENCODER.items()})
    target = fitting.count("backbone", least) + 1
    with pytest.raises(ValueError, match=r"backbone: no solution.*\(\+1\).*costs \[\d+\]"):
        fitting.close("backbone", target, draft)


def test_it_writes_a_preset(fitting: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft: dict[str, Any] = load_preset(ON_ENCODER)
    draft["components"]["backbone"]["projection"] -= 8
    (tmp_path / "draft.json").write_text(json.dumps(draft), encoding="utf-8")
    monkeypatch.setattr(
        sys, "argv", ["fit_budget", *(f"{tmp_path / 'draft.json'} --preset {ON_ENCODER} --output".split()),
                      str(tmp_path / "preset.json")]
    )  # fmt: skip
    monkeypatch.setattr(fitting, "BUDGETS", {ON_ENCODER: {"backbone": BUDGETS[ON_ENCODER]["backbone"]}})
    fitting.main()
    assert json.loads((tmp_path / "preset.json").read_text(encoding="utf-8")) == load_preset(ON_ENCODER)
