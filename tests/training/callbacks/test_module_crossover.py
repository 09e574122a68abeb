"""Recombinations worked out by hand, and a search that finds what is there to find."""

import math
from collections.abc import Callable
from itertools import product

import pytest
import torch
from torch import Tensor

from redheart.training.callbacks.module_crossover import (
    REST,
    Recipe,
    better_by,
    blend,
    check_strategies,
    genetic,
    interpolated,
    part_names,
    ranked,
    selective,
    single,
    weighted,
    worth_keeping,
)

# The head is best in "late", the body in "early"; as a whole "middle" is best.
FITNESS = {
    "early": {REST: 0.9, "head": 3.0, "body": 0.2},
    "middle": {REST: 0.5, "head": 2.0, "body": 0.4},
    "late": {REST: 0.7, "head": 1.0, "body": 0.6},
}


def test_tensors_belong_to_the_module_whose_path_they_begin_with() -> None:
    names = ["head.weight", "head_norm.weight", "body.layer.0.bias", "scale"]
    assert part_names(names, ["head", "body.layer"]) == {
        "head.weight": "head",
        "head_norm.weight": REST,
        "body.layer.0.bias": "body.layer",
        "scale": REST,
    }
    assert set(part_names(names, [""]).values()) == {""}


def test_selective_takes_each_part_from_its_best() -> None:
    recipe = selective(FITNESS)
    assert recipe == {REST: {"middle": 1.0}, "head": {"late": 1.0}, "body": {"early": 1.0}}
    assert single(recipe) is None
    assert single({"head": {"late": 1.0}, "body": {"late": 1.0}}) == "late"


def test_weighted_is_a_softmax_of_standard_scores() -> None:
    shares = weighted(FITNESS)["head"]
    # 3, 2, 1: mean 2, deviation sqrt(2/3), so the scores are +-1.2247 and 0
    powers = [math.exp(-1.2247449), 1.0, math.exp(1.2247449)]
    assert list(shares.values()) == pytest.approx([power / sum(powers) for power in powers])
    assert weighted(FITNESS, temperature=1e-3)["head"]["late"] == pytest.approx(1)
    equal = {name: {"head": 1.0} for name in "abc"}
    assert weighted(equal)["head"] == pytest.approx(dict.fromkeys("abc", 1 / 3))


def test_what_is_not_finite_is_the_worst_and_has_no_share() -> None:
    fitness = {"a": {"head": math.nan}, "b": {"head": 2.0}, "c": {"head": 1.0}}
    assert ranked({name: losses["head"] for name, losses in fitness.items()}) == ["c", "b", "a"]
    assert set(weighted(fitness)["head"]) == {"b", "c"}
    with pytest.raises(ValueError, match="No checkpoint has a finite loss for 'head'"):
        weighted({"a": {"head": math.nan}})


def test_interpolated_lies_between_the_best_two() -> None:
    assert interpolated(FITNESS, 0.25)["body"] == {"early": 0.75, "middle": 0.25}
    assert interpolated({"one": {"body": 1.0}}, 0.25) == {"body": {"one": 1.0}}


def test_the_best_of_each_part_are_kept_before_the_second_best() -> None:
    assert worth_keeping(FITNESS, 2) == ["middle", "late"]
    assert worth_keeping(FITNESS, 3) == ["middle", "late", "early"]
    assert worth_keeping(FITNESS, 9) == ["middle", "late", "early"]
    assert worth_keeping({}, 3) == []


class Search:
    """Counts the evaluations of a loss that is lowest for one choice per part."""

    parts = ("a", "b", "c", "d")
    checkpoints = ("1", "2", "3")
    best = ("2", "3", "1", "2")

    def __init__(self) -> None:
        self.seen: list[tuple[str, ...]] = []

    def loss(self, recipe: Recipe) -> float:
        genes = tuple(next(iter(recipe[part])) for part in self.parts)
        self.seen.append(genes)
        return float(sum(gene != right for gene, right in zip(genes, self.best, strict=True)))

    def run(self, seed: int = 0, generations: int = 12) -> list[tuple[Recipe, float]]:
        start = [{part: {"1": 1.0} for part in self.parts}]
        return genetic(self.parts, self.checkpoints, self.loss, start, seed=seed, population=8, generations=generations)


def test_the_search_finds_the_best_and_evaluates_nothing_twice() -> None:
    search = Search()
    met = search.run()
    assert min(loss for _, loss in met) == 0.0
    assert len(search.seen) == len(set(search.seen)) == len(met) < len(list(product("123", repeat=4)))


def test_the_search_depends_on_its_seed_only() -> None:
    first, second, other = Search(), Search(), Search()
    assert first.run() == second.run()
    assert first.seen == second.seen
    other.run(seed=1)
    assert other.seen != first.seen
    assert first.seen[0] == ("1", "1", "1", "1"), "it begins with what it was given"


def test_the_search_keeps_to_its_budget() -> None:
    for seed in range(5):
        assert len(Search().run(seed, generations=1)) <= 8 * 2


def reader(**tensors: Tensor) -> Callable[[str, str], Tensor]:
    return lambda checkpoint, name: tensors[checkpoint]


def test_floats_are_mixed_in_float64_and_cast_back() -> None:
    read = reader(a=torch.tensor([1.0, 2.0]), b=torch.tensor([3.0, -2.0]))
    mixed = blend("w", {"a": 0.25, "b": 0.75}, "a", read)
    assert mixed.tolist() == [2.5, -1.0]
    # In bfloat16 itself, 256 + 1 is 256: three times 1/3 of 257.33 would be lost.
    halves = reader(a=torch.tensor([256.0]).bfloat16(), b=torch.tensor([260.0]).bfloat16())
    result = blend("w", {"a": 0.5, "b": 0.5}, "a", halves)
    assert result.dtype == torch.bfloat16
    assert result.item() == 258.0


def test_a_tensor_of_one_checkpoint_is_that_tensor() -> None:
    odd = torch.tensor([0.1, 1e-40, -0.0, 3e38])
    assert blend("w", {"a": 1.0, "b": 0.0}, "b", reader(a=odd, b=-odd)) is odd


def test_counters_are_from_the_base_where_several_are_mixed() -> None:
    read = reader(a=torch.tensor(10), b=torch.tensor(20))
    assert blend("n", {"a": 0.5, "b": 0.5}, "b", read).item() == 20
    assert blend("n", {"a": 1.0}, "b", read).item() == 10


def test_better_is_strictly_lower_by_more_than_the_margin() -> None:
    assert better_by(0.9, 1.0, 0.0)
    assert not better_by(1.0, 1.0, 0.0)
    assert not better_by(0.9, 1.0, 0.2)
    assert not better_by(math.nan, 1.0, 0.0)
    assert better_by(1.0, math.nan, 0.0)


def test_misuse_is_an_error() -> None:
    cases: list[tuple[Callable[[], object], str]] = [
        (lambda: weighted(FITNESS, temperature=0), "above 0, got 0"),
        (lambda: interpolated(FITNESS, 1.0), "above 0 and below 1, got 1.0"),
        (lambda: blend("w", {"a": 0.5}, "a", reader(a=torch.ones(1))), r"'w' must be 0 or above and sum to 1"),
        (lambda: check_strategies(["selektive"]), "did you mean 'selective'"),
        (lambda: check_strategies([]), "No strategy is named"),
        (lambda: Search().run(generations=0), "got 8 and 0"),
    ]
    for call, message in cases:
        with pytest.raises(ValueError, match=message):
            call()
