"""What was pushed loads in a process that has no redheart, and says the same, bit for bit.

Three repositories on one hub on loopback: the shipped checkpoint by the command, a model in shards and a classifier by
their `push_to_hub`. One process reads them all.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerBase, pipeline
from typer.testing import CliRunner

from redheart import RedHeartForSequenceClassification, RedHeartModel
from redheart.cli import main
from redheart.storage.strict_loading import shipped_folder

from ..fixtures.hub_server import TOKEN, Hub, connect, running_hub

pytestmark = pytest.mark.slow

NAME = "redheart-100m"
TEXTS = ["I told my sister's secret to her fiancé, and now nobody speaks to me.", "그때 솔직하게 말했더라면"]
FIGURES = shipped_folder(NAME) / "evaluation.json"

# No import of redheart, however it is installed; Python runs a module of this name when it starts.
NO_REDHEART = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "redheart":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refuse())
"""

READER = """
import importlib.util, json, sys
try:
    import redheart
    absent = False
except ModuleNotFoundError:
    absent = True
import torch
from huggingface_hub import snapshot_download
from safetensors.torch import save_file
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer, pipeline
from transformers.utils.generic import ModelOutput

out, texts = sys.argv[1], json.loads(sys.argv[2])
torch.set_num_threads(1)
trust = {"trust_remote_code": True}

def flat(value, name=""):
    if isinstance(value, torch.Tensor):
        return {name: value.contiguous()}
    items = value.items() if isinstance(value, ModelOutput) else []
    return {key: tensor for part, inner in items for key, tensor in flat(inner, f"{name}.{part}").items()}

@torch.no_grad()
def run(model, tokenizer, name):
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    save_file(flat(model(**batch)), f"{out}/{name}.safetensors")

tokenizer = AutoTokenizer.from_pretrained("user/redheart-100m", **trust)
shipped = AutoModel.from_pretrained("user/redheart-100m", **trust)
run(shipped, tokenizer, "shipped")
tiny_tokenizer = AutoTokenizer.from_pretrained("user/sharded", **trust)
run(AutoModel.from_pretrained("user/sharded", **trust), tiny_tokenizer, "sharded")
run(AutoModelForSequenceClassification.from_pretrained("user/classifier", **trust), tiny_tokenizer, "classifier")
read = pipeline("ethical-analysis", model="user/redheart-100m", **trust)

folder = snapshot_download("user/redheart-100m")
spec = importlib.util.spec_from_file_location("handler", f"{folder}/handler.py")
handler = importlib.util.module_from_spec(spec)
spec.loader.exec_module(handler)
answers = handler.EndpointHandler(folder)({"inputs": texts, "parameters": {"outputs": ["emotion", "verdict"]}})
print(json.dumps({
    "absent": absent,
    "module": type(shipped).__module__.rpartition(".")[2],
    "pipeline": type(read).__name__,
    "readings": read(texts),
    "answers": answers,
    "schema": json.load(open(f"{folder}/labels.json")),
}))
"""


@dataclass
class Read:
    """The output of the other process, and what was pushed."""

    facts: dict[str, Any]
    out: Path
    models: dict[str, Any]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory, tokenizer: PreTrainedTokenizerBase) -> Iterator[Read]:
    out = tmp_path_factory.mktemp("pushed")
    with running_hub() as hub:
        models = _push_all(hub, out, tokenizer)
        yield Read(_read(hub, out), out, models)


def _push_all(hub: Hub, out: Path, tokenizer: Any) -> dict[str, Any]:
    torch.manual_seed(0)
    config = RedHeartModel.config_class.from_preset("redheart-tiny")
    models: dict[str, Any] = {"sharded": RedHeartModel(config), "classifier": RedHeartForSequenceClassification(config)}
    with pytest.MonkeyPatch.context() as patch:
        connect(hub, out / "push", patch)
        words = ["push", NAME, "--repo", f"user/{NAME}", "--results", str(FIGURES)]
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, done.stderr
        models["sharded"].push_to_hub("user/sharded", max_shard_size="200KB")
        tokenizer.push_to_hub("user/sharded")
        models["classifier"].push_to_hub("user/classifier")
    assert sum(name.endswith(".safetensors") for name in hub.repositories["user/sharded"].files) > 4
    return models


def _read(hub: Hub, out: Path) -> dict[str, Any]:
    (out / "site").mkdir()
    (out / "site" / "sitecustomize.py").write_text(NO_REDHEART, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "PYTHON", "TRANSFORMERS"))}
    environment = kept | {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(out / "home"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "PYTHONPATH": str(out / "site"),
    }
    words = [sys.executable, "-P", "-c", READER, str(out), json.dumps(TEXTS)]
    pipes: Any = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}  # it must not ask anything
    done = subprocess.run(words, cwd=out, env=environment, timeout=600, **pipes)
    assert done.returncode == 0, done.stderr[-3000:]
    facts: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return facts


def _outputs(model: Any, tokenizer: Any) -> dict[str, torch.Tensor]:
    def flat(value: Any, name: str = "") -> dict[str, torch.Tensor]:
        if isinstance(value, torch.Tensor):
            return {name: value}
        items = value.items() if hasattr(value, "items") else []
        return {key: tensor for part, inner in items for key, tensor in flat(inner, f"{name}.{part}").items()}

    with torch.no_grad():
        return flat(model.eval()(**tokenizer(TEXTS, padding=True, return_tensors="pt")))


def _same(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> bool:
    return set(ours) == set(theirs) and all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_the_other_process_has_no_redheart(read: Read) -> None:
    assert read.facts["absent"]
    assert read.facts["module"] == "redheart_remote"
    assert read.facts["pipeline"] == "EthicalAnalysisPipeline"


def test_the_model_gives_the_same_bits(read: Read) -> None:
    folder = shipped_folder(NAME)
    ours = _outputs(AutoModel.from_pretrained(folder), AutoTokenizer.from_pretrained(folder))
    assert len(ours) > 20
    assert _same(ours, load_file(read.out / "shipped.safetensors"))


def test_the_pipeline_gives_the_same_readings(read: Read) -> None:
    make: Any = pipeline
    pipe = make("ethical-analysis", model=str(shipped_folder(NAME)))
    assert json.loads(json.dumps(pipe(TEXTS))) == read.facts["readings"]
    assert json.loads(json.dumps(pipe(TEXTS, outputs=["emotion", "verdict"]))) == read.facts["answers"]


@pytest.mark.parametrize("name", ["sharded", "classifier"])
def test_what_push_to_hub_uploads_gives_the_same_bits(
    read: Read, name: str, tokenizer: PreTrainedTokenizerBase
) -> None:
    assert _same(_outputs(read.models[name], tokenizer), load_file(read.out / f"{name}.safetensors"))


def test_the_schema_that_went_up_names_the_columns(read: Read) -> None:
    logits = load_file(read.out / "shipped.safetensors")[".emotion.logits"]
    assert logits.shape[-1] == len(read.facts["schema"]["emotions"])


def test_the_token_is_nowhere_in_what_was_written(read: Read) -> None:
    for path in read.out.rglob("*"):
        if path.is_file() and path.stat().st_size < 1_000_000:
            assert TOKEN.encode() not in path.read_bytes(), path
