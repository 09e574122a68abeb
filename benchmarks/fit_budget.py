"""Finds the sizes with which a preset has exactly its parameter budget.

    python benchmarks/fit_budget.py DRAFT.json --preset redheart-730m --output configuration/presets/redheart-730m.json

The draft gives every size by hand (large matrices in multiples of 64), with each feed-forward at its maximum width,
which is reduced in steps of 64 until the rest fits. The remaining gap to the budget of a component is closed by its
small free sizes: the width of the read-out, the width of the state bottleneck, and the registers. The parameter count
is linear in each of them, so a few counts on the meta device give the costs, and an enumeration the solutions.
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

# Component -> its free sizes, as (component in the config, size), and the range of each. The last one is solved for.
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
# On a pre-trained text encoder the backbone has no summary, and only its projections are free.
FREE_ON_ENCODER = {("backbone", "projection"): range(8, 897)}
# Component -> the feed-forward that may be narrowed, where it is not that of its first module.
WIDE = {"module bridge": ("coordination", "intermediate"), "optimisation systems": ("projector", "intermediate")}


def free_sizes(component: str, draft: dict[str, Any]) -> dict[tuple[str, str], range]:
    """Return the free sizes of the component in this draft, and the range of each."""
    on_encoder = component == "backbone" and draft.get("encoder_config") is not None
    return FREE_ON_ENCODER if on_encoder else FREE[component]


def count(component: str, draft: dict[str, Any]) -> int:
    """Count the parameters of a component of the budget."""
    with torch.device("meta"):
        modules = [CLASSES[name](RedHeartConfig(**draft)) for name in PARTS[component]]
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def with_sizes(draft: dict[str, Any], sizes: dict[tuple[str, str], int]) -> dict[str, Any]:
    """Return the draft with some sizes replaced."""
    components = {name: dict(values) for name, values in draft["components"].items()}
    for (name, size), value in sizes.items():
        components[name][size] = value
    return {**draft, "components": components}


def solutions(gap: int, costs: list[int], ranges: list[range]) -> Iterator[tuple[int, ...]]:
    """Find all counts, each in its range, whose costs sum to a gap.

    Args:
        gap: The sum.
        costs: The cost of one of each.
        ranges: The range of each count.

    Yields:
        One count for each cost.
    """
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
    """Find the sizes of a component: the widest feed-forward, and then the fewest registers.

    Args:
        component: Its name in the budget.
        target: The number of parameters that it must have.
        draft: The config.

    Returns:
        (component in the config, size) -> value.

    Raises:
        SystemExit: When no sizes give exactly this number.
    """
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
    """Find the free sizes of a component.

    Args:
        component: Its name in the budget.
        target: The number of parameters that it must have.
        draft: The config, whose other sizes stay.

    Returns:
        (component in the config, size) -> value.

    Raises:
        ValueError: When no sizes give exactly this number.
    """
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
