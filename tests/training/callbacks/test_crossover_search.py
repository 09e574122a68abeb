"""What a module is worth at each checkpoint, and a search over those of a Red Heart run."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from redheart import RedHeartModel
from redheart.training.callbacks.crossover_callback import CrossoverCallback
from redheart.training.callbacks.crossover_search import part_fitness
from redheart.training.callbacks.module_crossover import REST
from redheart.training.callbacks.sweet_spot import SweetSpotCallback, redheart_modules


def test_the_fitness_of_a_part_is_in_the_unit_of_the_first_checkpoint() -> None:
    metrics: Mapping[str, Mapping[str, float]] = {
        "one": {"eval_loss": 2.0, "a": 0.5, "b": 100.0},
        "two": {"eval_loss": 1.0, "a": 1.0, "b": 50.0},
        "three": {"eval_loss": 3.0, "a": 1.0},
    }
    fitness = part_fitness(metrics, {REST: ("eval_loss",), "m": ("a", "b"), "none": ("c",)})
    assert fitness["one"] == {REST: 1.0, "m": 1.0}
    assert fitness["two"] == {REST: 0.5, "m": 1.25}
    assert fitness["three"] == {REST: 1.5, "m": float("inf")}


def test_it_recombines_a_red_heart_run_beside_the_sweet_spot(
    tmp_path: Path, tiny_model: Callable[..., RedHeartModel], make_trainer: Callable[..., Any], units: list[Any]
) -> None:
    model = tiny_model()
    trainer = make_trainer(model, units[:8], num_train_epochs=2, eval_strategy="epoch", eval_dataset=units[8:10])
    modules = {path: names for path, names in redheart_modules().items() if path.startswith("emotion")}
    callback = CrossoverCallback(
        trainer, units[10:13], units[13:], modules, generations=1, population=2, coefficients=[0.5], plot=False
    )
    trainer.add_callback(callback)
    trainer.add_callback(SweetSpotCallback(modules, plot=False))
    trainer.train()
    report = json.loads(Path(trainer.args.output_dir, "crossover_report.json").read_text())
    assert report["left_out"] == []
    assert {"selective", "weighted", "interpolated-0.5"} & {item["name"] for item in report["recombinations"]}
    one = next(i for i in report["checkpoints"] + report["recombinations"] if i["name"] == report["weights"])
    assert trainer.evaluate(units[10:13])["eval_loss"] == pytest.approx(one["selection"])
