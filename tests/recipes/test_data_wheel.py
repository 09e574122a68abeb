"""A checkpoint in a wheel of its own: an installed redheart finds it by its name."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from redheart.recipes.data_wheel import build_wheel, write_project
from redheart.recipes.ship import ship

READER = """
from transformers import AutoModel
import redheart
from redheart.configuration.shipped import list_checkpoints
assert "redheart-tiny" in list_checkpoints()
model = AutoModel.from_pretrained("redheart-tiny")
print(sum(parameter.numel() for parameter in model.parameters()))
"""


@pytest.mark.slow
def test_a_wheel_is_found_by_the_name_of_its_checkpoint(tiny: Path, tmp_path: Path) -> None:
    ship(tiny, tmp_path / "redheart-tiny", "int8")
    try:
        wheel = build_wheel(tmp_path / "redheart-tiny", tmp_path / "dist")
    except subprocess.CalledProcessError:
        pytest.skip("setuptools cannot be had from the package registry here")
    assert wheel.name.startswith("redheart_tiny-")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    paths = os.pathsep.join([str(tmp_path / "installed"), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-W", "ignore", "-c", READER]
    environment = {**os.environ, "PYTHONPATH": paths, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=environment, cwd=tmp_path / "dist", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0


def test_only_a_whole_checkpoint_of_a_known_name_is_packed(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(ValueError, match="name of its preset, got 'mine'"):
        write_project(tmp_path / "mine", tmp_path / "project")
    (tmp_path / "redheart-mini").mkdir()
    with pytest.raises(ValueError, match="redheart-mini"):
        write_project(tmp_path / "redheart-mini", tmp_path / "project")
