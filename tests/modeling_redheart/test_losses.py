"""Losses and gradients: no dead parameter, masks, means, and what each loss may shape."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from redheart import RedHeartConfig, RedHeartModel
from redheart.configuration.claims import SHAPES, TARGET_OUTPUTS
from redheart.configuration.configuration_redheart import DEFAULT_WEIGHTS
from redheart.configuration.labels import LOSSES, RATED

Batch = dict[str, Tensor]
Make = Callable[..., RedHeartModel]

PAIRS = ("utility_pair_labels", "acceptability_pair_labels", "branch_pair_labels")
# Losses that need no target: of every text, or of the batch as a whole.
WITHOUT_TARGET = {"regret_theory", "surd_head", "asynchrony", "recovery", "sparsity", "prototypes"}


def run(model: RedHeartModel, batch: Batch, targets: Batch, **options: Any) -> Any:
    return model(**batch, **targets, **options)


def floats(losses: dict[str, Tensor]) -> dict[str, float]:
    return {name: loss.item() for name, loss in losses.items()}


def missing(targets: Batch, row: int) -> Batch:
    """The targets with those of one text taken away: NaN in floats, -100 in integers."""
    changed = {name: target.clone() for name, target in targets.items()}
    for target in changed.values():
        target[row] = math.nan if target.is_floating_point() else -100
    return changed


def another_text(batch: Batch, row: int) -> Batch:
    changed = {name: value.clone() for name, value in batch.items()}
    changed["input_ids"][row] = torch.arange(50, 50 + changed["input_ids"].shape[1])
    changed["attention_mask"][row] = 1
    return changed


def gradients(model: RedHeartModel) -> dict[str, float]:
    """Largest gradient of each parameter; those without one are left out."""
    return {
        name: float(parameter.grad.abs().max())
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }


def names(model: RedHeartModel) -> set[str]:
    return {name for name, _ in model.named_parameters()}


# --- no dead parameter


@pytest.fixture(params=["native", "encoder", "default"])
def every_target(request: pytest.FixtureRequest, lively_model: Make, bert_options: dict[str, Any]) -> RedHeartModel:
    """A model with eager attention: there a parameter without effect has a gradient of exactly zero."""
    if request.param == "native":
        return lively_model("eager")
    if request.param == "encoder":
        return lively_model("eager", encoder_config=bert_options)
    torch.manual_seed(0)
    return RedHeartModel(RedHeartConfig(attn_implementation="eager", initializer_range=0.2))


def test_one_backward_pass_moves_every_parameter(every_target: RedHeartModel, batch: Batch, targets: Batch) -> None:
    run(every_target, batch, targets).loss.backward()
    found = gradients(every_target)
    assert names(every_target) == set(found)
    # A key bias shifts all scores of a query alike, so the softmax does not see it: dead in every BERT, by its design.
    dead = [name for name, value in found.items() if not value > 1e-6 and not name.endswith("self.key.bias")]
    assert not dead
    assert all(math.isfinite(value) for value in found.values())


@pytest.mark.parametrize("target", TARGET_OUTPUTS)
def test_one_kind_of_target_leaves_no_parameter_without_gradient(
    lively: RedHeartModel, batch: Batch, targets: Batch, target: str
) -> None:
    output = run(lively, batch, {target: targets[target]})
    output.loss.backward()
    found = gradients(lively)
    assert names(lively) == set(found)
    assert all(math.isfinite(value) for value in found.values())


def test_the_schema_names_every_loss(lively: RedHeartModel, batch: Batch, targets: Batch) -> None:
    assert set(run(lively, batch, targets).losses) == set(LOSSES)


def test_targets_that_are_all_missing_leave_no_parameter_without_gradient(
    lively: RedHeartModel, batch: Batch, targets: Batch
) -> None:
    nothing = targets
    for row in range(4):
        nothing = missing(nothing, row)
    output = run(lively, batch, nothing)
    output.loss.backward()
    assert names(lively) == set(gradients(lively))
    assert all(value == 0 for name, value in floats(output.losses).items() if name not in WITHOUT_TARGET)


def test_the_fixture_has_every_target(targets: Batch) -> None:
    assert set(targets) == set(TARGET_OUTPUTS) == set(SHAPES)


@pytest.mark.parametrize(
    ("loss", "parts"),
    [
        ("asynchrony", {"bridge.asynchrony"}),
        ("recovery", {"bridge.recovery"}),
        ("confidence", {"sweet_spot"}),
        ("surd", {"surd_analyzer"}),
    ],
)
def test_imitating_and_measuring_losses_train_only_their_own_module(
    lively: RedHeartModel, batch: Batch, targets: Batch, loss: str, parts: set[str]
) -> None:
    run(lively, batch, targets).losses[loss].backward()
    moved = {name for name, value in gradients(lively).items() if value}
    assert {part for part in parts if any(name.startswith(f"{part}.") for name in moved)} == parts
    assert {name for name in moved if not any(name.startswith(f"{part}.") for part in parts)} == set()


def test_regret_follows_utility_and_not_the_other_way(lively: RedHeartModel, batch: Batch, targets: Batch) -> None:
    run(lively, batch, targets).losses["regret_theory"].backward()
    moved = {name.split(".")[0] for name, value in gradients(lively).items() if value}
    assert "regret_analyzer" in moved
    assert "counterfactual_reasoner" not in moved


# --- masks


def test_a_text_without_targets_does_not_influence_a_loss(lively: RedHeartModel, batch: Batch, targets: Batch) -> None:
    # texts 2 and 3 were a pair: taking 3 away leaves 2 without a partner, and so out of the ranking losses
    given = missing(targets, 3)
    with torch.no_grad():
        before = floats(run(lively, batch, given).losses)
        after = floats(run(lively, another_text(batch, 3), given).losses)
        alone = {name: value[:3] for name, value in batch.items()}
        without = floats(run(lively, alone, {name: value[:3] for name, value in targets.items()}).losses)
    supervised = set(before) - WITHOUT_TARGET
    assert len(supervised) == 22
    for name in supervised:
        assert after[name] == pytest.approx(before[name], abs=1e-6), name
        assert without[name] == pytest.approx(before[name], abs=1e-5), name
    assert after["sparsity"] != before["sparsity"]  # the text did change


def test_a_text_with_targets_does_influence_each_loss(lively: RedHeartModel, batch: Batch, targets: Batch) -> None:
    with torch.no_grad():
        before = floats(run(lively, batch, targets).losses)
        after = floats(run(lively, another_text(batch, 3), targets).losses)
    for name in before:
        assert after[name] != before[name], name


@pytest.mark.parametrize("target", [name for name in TARGET_OUTPUTS if name not in PAIRS])
def test_a_missing_target_is_as_if_it_were_not_given(
    lively: RedHeartModel, batch: Batch, targets: Batch, target: str
) -> None:
    nothing = torch.full_like(targets[target].float(), math.nan)
    with torch.no_grad():
        without = run(lively, batch, {name: value for name, value in targets.items() if name != target})
        masked = run(lively, batch, {**targets, target: nothing})
    assert floats(masked.losses) == pytest.approx(floats(without.losses), abs=1e-6)


@pytest.mark.parametrize("target", TARGET_OUTPUTS)
def test_minus_100_marks_a_missing_integer(lively: RedHeartModel, batch: Batch, targets: Batch, target: str) -> None:
    nothing = torch.full_like(targets[target], -100, dtype=torch.long)
    with torch.no_grad():
        without = run(lively, batch, {name: value for name, value in targets.items() if name != target})
        masked = run(lively, batch, {**targets, target: nothing})
    assert floats(masked.losses) == pytest.approx(floats(without.losses), abs=1e-6)


def test_one_missing_label_leaves_the_others_of_its_text(lively: RedHeartModel, batch: Batch, targets: Batch) -> None:
    labels = targets["emotion_labels"].clone()
    labels[0, 3] = labels[2, 5:] = math.nan
    with torch.no_grad():
        output = run(lively, batch, {"emotion_labels": labels})
    rows = []
    for logits, row in zip(output.emotion.logits, labels, strict=True):
        there = ~row.isnan()
        rows.append(F.binary_cross_entropy_with_logits(logits[there], row[there]))
    torch.testing.assert_close(output.losses["emotion"], torch.stack(rows).mean())


def test_a_text_of_padding_only_leaves_losses_finite(lively: RedHeartModel, batch: Batch, targets: Batch) -> None:
    empty = {**batch, "attention_mask": batch["attention_mask"].clone()}
    empty["attention_mask"][3] = 0
    output = run(lively, empty, targets)
    assert all(math.isfinite(value) for value in floats(output.losses).values())
    output.loss.backward()
    assert all(math.isfinite(value) for value in gradients(lively).values())


# --- means and weights


def test_a_loss_is_a_mean(lively: RedHeartModel, batch: Batch, targets: Batch) -> None:
    doubled = {name: torch.cat((value, value)) for name, value in batch.items()}
    doubled_targets = {name: torch.cat((value, value)) for name, value in targets.items()}
    for name in PAIRS:
        doubled_targets[name][4:, 0] += 10  # pairs of their own
    with torch.no_grad():
        once = floats(run(lively, batch, targets).losses)
        both = floats(run(lively, doubled, doubled_targets).losses)
    for name in set(once) - {"embedding", "prototypes"}:  # those two are about the batch as a whole
        assert both[name] == pytest.approx(once[name], abs=1e-5), name


def test_the_total_is_the_weighted_sum(lively_model: Make, batch: Batch, targets: Batch) -> None:
    model = lively_model(loss_weights={"emotion": 3.0, "bentham": 0, "sparsity": 0.5})
    with torch.no_grad():
        output = run(model, batch, targets)
    weights = {**DEFAULT_WEIGHTS, "emotion": 3.0, "bentham": 0.0, "sparsity": 0.5}
    expected = sum(weights.get(name, 1.0) * value for name, value in floats(output.losses).items())
    assert output.loss.item() == pytest.approx(expected, rel=1e-5)


def test_every_rated_part_has_a_loss(lively: RedHeartModel, batch: Batch, targets: Batch) -> None:
    with torch.no_grad():
        losses = run(lively, batch, targets).losses
    assert set(RATED) <= set(losses)


def test_without_targets_there_is_no_loss(lively: RedHeartModel, batch: Batch) -> None:
    with torch.no_grad():
        output = lively(**batch)
    assert output.loss is None
    assert output.losses is None


# --- each loss is what it says


def test_losses_by_hand(lively: RedHeartModel, batch: Batch, targets: Batch) -> None:
    with torch.no_grad():
        output = run(lively, batch, targets)
        heads = run(lively, batch, {k: targets[k] for k in ("emotion_labels", "verdict_labels")}, depth="fast")
    losses = output.losses
    emotion, bentham = output.emotion, output.bentham
    actual = output.counterfactual.utility_logits[:, 1]
    acceptable = output.verdict.acceptability_logits
    binary = F.binary_cross_entropy_with_logits
    reached = torch.stack([targets["nuance_labels"] >= level for level in (1, 2, 3, 4)], dim=-1).float()
    error = (bentham.mean - targets["bentham_labels"]).square()
    votes = -(targets["perspective_labels"] * output.perspectives.verdict_logits.log_softmax(-1)).sum(-1)
    subsets = -(targets["verdict_labels"][:, None] * output.surd.subset_logits.log_softmax(-1)).sum(-1)
    expected = {
        "emotion": binary(emotion.logits, targets["emotion_labels"]),
        "intensity": F.mse_loss(emotion.intensity, targets["intensity_labels"]),
        "affect": F.mse_loss(emotion.affect, targets["affect_labels"]),
        "nuance": binary(emotion.nuance_logits, reached),
        # the likelihood of a normal distribution
        "bentham": -torch.distributions.Normal(bentham.mean, (bentham.log_variance / 2).exp())
        .log_prob(targets["bentham_labels"])
        .mean()
        - 0.5 * math.log(2 * math.pi),
        "regret": F.mse_loss(output.regret.scores, targets["regret_labels"]),
        "utility": F.mse_loss(output.counterfactual.utility, targets["utility_labels"]),
        "plausibility": binary(output.counterfactual.plausibility_logits, targets["plausibility_labels"]),
        "verdict": F.cross_entropy(output.verdict.logits, targets["verdict_labels"]),
        "acceptability": F.mse_loss(acceptable.sigmoid(), targets["acceptability_labels"]),
        "perspectives": votes.mean(),
        "surd": subsets.mean(),
        "verdict_head": heads.losses["verdict"],
        "emotion_head": heads.losses["emotion"],
        # pairs 0 and 1: which text is better is in `targets`
        "utility_ranking": F.softplus(actual[[1, 2]] - actual[[0, 3]]).mean(),
        "acceptability_ranking": F.softplus(acceptable[[0, 2]] - acceptable[[1, 3]]).mean(),
        "sparsity": (output.importance.sum(1) / batch["attention_mask"].sum(1)).mean(),
    }
    assert float(error.mean()) > 0.01
    for name, value in expected.items():
        assert losses[name].item() == pytest.approx(float(value), abs=1e-5), name


def test_the_arc_loss_is_about_the_strongest_segment(lively: RedHeartModel, batch: Batch, targets: Batch) -> None:
    with torch.no_grad():
        output = run(lively, batch, {"emotion_labels": targets["emotion_labels"]})
    arc, mask = output.emotion.arc_logits, output.emotion.arc_mask
    pooled = torch.stack([a[m].exp().mean(0).log() for a, m in zip(arc, mask, strict=True)])
    expected = F.binary_cross_entropy_with_logits(pooled, targets["emotion_labels"])
    torch.testing.assert_close(output.losses["arc"], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("pairs", "loss"),
    [("utility_pair_labels", "utility_ranking"), ("acceptability_pair_labels", "acceptability_ranking")],
)
def test_the_right_order_costs_less(lively: RedHeartModel, batch: Batch, pairs: str, loss: str) -> None:
    with torch.no_grad():
        output = lively(**batch)
        actual, acceptable = output.counterfactual.utility_logits[:, 1], output.verdict.acceptability_logits
        scores = actual if loss == "utility_ranking" else acceptable
        first = int(scores[0] > scores[1])
        right = torch.tensor([[7, first], [7, 1 - first], [-100, -100], [-100, -100]])
        wrong = torch.tensor([[7, 1 - first], [7, first], [-100, -100], [-100, -100]])
        cheap, dear = (run(lively, batch, {pairs: order}).losses[loss] for order in (right, wrong))
    assert cheap < math.log(2) < dear


def test_branches_by_hand(lively: RedHeartModel, batch: Batch, targets: Batch) -> None:
    with torch.no_grad():
        output = run(lively, batch, {"branch_pair_labels": targets["branch_pair_labels"]})
    better, actual, worse = output.counterfactual.utility_logits.unbind(-1)
    costs = [
        F.softplus(actual[loser] - actual[winner])
        + 0.2 * F.smooth_l1_loss(better[loser], actual[winner])
        + 0.2 * F.smooth_l1_loss(worse[winner], actual[loser])
        + 0.02 * (actual[winner] ** 2 + actual[loser] ** 2)  # normal around 0, standard deviation 5
        for winner, loser in ((0, 1), (2, 3))
    ]
    torch.testing.assert_close(output.losses["counterfactual"], torch.stack(costs).mean())


def test_the_embedding_copies_the_teachers_similarities(lively: RedHeartModel, batch: Batch) -> None:
    with torch.no_grad():
        own = lively(**batch, outputs=["embedding"]).embedding
        same = run(lively, batch, {"embedding_labels": 3 * own}, outputs=["embedding"]).losses["embedding"]
        teacher = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
        other = run(lively, batch, {"embedding_labels": teacher}, outputs=["embedding"]).losses["embedding"]
    assert same.item() == pytest.approx(0, abs=1e-9)
    assert other > 0.01


# --- what is refused


CHANGES = ("one text too many", "one label too many", "flat")
# A teacher's embeddings may have any width, and an acceptability has none.
FITTING = {
    ("embedding_labels", "one label too many"),
    ("acceptability_labels", "one label too many"),
    ("acceptability_labels", "flat"),
}
WRONG = [(target, change) for target in TARGET_OUTPUTS for change in CHANGES if (target, change) not in FITTING]


@pytest.mark.parametrize(("target", "change"), WRONG)
def test_wrong_shapes_are_refused(
    lively: RedHeartModel, batch: Batch, targets: Batch, target: str, change: str
) -> None:
    right = targets[target]
    wrong = {
        "one text too many": torch.cat((right, right[:1])),
        "one label too many": torch.cat((right, right[..., :1]), dim=-1),
        "flat": right.reshape(len(right), -1)[:, 0],
    }[change]
    with torch.no_grad(), pytest.raises(ValueError, match=f"`{target}` must have the shape"):
        run(lively, batch, {target: wrong})


@pytest.mark.parametrize("target", TARGET_OUTPUTS)
def test_targets_of_outputs_not_computed_are_refused(
    lively: RedHeartModel, batch: Batch, targets: Batch, target: str
) -> None:
    output, fast = TARGET_OUTPUTS[target]
    given = {target: targets[target]}
    others = [name for name in ("regret", "perspectives") if name != output]
    with torch.no_grad():
        with pytest.raises(ValueError, match=f"`{target}` trains the output {output!r}, which is not computed"):
            run(lively, batch, given, outputs=others)
        if fast:
            assert run(lively, batch, given, depth="fast").loss.isfinite()
            assert run(lively, batch, given, outputs=[output], depth="fast").loss.isfinite()
        else:
            with pytest.raises(ValueError, match=f"`{target}` trains the output {output!r}"):
                run(lively, batch, given, depth="fast")
        assert run(lively, batch, given, outputs=[output]).loss.isfinite()
