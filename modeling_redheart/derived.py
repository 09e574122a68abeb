"""Claims that no label supervises and that follow by a stated rule from claims that are supervised.

Notable: such a claim is computed by its rule when a text is read, not by the network's own value for it, which nothing
holds to the rule. Its record in ``config.supervision`` says "derived: " and the rule, so that it can be told apart.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import Tensor

from ..configuration.labels import EMOTIONS, VIEWS
from ..configuration.raters import DERIVED_PREFIX

PREFIX = DERIVED_PREFIX


class Rule(NamedTuple):
    """How a claim follows.

    needs: record keys of what it follows from. says: the rule in words. value: of the tensors of one text by name.
    """

    needs: tuple[str, ...]
    says: str
    value: Callable[[Mapping[str, Tensor]], float]


def _foregone(view: str) -> Callable[[Mapping[str, Tensor]], float]:
    def value(tensors: Mapping[str, Tensor]) -> float:
        utility = tensors["counterfactual.utility_logits"].double()
        return float((utility[VIEWS.index(view)] - utility[VIEWS.index("actual")]).tanh())

    return value


def _remorse(tensors: Mapping[str, Tensor]) -> float:
    return float(tensors["emotion.logits"][EMOTIONS.index("remorse")].double().sigmoid())


# Regret about an outcome is what the other outcome would have been worth (Bell 1982, Loomes & Sugden 1982): above 0
# against a better view, below 0 (rejoicing) against a worse one. Self-blame for what was done is the remorse that is
# told (Connolly & Zeelenberg 2002).
RULES: dict[str, Rule] = {
    "regret.outcome.better": Rule(
        needs=("utility.better", "utility.actual"),
        says="tanh of the logit of the better view's utility minus the actual one's",
        value=_foregone("better"),
    ),
    "regret.outcome.worse": Rule(
        needs=("utility.worse", "utility.actual"),
        says="tanh of the logit of the worse view's utility minus the actual one's",
        value=_foregone("worse"),
    ),
    "regret.responsibility.actual": Rule(("emotion.remorse",), "probability of remorse", _remorse),
}


def derived_record(record: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The records of the derived claims whose needs are all in ``record``, and which are not there themselves."""
    return {
        key: [f"{PREFIX}{rule.says}"]
        for key, rule in RULES.items()
        if key not in record and all(record.get(need) for need in rule.needs)
    }


def is_derived(sources: list[str] | None) -> bool:
    """Whether a record says that its claim is derived."""
    return bool(sources) and all(source.startswith(PREFIX) for source in sources or ())


__all__ = ["PREFIX", "RULES", "Rule", "derived_record", "is_derived"]
