"""Candidates on disk: what is stored once, what goes, and what is refused."""

import json
import logging
from pathlib import Path

import pytest
import torch
from torch import nn

from redheart.training.callbacks.candidates import INDEX, Candidate, CandidateStore, refuse_other_runs


def make() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Module()
    model.add_module("head", nn.Linear(2, 2))
    model.add_module("body", nn.BatchNorm1d(3))
    model.add_module("other", nn.Linear(1, 1))
    return model


@pytest.fixture
def model() -> nn.Module:
    return make()


@pytest.fixture
def store(tmp_path: Path, model: nn.Module) -> CandidateStore:
    store = CandidateStore(tmp_path / "crossover", ["head", "body"], writes=True)
    store.begin(model)
    return store


def train(model: nn.Module, module: str) -> None:
    with torch.no_grad():
        for parameter in model.get_submodule(module).parameters():
            parameter.add_(1)


def files(store: CandidateStore) -> int:
    return len(list(store.folder.glob("*.safetensors")))


def test_a_module_that_did_not_change_is_stored_once(store: CandidateStore, model: nn.Module) -> None:
    store.add("first", 10, model, {"eval_loss": 1.0})
    assert files(store) == 3
    train(model, "head")
    store.add("second", 20, model, {})
    assert files(store) == 4
    with store:
        first, second = (store.read(name, "head.weight") for name in ("first", "second"))
        assert torch.equal(first + 1, second)
        assert torch.equal(store.read("first", "other.bias"), store.read("second", "other.bias"))
        assert store.read("second", "body.num_batches_tracked").dtype == torch.int64
    store.keep(["second"])
    assert files(store) == 3


def test_a_resume_finds_the_candidates_up_to_its_step(store: CandidateStore, model: nn.Module) -> None:
    for step in (10, 20, 30):
        train(model, "head")
        store.add(f"step-{step}", step, model, {"eval_loss": step / 10})
    again = CandidateStore(store.folder, ["head", "body"], writes=True)
    again.resume(model, store.base, 20)
    assert again.candidates == store.candidates[:2]


def test_candidates_of_another_run_are_refused(store: CandidateStore, model: nn.Module) -> None:
    store.add("step-10", 10, model, {})
    train(model, "other")
    other = CandidateStore(store.folder.with_name("other"), ["head", "body"], writes=True)
    base = other.begin(model)
    assert base != store.base, "it began with other weights"
    again = CandidateStore(store.folder, ["head", "body"], writes=True)
    with pytest.raises(ValueError, match="'step-10' belongs to another run"):
        again.resume(model, base, 10)
    # An index that says otherwise does not help: the files know, too.
    index = store.folder / INDEX
    index.write_text(index.read_text().replace(store.base, base))
    with pytest.raises(ValueError, match="'step-10' belongs to another run"):
        again.resume(model, base, 10)
    with pytest.raises(ValueError, match=r"base is abc\.\.\., this run's is 123"):
        refuse_other_runs([Candidate("x", 1, "abc")], "123")


def test_candidates_of_another_model_are_refused(store: CandidateStore, model: nn.Module) -> None:
    store.add("step-10", 10, model, {})
    model.add_module("head", nn.Linear(2, 3))
    with pytest.raises(ValueError, match=r"'head.bias' has the shape \[2\] in it and \[3\] in this model"):
        store.resume(model, store.base, 10)


def test_a_file_that_is_gone_or_damaged_is_an_error(store: CandidateStore, model: nn.Module) -> None:
    candidate = store.add("step-10", 10, model, {})
    file = store.folder / f"{candidate.parts['head']}.safetensors"
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(ValueError, match="is damaged"):
        store.resume(model, store.base, 10)
    file.unlink()
    with pytest.raises(FileNotFoundError, match="the part 'head' of the candidate 'step-10'"):
        store.resume(model, store.base, 10)


def test_a_resume_without_an_index_warns(
    store: CandidateStore, model: nn.Module, caplog: pytest.LogCaptureFixture
) -> None:
    (store.folder / INDEX).unlink()
    with caplog.at_level(logging.WARNING):
        store.resume(model, store.base, 40)
    assert "candidates from before step 40 cannot be used" in caplog.text
    assert store.candidates == []


def test_a_process_that_does_not_write_follows_names_only(tmp_path: Path, model: nn.Module) -> None:
    store = CandidateStore(tmp_path / "crossover", ["head"], writes=False)
    store.begin(model)
    store.add("step-10", 10, model, {"eval_loss": 1.0})
    store.keep(["step-10"])
    with store:
        pass
    assert [candidate.name for candidate in store.candidates] == ["step-10"]
    assert not store.folder.exists()


def test_a_new_run_begins_without_the_old_files(store: CandidateStore, model: nn.Module) -> None:
    store.add("step-10", 10, model, {})
    store.begin(model)
    assert files(store) == 0
    assert json.loads((store.folder / INDEX).read_text()) == []
