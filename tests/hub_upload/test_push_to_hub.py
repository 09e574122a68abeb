"""What a trainer pushes is a checkpoint as any other, and nothing of the run."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

from redheart import RedHeartModel
from redheart.storage.strict_loading import load_strict
from redheart.training.runs.adapters import add_adapter
from redheart.training.runs.recipe import PeftRecipe
from redheart.training.trainers.arguments import RedHeartTrainingArguments
from redheart.training.trainers.trainer import RedHeartTrainer

from ..fixtures.hub_server import Hub
from ..fixtures.runs import small_arguments

# PEFT asks for it.
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")

REPO = "user/trained"


def trainer_of(folder: Path, output: Path, model: Any = None, **options: Any) -> RedHeartTrainer:
    saving = {"save_strategy": "steps", **options}
    arguments = small_arguments(output, RedHeartTrainingArguments, longest_text=32, **saving)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return RedHeartTrainer(model or load_strict(folder, RedHeartModel), arguments, processing_class=tokenizer)


def test_it_pushes_a_checkpoint_and_leaves_the_output_folder_as_it_was(tiny: Path, hub: Hub, tmp_path: Path) -> None:
    output = tmp_path / "run"
    output.mkdir()
    (output / "training_args.bin").write_bytes(b"\x80\x04N.")
    trainer = trainer_of(tiny, output, hub_model_id=REPO, hub_private_repo=True)
    with torch.no_grad():
        next(trainer.model.projector.parameters()).add_(1)
    assert trainer.push_to_hub("Tuned") == f"{hub.url}/{REPO}"
    assert [path.name for path in output.iterdir()] == ["training_args.bin"]
    repository = hub.repositories[REPO]
    assert (repository.private, repository.messages) == (True, ["Tuned"])
    assert {"handler.py", "labels.json", "LICENSE", "tokenizer.json", "redheart_remote.py"} <= set(repository.files)
    assert not [name for name in repository.files if name.endswith(".bin")]
    for name, content in repository.files.items():
        (tmp_path / name).write_bytes(content)
    pushed = load_strict(tmp_path, RedHeartModel).state_dict()
    assert all(torch.equal(value, pushed[name]) for name, value in trainer.model.state_dict().items())


def test_a_name_alone_is_in_the_account_of_the_token(tiny: Path, hub: Hub, tmp_path: Path) -> None:
    assert trainer_of(tiny, tmp_path / "run", hub_model_id="trained").push_to_hub() == f"{hub.url}/{REPO}"


def test_what_it_cannot_push_is_refused(tiny: Path, hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`hub_model_id`"):
        trainer_of(tiny, tmp_path).push_to_hub()
    with pytest.raises(ValueError, match="during training"):
        trainer_of(tiny, tmp_path, push_to_hub=True)
    pytest.importorskip("peft")
    adapted = add_adapter(load_strict(tiny, RedHeartModel), PeftRecipe(rank=2))
    with pytest.raises(ValueError, match="merge it"):
        trainer_of(tiny, tmp_path, adapted, hub_model_id=REPO).push_to_hub()
    assert hub.repositories == {}
