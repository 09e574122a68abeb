"""Remote code: a bundled checkpoint loads, with equal outputs, in a process that has no redheart."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoTokenizer, pipeline

import redheart
from redheart.storage import remote_code as bundle
from redheart.storage.create import create_checkpoint

TEXT = "I told my sister's secret to her fiancé, and now nobody speaks to me."

# What the other process runs: everything that a reader of a Hub checkpoint does. Prints one line of JSON.
READER = """
import importlib.util, json, sys
sys.modules["redheart"] = None  # also where this test runs against an installed package
assert importlib.util.find_spec("redheart") is None
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoTokenizer, pipeline
from transformers.utils.generic import ModelOutput

folder, out, text, threads = sys.argv[1:5]
torch.set_num_threads(int(threads))
trust = {"trust_remote_code": True}

def flat(value, name=""):
    if isinstance(value, torch.Tensor):
        return {name: value.contiguous()}
    items = value.items() if isinstance(value, ModelOutput) else []
    return {key: tensor for part, inner in items for key, tensor in flat(inner, f"{name}.{part}").items()}

config = AutoConfig.from_pretrained(folder, **trust)
model = AutoModel.from_pretrained(folder, **trust)
tokenizer = AutoTokenizer.from_pretrained(folder, **trust)
with torch.no_grad():
    save_file(flat(model(**tokenizer(text, return_tensors="pt"))), f"{out}/outputs.safetensors")
classifier = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=3, **trust)
read = pipeline(model=folder, **trust)
hub = AutoModel.from_pretrained("someone/redheart-tiny", **trust)
try:
    config.from_preset("redheart-tiny")
    preset = "no error"
except ValueError as error:
    preset = str(error)

# Saved from remote code, it must load from its own files again.
classifier.save_pretrained(f"{out}/again")
tokenizer.save_pretrained(f"{out}/again")
again = pipeline("text-classification", model=f"{out}/again", **trust)
equal = all(torch.equal(a, b) for a, b in zip(again.model.state_dict().values(), classifier.state_dict().values()))
try:  # without a task it would leave the classifier out
    pipeline(model=f"{out}/again", **trust)
    misled = "no error"
except ValueError as error:
    misled = str(error)
facts = {
    "config": type(config).__name__,
    "one_config_class": type(config) is type(model.config) is type(model).config_class is type(classifier).config_class,
    "modules": sorted({type(part).__module__.rpartition(".")[2] for part in (config, model, classifier, read)}),
    "pipeline": [type(read).__name__, read.task, type(read.model).__name__],
    "reading": read(text, include_untrained=True),
    "preset": preset,
    "hub": [type(hub).__name__, type(hub.config) is type(hub).config_class],
    "again": [type(again.model).__name__, equal, misled],
    "leaked": [name for name, module in sys.modules.items() if name.split(".")[0] == "redheart" and module is not None],
}
print(json.dumps(facts))
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return create_checkpoint("redheart-tiny", tmp_path_factory.mktemp("hub") / "redheart-tiny.v1")


