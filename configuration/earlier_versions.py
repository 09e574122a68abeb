"""Names that earlier versions had and this one renamed or removed, for checkpoints that they saved.

Notable: exactly these names are converted or dropped; anything else that does not fit is refused on loading.
The one earlier format is that of checkpoints with the option ``verdict_offsets``, which was always saved. There a
scalar utility was read beside Bentham's dimensions, actions were only ranked, the crowd was a third perspective, and
the counterfactual reasoner read the latents.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from .labels import PERSPECTIVES, RATED, VERDICTS, VIEWS

_MARK = "verdict_offsets"

# Record key, or name of a loss -> its present names. An empty tuple: it was removed.
_KEYS: dict[str, tuple[str, ...]] = {
    "utility": (),
    "counterfactual.utility": tuple(f"utility.{view}" for view in VIEWS),
    "counterfactual.plausibility": tuple(f"plausibility.{view}" for view in VIEWS),
    "action": ("acceptability",),
    "perspectives.community": (),
    "confidence.utility": (),
    "confidence.counterfactual": (),
    "confidence.action": (),
}
_LOSSES: dict[str, tuple[str, ...]] = {
    "utility": (),
    "utility_head": (),
    "action": ("acceptability_ranking",),
}
_OUTPUTS_NOW = {
    "bentham.utility": "was removed",
    "verdict.action": "is `verdict.acceptability_logits`",
    "counterfactual.utility": "is `counterfactual.utility_logits`",
    "the perspective 'community'": "was removed",
}

# Weights that are dropped (by the start of their names), renamed, or have other rows.
DROPPED_WEIGHTS = ("bentham_head.utility_readout.", "bentham_calculator.utility_readout.")
RENAMED_WEIGHTS = {"bridge.coordination.action_readout.": "bridge.coordination.acceptability_readout."}
# The read-out of the ranking had no bias.
NEW_ZEROS = ("bridge.coordination.acceptability_readout.out.bias",)
_RATED_BEFORE = (
    "emotion", "nuance", "intensity", "affect", "arc", "bentham", "utility", "regret", "counterfactual", "surd",
    "verdict", "action", "perspectives",
)  # fmt: skip
_RATED_NAMES = {"plausibility": "counterfactual", "acceptability": "action"}
_RATED_ROWS = tuple(_RATED_BEFORE.index(_RATED_NAMES.get(name, name)) for name in RATED)
_PERSPECTIVE_ROWS = tuple(range(len(PERSPECTIVES) * len(VERDICTS)))
# Weight -> for each of its rows, the row in the earlier format.
WEIGHT_ROWS: dict[str, tuple[int, ...]] = {
    "sweet_spot.queries.weight": _RATED_ROWS,
    "sweet_spot.readout.out.weight": _RATED_ROWS,
    "sweet_spot.readout.out.bias": _RATED_ROWS,
    "perspectives.readout.out.weight": _PERSPECTIVE_ROWS,
    "perspectives.readout.out.bias": _PERSPECTIVE_ROWS,
}


def is_earlier(config: Mapping[str, Any]) -> bool:
    """Whether a ``config.json``, and so the weights beside it, has the earlier format."""
    return _MARK in config


def migrated(config: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A loaded ``config.json`` in today's names, and a sentence for each thing that was removed or renamed."""
    options = dict(config)
    if not is_earlier(options):
        return options, []
    del options[_MARK]
    options["supervision"], gone = _renamed(options.get("supervision") or {}, _KEYS)
    options["loss_weights"], lost = _renamed(options.get("loss_weights") or {}, _LOSSES)
    options |= {"counterfactual_reads": "latents", "perspective_tokens": len(PERSPECTIVES) + 1}
    outputs = "; ".join(f"{name} {now}" for name, now in _OUTPUTS_NOW.items())
    notes = [
        f"The checkpoint is of an earlier version, and its outputs are as before except for these: {outputs}; "
        f"`{_MARK}` is left out, so that the most probable verdict is named."
    ]
    if changed := [*gone, *(f"loss {name}" for name in lost)]:
        notes.append(f"Left out or renamed in its records: {', '.join(changed)}.")
    notes.append("Saving it writes today's format.")
    return options, notes


def _renamed(values: Mapping[str, Any], names: Mapping[str, Iterable[str]]) -> tuple[dict[str, Any], list[str]]:
    """``values`` under today's names, and a phrase for each name that changed."""
    now: dict[str, Any] = {}
    changed = []
    for name, value in values.items():
        new = tuple(names.get(name, (name,)))
        now |= dict.fromkeys(new, value)
        if new != (name,):
            changed.append(f"{name} -> {', '.join(new)}" if new else name)
    return now, changed


__all__ = [
    "DROPPED_WEIGHTS",
    "NEW_ZEROS",
    "RENAMED_WEIGHTS",
    "WEIGHT_ROWS",
    "is_earlier",
    "migrated",
]
