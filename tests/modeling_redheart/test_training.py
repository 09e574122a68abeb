"""The model in training: checkpointed activations, lower precision, and that it learns."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from redheart import RedHeartModel

Batch = dict[str, Tensor]
Make = Callable[..., RedHeartModel]


def test_training_with_checkpointing_gives_the_same(lively_model: Make, batch: Batch, targets: Batch) -> None:
    plain, saving = lively_model().train(), lively_model().train()
    saving.activation_checkpointing_enable()
    losses = [model(**batch, **targets).loss for model in (plain, saving)]
    torch.testing.assert_close(*losses)
    for loss in losses:
        loss.backward()
    for (name, one), two in zip(plain.named_parameters(), saving.parameters(), strict=True):
        torch.testing.assert_close(one.grad, two.grad, atol=1e-5, rtol=1e-4, msg=lambda m, n=name: f"{n}: {m}")


def test_checkpointing_recomputes_while_training(lively_model: Make, batch: Batch, targets: Batch) -> None:
    model = lively_model().train()
    model.activation_checkpointing_enable()
    inner = "regret_analyzer.decoder.layers.0.attention"
    calls: list[str] = []
    model.get_submodule(inner).register_forward_hook(lambda *_: calls.append(inner))
    loss = model(**batch, **targets).loss
    once = len(calls)
    loss.backward()
    assert (once, len(calls)) == (1, 2)


def test_training_checkpointed_above_an_encoder(
    lively_model: Make, bert_options: dict[str, Any], batch: Batch, targets: Batch
) -> None:
    model = lively_model(encoder_config={**bert_options, "hidden_dropout_prob": 0.0}).train()
    model.activation_checkpointing_enable()
    model(**batch, **targets).loss.backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in model.parameters())


def test_training_in_bf16_autocast(lively_model: Make, batch: Batch, targets: Batch) -> None:
    model = lively_model().train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
    exact = model(**batch, **targets)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model(**batch, **targets)
    assert output.loss.dtype is torch.float32
    assert output.loss.item() == pytest.approx(exact.loss.item(), rel=0.05)
    output.loss.backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in model.parameters())
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    optimizer.step()
    unmoved = [name for name, parameter in model.named_parameters() if torch.equal(parameter, before[name])]
    assert not unmoved


def test_training_in_bf16_weights(lively_model: Make, batch: Batch, targets: Batch) -> None:
    model = lively_model().to(torch.bfloat16).train()
    output = model(**batch, **targets)
    output.loss.backward()
    assert output.loss.isfinite()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in model.parameters())


def test_training_learns(lively_model: Make, batch: Batch, targets: Batch) -> None:
    model = lively_model(initializer_range=0.05).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    given = {name: targets[name] for name in ("verdict_labels", "emotion_labels", "regret_labels")}
    history = []
    for _ in range(20):
        losses = model(**batch, **given).losses
        loss = torch.stack([losses[name] for name in ("verdict", "emotion", "nuance", "regret", "surd")]).sum()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        history.append({name: value.item() for name, value in losses.items()})
    entropy = -(targets["verdict_labels"] * targets["verdict_labels"].log()).sum(-1).mean().item()
    assert history[-1]["verdict"] - entropy < 0.3 * (history[0]["verdict"] - entropy)
    assert history[-1]["emotion"] < 0.5 * history[0]["emotion"]
    assert history[-1]["regret"] < 0.5 * history[0]["regret"]
