"""What several tests share: no network, one thread, one very small random checkpoint, and a model that responds to
texts."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # before huggingface_hub is imported, which reads it once

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from redheart import RedHeartConfig, RedHeartModel
from redheart.configuration.labels import BENTHAM, SIGNED_BENTHAM, record_keys
from redheart.configuration.shipped import CONFIGURATION

_FIXTURES = ("adapters", "bilingual", "evaluation", "hub", "training", "views")
pytest_plugins = [f"tests.fixtures.{name}" for name in _FIXTURES]

torch.set_num_threads(1)  # for tiny tensors, threads that wait for each other cost more than they save

TOKENIZER = CONFIGURATION / "tokenizer"


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerBase:
    """The tokenizer that ships with the library."""
    loaded: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(TOKENIZER)
    return loaded


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, tokenizer: PreTrainedTokenizerBase) -> Path:
    """Folder of a very small random model whose config records supervision for every claim."""
    folder = tmp_path_factory.mktemp("checkpoint") / "tiny"
    torch.manual_seed(0)
    RedHeartModel(RedHeartConfig(supervision={key: ["made-up"] for key in record_keys()})).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def lively_model() -> Callable[..., RedHeartModel]:
    """Makes a tiny model with weights (and biases) so large that every output depends visibly on the text.

    attention: the attention implementation. ``encoder_config`` among the options puts that encoder below.
    """

    def make(attention: str = "sdpa", seed: int = 0, **options: Any) -> RedHeartModel:
        options.setdefault("initializer_range", 0.2)
        if options.get("encoder_config") is not None:
            components = RedHeartConfig.from_preset("redheart-tiny").components
            options.setdefault("components", {**components, "backbone": {"projection": 16}})
        torch.manual_seed(seed)
        config = RedHeartConfig.from_preset("redheart-tiny", attn_implementation=attention, **options)
        model = RedHeartModel(config)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name.endswith("bias"):
                    parameter.normal_(std=config.initializer_range)
        return model.eval()

    return make


@pytest.fixture(scope="session")
def shared_lively(lively_model: Callable[..., RedHeartModel]) -> RedHeartModel:
    """One such model, in eval mode, for fixtures that outlive a test; not to be changed."""
    return lively_model()


@pytest.fixture
def lively(shared_lively: RedHeartModel) -> Iterator[RedHeartModel]:
    """The same, whose gradients are gone after the test."""
    yield shared_lively
    shared_lively.zero_grad()


@pytest.fixture(scope="session")
def bert_options() -> dict[str, Any]:
    """A very small BERT, narrower than the tiny model, as ``encoder_config``."""
    return {
        "model_type": "bert",
        "hidden_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "vocab_size": 100,
        "max_position_embeddings": 64,
        "initializer_range": 0.2,
    }


@pytest.fixture(scope="session")
def batch() -> dict[str, Tensor]:
    """Four texts of 12, 9, 5 and 2 tokens below 100, padded on the right."""
    generator = torch.Generator().manual_seed(0)
    mask = (torch.arange(12)[None] < torch.tensor([12, 9, 5, 2])[:, None]).long()
    return {"input_ids": torch.randint(5, 100, (4, 12), generator=generator) * mask, "attention_mask": mask}


@pytest.fixture(scope="session")
def targets() -> dict[str, Tensor]:
    """A plausible target of every kind for ``batch``: texts 0 and 1 are a pair, as are 2 and 3."""
    generator = torch.Generator().manual_seed(1)

    def uniform(*shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        return low + (high - low) * torch.rand(4, *shape, generator=generator)

    signed = torch.tensor([name in SIGNED_BENTHAM for name in BENTHAM])
    return {
        "emotion_labels": (uniform(28) < 0.2).float(),
        "intensity_labels": uniform(28),
        "nuance_labels": torch.randint(0, 5, (4, 28), generator=generator),
        "affect_labels": torch.cat((uniform(1, low=-1), uniform(2)), dim=1),
        "bentham_labels": torch.where(signed, uniform(10, low=-1), uniform(10)),
        "regret_labels": uniform(7, 3, low=-1),
        "utility_labels": uniform(3, low=-1),
        "plausibility_labels": uniform(3),
        "verdict_labels": uniform(5, high=4.0).softmax(dim=-1),
        "acceptability_labels": uniform(),
        "perspective_labels": uniform(2, 5, high=4.0).softmax(dim=-1),
        "embedding_labels": uniform(6, low=-1),
        "utility_pair_labels": torch.tensor([[0, 1], [0, 0], [1, 0], [1, 1]]),
        "acceptability_pair_labels": torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]]),
        "branch_pair_labels": torch.tensor([[0, 1], [0, 0], [1, 1], [1, 0]]),
    }