@pytest.fixture(scope="module")
def reader(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """What the process without redheart says, and the folder with what it wrote."""
    out = tmp_path_factory.mktemp("reader")
    repository = out / "home" / "hub" / "models--someone--redheart-tiny"  # as the Hub's client keeps it
    shutil.copytree(checkpoint, repository / "snapshots" / ("a" * 40))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("a" * 40, encoding="utf-8")
    unset = ("PYTHONPATH", "HF_HUB_CACHE", "TRANSFORMERS_CACHE")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    environment |= {"HF_HUB_OFFLINE": "1", "HF_HOME": str(out / "home"), "HF_MODULES_CACHE": str(out / "modules")}
    arguments = [str(checkpoint), str(out), TEXT, str(torch.get_num_threads())]
    done = subprocess.run(
        [sys.executable, "-c", READER, *arguments],
        cwd=out,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.strip().splitlines()[-1]), out


def _flat(value: Any, name: str = "") -> dict[str, torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return {name: value}
    items = value.items() if hasattr(value, "items") else []
    return {key: tensor for part, inner in items for key, tensor in _flat(inner, f"{name}.{part}").items()}


@pytest.mark.slow
def test_outputs_are_equal_bit_for_bit(reader: tuple[dict[str, Any], Path], checkpoint: Path) -> None:
    from safetensors.torch import load_file

    facts, out = reader
    theirs = load_file(out / "outputs.safetensors")
    model, tokenizer = AutoModel.from_pretrained(checkpoint), AutoTokenizer.from_pretrained(checkpoint)
    with torch.no_grad():
        ours = _flat(model(**tokenizer(TEXT, return_tensors="pt")))
    assert set(ours) == set(theirs)
    assert len(ours) > 20
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []
    make: Any = pipeline  # typed for the built-in tasks only
    local = make("ethical-analysis", model=str(checkpoint), trust_remote_code=True)
    assert json.loads(json.dumps(local(TEXT, include_untrained=True))) == facts["reading"]


@pytest.mark.slow
def test_every_class_comes_from_the_checkpoint(reader: tuple[dict[str, Any], Path]) -> None:
    facts, _ = reader
    assert facts["leaked"] == []
    assert facts["config"] == "RedHeartConfig"
    assert facts["one_config_class"]
    assert facts["modules"] == [bundle.ENTRY_MODULE]
    assert facts["pipeline"] == ["EthicalAnalysisPipeline", "ethical-analysis", "RedHeartModel"]


@pytest.mark.slow
def test_every_file_is_copied_and_saving_again_copies_them_again(
    reader: tuple[dict[str, Any], Path], checkpoint: Path
) -> None:
    facts, out = reader
    code = {path.name for path in checkpoint.glob("*.py")}
    caches = {path.parent for path in (out / "modules").rglob(f"{bundle.ENTRY_MODULE}.py")}
    assert len(caches) == 3  # of the folder, of the repository, and of what was saved from the folder
    assert facts["hub"] == ["RedHeartModel", True]
    for folder in (*caches, out / "again"):
        assert {path.name for path in folder.glob("*.py")} - {"__init__.py"} == code
    assert facts["again"][:2] == ["RedHeartForSequenceClassification", True]
    assert "holds a classifier" in facts["again"][2]


@pytest.mark.slow
def test_a_preset_inside_a_bundle_is_a_clear_error(reader: tuple[dict[str, Any], Path]) -> None:
    assert "pip install redheart" in reader[0]["preset"]


def test_the_installed_classes_win(checkpoint: Path) -> None:
    for trust in (None, True):
        assert type(AutoModel.from_pretrained(checkpoint, trust_remote_code=trust)) is redheart.RedHeartModel
        assert type(AutoConfig.from_pretrained(checkpoint, trust_remote_code=trust)) is redheart.RedHeartConfig
    classifier = AutoModelForSequenceClassification.from_pretrained(checkpoint)
    assert type(classifier) is redheart.RedHeartForSequenceClassification


def test_the_bundle_is_flat_and_complete(tmp_path: Path) -> None:
    names = bundle.bundle_code(tmp_path)
    assert names == sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == len(set(names)) > 15
    assert "modeling_redheart.py" in names
    for path in tmp_path.glob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert "from .." not in source, path.name
        assert not re.search(r"^\s*(from|import) redheart", source, flags=re.MULTILINE), path.name


def test_bundling_again_gives_the_same_files(tmp_path: Path) -> None:
    bundle.bundle_code(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    bundle.bundle_code(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_auto_map_names_what_transformers_reads(checkpoint: Path) -> None:
    options = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    assert options["auto_map"] == {
        "AutoConfig": "redheart_remote.RedHeartConfig",
        "AutoModel": "redheart_remote.RedHeartModel",
        "AutoModelForSequenceClassification": "redheart_remote.RedHeartForSequenceClassification",
    }
    assert options["custom_pipelines"] == {
        "ethical-analysis": {"impl": "redheart_remote.EthicalAnalysisPipeline", "pt": ["AutoModel"], "type": "text"}
    }


def test_the_auto_map_needs_a_config_and_the_code(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no config\.json"):
        bundle.add_auto_map(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    with pytest.raises(ValueError, match="bundle_code"):
        bundle.add_auto_map(tmp_path)
    bundle.bundle_code(tmp_path)
    with pytest.raises(ValueError, match="'bert'"):
        bundle.add_auto_map(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text(encoding="utf-8")) == {"model_type": "bert"}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small package with one entry point, ``models/main.py``, and a module in another folder."""
    root = tmp_path / "redheart"
    for name, text in {
        "models/__init__.py": "",
        "models/main.py": "from ..options.settings import (\n    SIZE,\n)\n\n\nclass Main:\n    size = SIZE\n",
        "options/__init__.py": "",
        "options/settings.py": "import json\n\nSIZE = json.loads('3')\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(bundle, "ENTRY_POINTS", {"Main": "models/main.py"})
    return root


def test_imports_of_other_folders_become_flat(package: Path, tmp_path: Path) -> None:
    names = bundle.bundle_code(tmp_path / "out", package)
    assert names == ["main.py", "redheart_remote.py", "settings.py"]
    assert (
        (tmp_path / "out" / "main.py").read_text(encoding="utf-8").startswith("from .settings import (\n    SIZE,\n)")
    )


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("from . import other", "does not follow `from . import other`"),
        ("from ..options import SIZE", "goes through the package 'options'"),
        ("from .absent import x", r"no file models/absent\.py"),
        ("from ...outside import x", "leaves the package"),
        ("from redheart.commands.options.settings import SIZE", "import it relatively"),
        ("import redheart.commands.options", "import it relatively"),
        ("import pandas", "`pandas` comes with neither"),
        ("def f():\n    from rich.table import Table", "`rich` comes with neither"),
        ("import importlib\nm = importlib.import_module('.x', __package__)", "hides what it imports"),
        ("from  ..options.settings import SIZE", "write this import as"),
        ("from .. options.settings import SIZE", "write this import as"),
        (
            "from .twin.settings import SIZE\nfrom ..options.settings import SIZE",
            "Two modules have the name settings.py",
        ),
        ("from .redheart_remote import x", "has the name of the generated one"),
        ("from .one import x; from .two import y", r"leave out \['two.py'\]"),
        ('"""\n    from .ghost import x\n"""', "ghost"),
    ],
)
def test_what_cannot_be_bundled_is_refused_and_nothing_written(
    package: Path, tmp_path: Path, statement: str, message: str
) -> None:
    (package / "models" / "twin").mkdir()
    for name in ("other", "twin/settings", "redheart_remote", "one", "two"):
        (package / "models" / f"{name}.py").write_text("x = y = SIZE = 1\n", encoding="utf-8")
    main = package / "models" / "main.py"
    main.write_text(f"{statement}\n\n\nclass Main:\n    pass\n", encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        bundle.bundle_code(tmp_path / "out", package)
    assert not list((tmp_path / "out").glob("*"))


def test_a_missing_entry_point_is_named(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "ENTRY_POINTS", {"Main": "models/main.py", "Reader": "models/reader.py"})
    with pytest.raises(ValueError, match=r"Reader has no file models/reader\.py"):
        bundle.bundle_code(tmp_path / "out", package)
    monkeypatch.setattr(bundle, "ENTRY_POINTS", {"Mian": "models/main.py"})
    with pytest.raises(ValueError, match="does not define the entry point Mian"):
        bundle.bundle_code(tmp_path / "out", package)
    assert not (tmp_path / "out").exists()
