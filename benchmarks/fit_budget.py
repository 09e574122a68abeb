"""Finds the free integers with which a preset has exactly its parameter budget.

    python benchmarks/fit_budget.py DRAFT.json --preset redheart-730m --output configuration/presets/redheart-730m.json

The draft gives every size by hand (large matrices on multiples of 64), each feed-forward as wide as it may be: it is
narrowed in steps of 64 until the rest fits. What is then missing to each component's number is closed with its small
free integers: the width of the read-out, the width of the state bottleneck, and the registers. The
parameter count is linear in each, so three counts on the meta device give the costs and an enumeration the solutions.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from redheart.configuration import RedHeartConfig
from redheart.configuration.budget import BUDGETS, PARTS
from redheart.modeling_redheart.composition import CLASSES

# Component -> its free integers, as (component in the config, size), and the range of each. The last one is solved for.
_READER = {"registers": range(1, 33), "readout": range(64, 897), "state": range(64, 897)}
FREE: dict[str, dict[tuple[str, str], range]] = {
    name: {(modules[0], size): values for size, values in _READER.items()} for name, modules in PARTS.items()
}
FREE["backbone"] = {("backbone", "projection"): range(64, 897), ("backbone", "summary"): range(8, 257)}
FREE["module bridge"] = {("coordination", size): values for size, values in _READER.items()}
FREE["optimisation systems"] = {
    ("token_budget", "registers"): range(2, 17),
    ("token_budget", "readout"): range(32, 257),
    ("layer_crossover", "readout"): range(32, 513),
    ("sweet_spot", "readout"): range(32, 513),
}
# The backbone has no summary, and nothing but its projections is free, where a pre-trained text encoder is below.
FREE_ON_ENCODER = {("backbone", "projection"): range(8, 897)}
# The feed-forward that may be narrowed, where it is not the component's own.
WIDE = {"module bridge": ("coordination", "intermediate"), "optimisation systems": ("projector", "intermediate")}


def free_sizes(component: str, draft: dict[str, Any]) -> dict[tuple[str, str], range]:
    """The free integers of the component in this draft, and the range of each."""
    on_encoder = component == "backbone" and draft.get("encoder_config") is not None
    return FREE_ON_ENCODER if on_encoder else FREE[component]


def count(component: str, draft: dict[str, Any]) -> int:
    """Parameters of a component of the budget."""
    with torch.device("meta"):
        modules = [CLASSES[name](RedHeartConfig(**draft)) for name in PARTS[component]]
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def with_sizes(draft: dict[str, Any], sizes: dict[tuple[str, str], int]) -> dict[str, Any]:
    """The draft with some sizes replaced."""
    components = {name: dict(values) for name, values in draft["components"].items()}
    for (name, size), value in sizes.items():
        components[name][size] = value
    return {**draft, "components": components}


def solutions(gap: int, costs: list[int], ranges: list[range]) -> Iterator[tuple[int, ...]]:
    """Every way to make ``gap`` from ``costs`` with a count of each in its range."""
    if len(costs) == 1:
        value, rest = divmod(gap, costs[0])
        if rest == 0 and value in ranges[0]:
            yield (value,)
        return
    for value in ranges[0]:
        if gap - value * costs[0] < 0:
            return
        for others in solutions(gap - value * costs[0], costs[1:], ranges[1:]):
            yield (value, *others)


def fit(component: str, target: int, draft: dict[str, Any]) -> dict[tuple[str, str], int]:
    """Sizes with which the component has exactly ``target`` parameters: the widest feed-forward, the fewest
    registers."""
    wide = WIDE.get(component, (PARTS[component][0], "intermediate"))
    if component == "backbone":
        return close(component, target, draft)
    for width in range(draft["components"][wide[0]][wide[1]], 0, -64):
        try:
            return {wide: width, **close(component, target, with_sizes(draft, {wide: width}))}
        except ValueError as error:
            reason = error
    raise SystemExit(str(reason))


def close(component: str, target: int, draft: dict[str, Any]) -> dict[tuple[str, str], int]:
    """The free integers of the component. Raises `ValueError` when there are none."""
    free = free_sizes(component, draft)
    start = {key: values[0] for key, values in free.items()}
    base = count(component, with_sizes(draft, start))
    costs = [count(component, with_sizes(draft, {**start, key: value + 1})) - base for key, value in start.items()]
    gap = target - base + sum(cost * value for cost, value in zip(costs, start.values(), strict=True))
    for found in solutions(gap, costs, list(free.values())):
        return dict(zip(free, found, strict=True))
    raise ValueError(
        f"{component}: no solution. With the smallest sizes it has {base:,} of {target:,} ({target - base:+,}); "
        f"each of {list(free)} costs {costs}. Change an intermediate width."
    )


def main() -> None:
    """Fit every component and write the preset."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("draft", type=Path)
    parser.add_argument("--preset", required=True, choices=sorted(BUDGETS))
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    preset = json.loads(args.draft.read_text(encoding="utf-8"))
    for component, target in BUDGETS[args.preset].items():
        sizes = fit(component, target, preset)
        preset = with_sizes(preset, sizes)
        print(f"{component:24s} {target:>12,}  " + "  ".join(f"{n}.{s}={v}" for (n, s), v in sizes.items()))
    args.output.write_text(json.dumps(preset, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
