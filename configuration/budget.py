"""The parameter budget: how many parameters each component must have, and the table that compares.

A component of the budget is one or more submodules of the model; every parameter belongs to exactly one.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from .components import BRIDGE, COMPONENTS, SYSTEMS


def _parts() -> dict[str, tuple[str, ...]]:
    """Component of the budget -> submodules of `RedHeartModel`; the two with several submodules come last."""
    modules: dict[str, dict[str, None]] = {}
    for row in COMPONENTS.values():
        modules.setdefault(row.budget_part, {})[row.place.split(".")[0]] = None
    last = {name: modules.pop(name) for name in (BRIDGE, SYSTEMS)}
    return {name: tuple(names) for name, names in (modules | last).items()}


PARTS = _parts()

# Millions of parameters of MPNet's encoder, cut to ten layers and 24,000 pieces, and the projections.
_BACKBONE_100M = 90.151776


def _budget(*millions: float) -> dict[str, int]:
    return {name: round(value * 1_000_000) for name, value in zip(PARTS, millions, strict=True)}


# In the order of PARTS, in millions.
BUDGETS: dict[str, dict[str, int]] = {
    "redheart-730m": _budget(90.6, 38.3, 38.3, 38.3, 38.3, 68, 61, 68, 57, 63, 51, 60.2, 58),
    "redheart-330m": _budget(50, 20, 20, 20, 20, 32, 28, 32, 26, 29, 23, 17, 13),
    "redheart-100m": _budget(
        _BACKBONE_100M, 0.84, 0.465, 0.3, 0.465, 0.85, 0.78, 0.42, 1.738224, 0.465, 0.465, 2.21, 0.85
    ),
}


@dataclass(frozen=True)
class BudgetRow:
    """One line of the table.

    Attributes:
        name: Component, or indented by two spaces a part of it; "total" for the sum.
        parameters: Number of parameters that the model has there.
        target: Number that the budget gives; None where the preset has no budget.
    """

    name: str
    parameters: int
    target: int | None

    @property
    def exact(self) -> bool:
        """Whether the component has exactly its target, or has no target."""
        return self.target is None or self.parameters == self.target


def budget_table(parameters: Iterable[tuple[str, int]], preset: str) -> list[BudgetRow]:
    """Compare the parameters of a model with the budget of a preset.

    Args:
        parameters: (name as in ``named_parameters()``, number of elements) of a `RedHeartModel`.
        preset: Name of the preset whose budget is the target; one without a budget gives rows without targets.

    Returns:
        A row for each component, rows for its parts indented below it, the total last.

    Raises:
        ValueError: When a parameter belongs to no component.
    """
    by_module: dict[tuple[str, str], int] = {}
    for name, count in parameters:
        top, rest = name.split(".", 1)
        part = rest.split(".", 1)[0]
        by_module[top, part] = by_module.get((top, part), 0) + count
    known = {module for modules in PARTS.values() for module in modules}
    for top, _ in by_module:
        if top not in known:
            raise ValueError(f"Submodule {top!r} has parameters but no place in the budget; add its row to COMPONENTS.")
    targets = BUDGETS.get(preset, {})
    rows = []
    for component, modules in PARTS.items():
        total = sum(count for (top, _), count in by_module.items() if top in modules)
        rows.append(BudgetRow(component, total, targets.get(component)))
        if len(modules) > 1:
            for module in modules:
                count = sum(count for (top, _), count in by_module.items() if top == module)
                rows.append(BudgetRow(f"  {module}", count, None))
        elif component in ("backbone", BRIDGE):
            rows += [BudgetRow(f"  {part}", count, None) for (top, part), count in by_module.items() if top in modules]
    total = sum(by_module.values())
    rows.append(BudgetRow("total", total, sum(targets.values()) if targets else None))
    return rows


__all__ = ["BUDGETS", "PARTS", "BudgetRow", "budget_table"]
