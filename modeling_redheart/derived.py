"""Claims that no label supervises and that follow by a stated rule from claims that are supervised.

Notable: such a claim is computed by its rule when a text is read, and the network's own value for it, which training
does not bind to the rule, is not used. Its record in ``config.supervision`` is "derived: " and the rule, so that it can
be recognised.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import Tensor

from ..configuration.labels import EMOTIONS, VIEWS
from ..configuration.raters import DERIVED_PREFIX

PREFIX = DERIVED_PREFIX


class Rule(NamedTuple):
    """How a claim follows from others.

    Attributes:
        needs: Record keys of the claims that it follows from.
        description: The rule in words.
        value: Computes the claim from the tensors of one text by name.
    """

    needs: tuple[str, ...]
    description: str
    value: Callable[[Mapping[str, Tensor]], float]


def _foregone(view: str) -> Callable[[Mapping[str, Tensor]], float]:
    def value(tensors: Mapping[str, Tensor]) -> float:
        utility = tensors["counterfactual.utility_logits"].double()
        return float((utility[VIEWS.index(view)] - utility[VIEWS.index("actual")]).tanh())

    return value


def _remorse(tensors: Mapping[str, Tensor]) -> float:
    return float(tensors["emotion.logits"][EMOTIONS.index("remorse")].double().sigmoid())


# Regret about an outcome is what the other outcome would have been worth (Bell 1982, Loomes & Sugden 1982): above 0
# against a better view, below 0 (rejoicing) against a worse one. Self-blame for what was done is the probability of
# remorse (Connolly & Zeelenberg 2002).
RULES: dict[str, Rule] = {
    "regret.outcome.better": Rule(
        needs=("utility.better", "utility.actual"),
        description="tanh of the logit of the better view's utility minus the actual one's",
        value=_foregone("better"),
    ),
    "regret.outcome.worse": Rule(
        needs=("utility.worse", "utility.actual"),
        description="tanh of the logit of the worse view's utility minus the actual one's",
        value=_foregone("worse"),
    ),
    "regret.responsibility.actual": Rule(("emotion.remorse",), "probability of remorse", _remorse),
}


def derived_record(record: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return the records of the derived claims whose needs are all in ``record`` and which are not in it themselves."""
    return {
        key: [f"{PREFIX}{rule.description}"]
        for key, rule in RULES.items()
        if key not in record and all(record.get(need) for need in rule.needs)
    }


def is_derived(sources: list[str] | None) -> bool:
    """Return whether a record marks its claim as derived."""
    return bool(sources) and all(source.startswith(PREFIX) for source in sources or ())


__all__ = ["PREFIX", "RULES", "Rule", "derived_record", "is_derived"]
