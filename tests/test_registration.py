"""Importing redheart makes transformers know it, in whatever order both are imported, and costs nothing before that."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from .fixtures.processes import Forks, environment, forking

HEAVY = ("torch", "transformers", "pyarrow", "pandas", "datasets", "fastapi", "gradio")

# What each process prints at its end.
KNOWN = """
from transformers import AutoConfig, AutoModel
from transformers.pipelines import PIPELINE_REGISTRY
import redheart, sys
config = AutoConfig.for_model("redheart")
named = [type(config) is redheart.RedHeartConfig, AutoModel._model_mapping[type(config)] is redheart.RedHeartModel]
tasks = "ethical-analysis" in PIPELINE_REGISTRY.get_supported_tasks()
left = [type(finder).__name__ for finder in sys.meta_path if type(finder).__module__ == "redheart.registration"]
print(named, tasks, redheart.RedHeartModel.push_to_hub.__module__, left)
"""


# A finder in front of all others, which imports, or refuses, something when a module is looked for.
FINDER = """
import importlib, importlib.abc, sys
class Finder(importlib.abc.MetaPathFinder):
    def __init__(self, name, do): self.name, self.do = name, do
    def find_spec(self, name, path, target=None):
        if name == self.name: self.do(name)
def refuse(name): raise ImportError(f"no {name} today")
def fails(name):
    try: importlib.import_module(name)
    except ImportError as error: return str(error).endswith("today")
"""
REFUSED = """
import redheart
sys.meta_path.insert(0, Finder("{}", refuse))
assert fails("transformers")
del sys.meta_path[0]
import transformers
"""
AGAIN = """
import importlib, importlib.util, sys
sys.modules["transformers"] = None  # as tests do, so that it cannot be imported
import redheart
del sys.modules["transformers"]
assert importlib.util.find_spec("transformers")
importlib.reload(redheart.registration)
importlib.reload(redheart)
for name in [*sys.modules]:
    if name.startswith("redheart"): del sys.modules[name]
import redheart
"""
THREADS = """
import importlib, threading
wrong = []
def load(name):
    try: importlib.import_module(name)
    except BaseException as error: wrong.append(error)
threads = [threading.Thread(target=load, args=(name,)) for name in ("transformers", "redheart")]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert not wrong, wrong
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    with forking() as started:
        yield started


def test_help_and_what_can_be_refused_need_no_torch() -> None:
    """Of its kind: every command's help, every name and path that is wrong, and the label schema from Python."""
    code = f"""
import contextlib, io, sys
from redheart.cli import main
from redheart.configuration.labels import OUTPUTS
commands = ["analyze", "train", "create", "bench", "demo", "evaluate", "info", "memory", "serve", "quantize", "prune",
            "distill", "export", "sizes", "push", "params"]
wrong = [["analyze", "--model", "redheart-100", "x"], ["sizes", "redheart-100"], ["sizes", "--data", "absent"],
         ["evaluate", "redheart-100"], ["evaluate", "--data", "absent"], ["evaluate", "--set", "goemotion"],
         ["evaluate", "--rows", "absent.jsonl"], ["quantize", "redheart-100", "--to", "int8"],
         ["export", "redheart-100"], ["export", "--output-name", "verdct"], ["export", "--depth", "fats"],
         ["prune", "redheart-100", "--target", "1m", "--output", "x"], ["push", "redheart-100", "--repo", "me/mine"],
         ["info", "redheart-100"], ["serve", "--model", "redheart-100"], ["demo", "--model", "redheart-100"],
         ["params", "redheart-73m"], ["memory", "redheart-73m"], ["create", "redheart-73m"], ["train", "absent.yaml"],
         ["bench", "--preset", "redheart-73m"], ["bench", "--json", "absent/x.json"], ["analyze", "--file", "absent"]]
for arguments in [["--help"], ["--version"], *([name, "--help"] for name in commands), *wrong]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(arguments)
        except SystemExit as end:
            status = end.code
    assert (status == 0) == (arguments not in wrong), arguments
    assert bool(out.getvalue()) != bool(err.getvalue()), (arguments, err.getvalue())
print([name for name in {HEAVY} if name in sys.modules])
"""
    assert run(code) == "[]\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "first",
    [
        "import redheart",
        "import transformers; import redheart",
        "from redheart import RedHeartModel",
        "from redheart.modeling_redheart.layers import Linear",
        "from redheart.configuration.configuration_redheart import RedHeartConfig",
        "from redheart.storage.strict_loading import load_strict",
        "import redheart.data.rows; import torch",
        "import redheart; import transformers.models.bert.modeling_bert",
        AGAIN,
        "import importlib, redheart, transformers; importlib.reload(redheart)",
        FINDER
        + "sys.meta_path.insert(0, Finder('transformers.utils', lambda _: importlib.import_module('redheart')))\n"
        "import transformers",
        FINDER + REFUSED.format("transformers.utils.generic"),
        FINDER + REFUSED.format("redheart.names"),
        THREADS,
    ],
)
def test_transformers_knows_the_classes_whatever_comes_first(forks: Forks, first: str) -> None:
    """Of its kind: each road on which transformers may be imported, by the caller or by a module of ours."""
    assert forks.run(f"{first}\n{KNOWN}") == "[True, True] True redheart.hub_upload.push_to_hub []\n"


def test_it_gets_on_with_a_finder_that_asks_all_others() -> None:
    """Tools that trace imports bring such a one; each would ask the other for ever."""
    code = """
import importlib, sys, redheart
class Asks:
    def find_spec(self, *asked):
        return next((found for one in sys.meta_path if one is not self and (found := one.find_spec(*asked))), None)
sys.meta_path.insert(0, Asks())
import redheart.commands.read.texts
importlib.reload(redheart)
import redheart.commands.read.bars
print("transformers" in sys.modules)
"""
    assert run(code) == "False\n"


def test_what_there_is_not_is_an_attribute_error() -> None:
    code = "import redheart, redheart.configuration as c\nprint(hasattr(redheart, 'RedHart'), hasattr(c, 'RedHart'))"
    assert run(code) == "False False\n"
