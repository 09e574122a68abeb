"""The recipe for a new analyzer, followed: six places in a copy of the sources, and then everything works for it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import redheart

PACKAGE = Path(redheart.__file__).parent  # real folders or links; a copy follows them
STEPS = Path(__file__).with_name("new_analyzer_steps.py")

pytestmark = pytest.mark.slow

MODULE = '''"""Hope: how far the narrator trusts that things go well, soon and in the end."""

from typing import Any

from torch import Tensor

from ..configuration.configuration_redheart import RedHeartConfig
from .context import Context
from .heads import Reader
from .layers import Readout
from .outputs import HopeOutput


class HopeReader(Reader):
    """A token for each of the two."""

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__(config, "hope_reader", 2)
        self.readout = Readout(config, self.size.readout, 2)

    def inputs(self, context: Context) -> tuple[Any, ...]:
        """The latents."""
        return (context.latents,)

    def forward(self, latents: Tensor) -> HopeOutput:
        """latents: (batch, latents, hidden)."""
        tokens, state = self.read(latents)
        return HopeOutput(scores=self.readout(tokens).squeeze(-1).sigmoid(), state=state)


__all__ = ["HopeReader"]
'''
CLAIM = """    Claim(
        name="hope", output="hope", tensor="hope.scores", kind=Kind.VALUE, place="hope", axes=(("soon", "late"),),
        target="hope_labels", modules=("hope_reader",),
    ),
"""
OUTPUT = '''@dataclass
class HopeOutput(ModelOutput):
    """How hopeful the narrator is."""

    scores: Tensor | None = None  # (batch, 2), 0..1
    state: Tensor | None = None  # (batch, hidden)


'''

# File -> what stands before it, and what is put there: the six steps of CONTRIBUTING, in their order.
EDITS: tuple[tuple[str, str, str], ...] = (
    ("configuration/claims.py", ")  # fmt: skip\n\n# Claims whose loss is predicted", CLAIM),
    ("modeling_redheart/outputs.py", "@dataclass\nclass VerdictOutput", OUTPUT),
    ("modeling_redheart/outputs.py", "    verdict: VerdictOutput | None = None\n    expected_loss",
     "    hope: HopeOutput | None = None\n"),
    ("configuration/components.py", '        Component("cache"', '        _analyzer("hope_reader", "hope"),\n'),
    ("modeling_redheart/composition.py", '    "bridge": ModuleBridge,', '    "hope_reader": HopeReader,\n'),
    ("modeling_redheart/composition.py", "from .perspectives import", "from .hope import HopeReader\n"),
    ("demo/names.py", '    "risk": {', '    "hope": {"soon": ("soon", "곧"), "late": ("in the end", "결국")},\n'),
    ("demo/names.py", '        "rationale": (', '        "hope": ("hope", "희망"),\n'),
    ("demo/names.py", '        "perspectives": ("perspectives"', '        "hope_reader": ("hope", "희망 모듈"),\n'),
)  # fmt: skip


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the package that has one more analyzer."""
    root = tmp_path_factory.mktemp("extended")
    package = root / "redheart"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", "checkpoints"))
    (package / "modeling_redheart" / "hope.py").write_text(MODULE, encoding="utf-8")
    for name, before, new in EDITS:
        path = package / name
        source = path.read_text(encoding="utf-8")
        assert source.count(before) == 1, (name, before)
        path.write_text(source.replace(before, new + before), encoding="utf-8")
    return root


def test_six_places_suffice(extended: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(STEPS), str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(extended), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert [line for line in done.stdout.splitlines() if not line.startswith("{")] == [  # what a trainer logs
        "withheld", "trained", "reported", "evaluated", "printed", "served", "drawn", "distilled", "exported", "carded",
        "bundled",
    ]  # fmt: skip
