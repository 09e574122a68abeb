"""The sets of labels that a guarantee promises, and the check that it still holds for the model at hand.

Notable: a guarantee is bound to the weights by their sum. It is computed once for a model, and again after a weight was
replaced or changed in place.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from ..configuration.errors import CheckpointError, InputError
from .digests import digest
from .guarantees import Guarantee, read_guarantee, scope

_KEPT = "_weights_sha256"


def label_sets(probabilities: npt.NDArray[np.floating[Any]], threshold: float) -> npt.NDArray[np.bool_]:
    """Which labels are in the set of each text: those from the threshold on, and the most probable one.

    Args:
        probabilities: Shape ``(texts, labels)``.
        threshold: The probability; a lower one gives larger sets.

    Returns:
        Bool ``(texts, labels)``.
    """
    chosen: npt.NDArray[np.bool_] = probabilities >= threshold
    chosen[np.arange(len(probabilities)), probabilities.argmax(axis=1)] = True
    return chosen


def weights_sum(model: Any) -> str:
    """The SHA-256 of all weights of a model by name, as they are in memory: dtype, shape and bits.

    Args:
        model: The model.

    Returns:
        The sum, in hexadecimal.

    Raises:
        CheckpointError: For an exported model, whose weights are inside its graph.
    """
    if not isinstance(model, nn.Module):
        raise CheckpointError(
            "A guarantee is bound to weights, and an exported model has none that can be compared; read with the "
            "checkpoint that it was exported from."
        )
    state = model.state_dict(keep_vars=True)
    mark = tuple((value.data_ptr(), 0 if value.is_inference() else value._version) for value in state.values())
    kept = getattr(model, _KEPT, None)
    if kept is None or kept[0] != mark:
        kept = (mark, digest(state))
        object.__setattr__(model, _KEPT, kept)
    return str(kept[1])


def valid_guarantee(model: Any) -> Guarantee:
    """Return the guarantee of a model.

    Args:
        model: The model.

    Returns:
        Its guarantee.

    Raises:
        InputError: Where nothing was calibrated.
        CheckpointError: Where the guarantee is void, since the weights or the temperature are others.
    """
    guarantee = read_guarantee(getattr(model.config, "guarantee", None) or {})
    if guarantee is None:
        raise InputError(
            "This model has no guarantee: nothing was calibrated for it. Calibrate it on held-out rows with "
            "`redheart calibrate FOLDER --data ROWS`, or leave `guarantee` out."
        )
    again = "run `redheart calibrate` again, or leave `guarantee` out"
    if model.config.verdict_temperature != guarantee.verdict_temperature:
        raise CheckpointError(
            f"The guarantee is void: it was calibrated with the verdict's temperature {guarantee.verdict_temperature:g}"
            f", and it is {model.config.verdict_temperature:g} now; {again}."
        )
    if (found := weights_sum(model)) != guarantee.weights_sha256:
        raise CheckpointError(
            f"The guarantee is void: it was calibrated for the weights {guarantee.weights_sha256[:12]}, and these are "
            f"{found[:12]} (trained further, or loaded in another number format); {again}."
        )
    return guarantee


def guaranteed(reading: Mapping[str, Any], guarantee: Guarantee, alpha: float) -> dict[str, Any]:
    """Make the part ``guarantee`` of a reading.

    Args:
        reading: The reading, with probabilities of emotions, of verdicts, or both.
        guarantee: Of the model.
        alpha: The risk of one of its promises.

    Returns:
        ``alpha``, ``delta``; ``emotions`` and ``verdicts``, the sets, most probable first; ``named``, the verdict or
        None where none is named; ``not_promised`` {part: the least risk that could be, or None}; ``data``,
        ``texts`` and ``groups``, what it was calibrated on; ``scope``, what it is about, in a sentence.
    """
    promise = guarantee.promise(alpha)
    found: dict[str, Any] = {"alpha": promise.alpha, "delta": guarantee.delta}
    sources = {
        "emotions": reading.get("emotion", {}).get("labels"),
        "verdicts": reading.get("verdict", {}).get("probabilities"),
    }
    sources["named"] = sources["verdicts"]
    for part, labels in sources.items():
        if labels is None or part not in promise.thresholds:
            continue
        names = sorted(labels, key=lambda name: -labels[name])
        threshold = promise.thresholds[part]
        if part == "named":
            found[part] = names[0] if labels[names[0]] >= threshold else None
        else:
            inside = label_sets(np.array([[labels[name] for name in names]]), threshold)[0]
            found[part] = [name for name, chosen in zip(names, inside, strict=True) if chosen]
    found["not_promised"] = {part: least for part, least in promise.least.items() if sources[part] is not None}
    about = {"data": guarantee.data, "texts": guarantee.rows, "groups": guarantee.groups, "scope": scope(guarantee)}
    return found | about


__all__ = ["guaranteed", "label_sets", "valid_guarantee", "weights_sum"]
