"""The claims: what saved weights, records and rows of data depend on, and what fits together."""

import pytest

from redheart.configuration.claims import (
    CLAIMS,
    LOSSES,
    MODULES,
    OUTPUTS,
    RANKINGS,
    RATED,
    SHAPES,
    TARGET_OUTPUTS,
    UNLABELLED_LOSSES,
    Claim,
    Kind,
    output_of,
    record_keys,
)
from redheart.configuration.labels import AFFECT, BENTHAM


def test_orders_that_saved_weights_have() -> None:
    assert RATED == (
        "emotion", "nuance", "intensity", "affect", "arc", "bentham", "regret", "utility", "plausibility", "surd",
        "verdict", "acceptability", "perspectives",
    )  # fmt: skip
    assert MODULES == (
        "emotion_head", "bentham_head", "regret_head", "surd_head", "emotion_analyzer", "bentham_calculator",
        "regret_analyzer", "counterfactual_reasoner", "surd_analyzer", "perspectives",
    )  # fmt: skip


def test_what_rows_of_data_and_configs_have() -> None:
    assert SHAPES == {
        "emotion_labels": (28,),
        "intensity_labels": (28,),
        "nuance_labels": (28,),
        "affect_labels": (3,),
        "bentham_labels": (10,),
        "regret_labels": (7, 3),
        "utility_labels": (3,),
        "plausibility_labels": (3,),
        "verdict_labels": (5,),
        "acceptability_labels": (),
        "perspective_labels": (2, 5),
        "embedding_labels": None,
        "utility_pair_labels": (2,),
        "acceptability_pair_labels": (2,),
        "branch_pair_labels": (2,),
    }
    assert {name for name, (_, fast) in TARGET_OUTPUTS.items() if fast} == {
        "emotion_labels", "intensity_labels", "affect_labels", "bentham_labels", "regret_labels", "verdict_labels",
        "embedding_labels",
    }  # fmt: skip
    assert set(LOSSES) - set(UNLABELLED_LOSSES) == {
        "emotion", "emotion_head", "intensity", "affect", "nuance", "arc", "bentham", "bentham_head", "regret",
        "regret_head", "utility", "utility_ranking", "counterfactual", "plausibility", "surd", "perspectives",
        "verdict", "verdict_head", "acceptability", "acceptability_ranking", "embedding",
    }  # fmt: skip
    assert [len(claim.keys) for claim in CLAIMS.values()] == [28, 28, 112, 3, 1, 10, 21, 3, 3, 1, 1, 1, 2, 13, 1]


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=lambda claim: claim.name)
def test_a_claim_fits_together(claim: Claim) -> None:
    assert claim.name == claim.keys[0].split(".")[0]
    assert claim.output in OUTPUTS
    assert all(output_of(key) == claim.output for key in claim.keys)
    assert set(claim.modules) <= set(MODULES)
    assert claim.labels in SHAPES or claim.kind is Kind.EXPECTED_LOSS
    assert not (claim.target and claim.learns_from)
    assert set(claim.signed) <= set(claim.axes[-1] if claim.axes else ())
    assert (claim.spread is not None) == (claim.kind is Kind.GAUSSIAN)
    if claim.head:
        assert claim.fast
        assert claim.modules[0].endswith("_head")


@pytest.mark.parametrize("target", RANKINGS)
def test_a_ranking_ranks_a_claim_and_supervises_known_keys(target: str) -> None:
    ranking = RANKINGS[target]
    assert ranking.claim in CLAIMS
    assert set(ranking.keys) <= set(record_keys())


def test_ranges_are_those_of_the_labels() -> None:
    assert {label: CLAIMS["affect"].span(label) for label in AFFECT} == {
        "valence": (-1, 1),
        "arousal": (0, 1),
        "dominance": (0, 1),
    }
    assert {label for label in BENTHAM if CLAIMS["bentham"].span(label) != (0, 1)} == {"valence"}
    assert CLAIMS["surd"].ranges() == {
        "surd.synergy": (0, None),
        "surd.unique": (0, None),
        "surd.redundant": (0, None),
        "surd.determined": (0, 1),
    }
    assert CLAIMS["regret"].ranges() == {"regret": (-1, 1)}
