"""Packs a checkpoint as a wheel of its own, which an installed redheart finds by the checkpoint's name.

    python -m redheart.recipes.data_wheel RUN/redheart-mini --output dist
    pip install dist/redheart_mini-0.1.0-py3-none-any.whl   # then: redheart analyze --model redheart-mini "..."

The wheel holds the folder as it is, and an entry point `redheart.checkpoints` with its name. It needs redheart of the
version that packed it, or a newer one.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from ..configuration.labels import closest
from ..configuration.shipped import CHECKPOINTS, preset_names
from ..storage.strict_loading import load_strict
from ..version import __version__

_PROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "{version}"
description = "The trained weights of {name}, for redheart"
license = "Apache-2.0"
requires-python = ">=3.11"
dependencies = ["redheart>={version}"]

[project.entry-points."{group}"]
{name} = "{module}"

[tool.setuptools]
packages = ["{module}"]

[tool.setuptools.package-data]
{module} = ["*"]
"""


def write_project(checkpoint: Path, folder: Path) -> None:
    """Write the project that the wheel is built from.

    Args:
        checkpoint: Folder of the checkpoint; its name is that of the model.
        folder: Folder to write to.

    Raises:
        ValueError: For a folder that is not named like a preset, and for one that does not load strictly.
    """
    name = checkpoint.resolve().name
    if name not in preset_names():
        raise ValueError(f"The folder must have the name of its preset, got {name!r}; {closest(name, preset_names())}")
    load_strict(checkpoint)
    module = name.replace("-", "_")
    shutil.copytree(checkpoint, folder / module)
    (folder / module / "__init__.py").write_text(f'"""The trained weights of {name}."""\n', encoding="utf-8")
    content = _PROJECT.format(name=name, module=module, version=__version__, group=CHECKPOINTS)
    (folder / "pyproject.toml").write_text(content, encoding="utf-8")


def build_wheel(checkpoint: Path, output: Path) -> Path:
    """Write the wheel of ``checkpoint`` to the folder ``output``.

    Args:
        checkpoint: Folder of the checkpoint; its name is that of the model.
        output: Folder to write to, which is made.

    Returns:
        The wheel.

    Raises:
        ValueError: As `write_project`.
        CalledProcessError: When the build fails; pip has printed why.
    """
    with TemporaryDirectory() as project:
        write_project(checkpoint, Path(project))
        built = Path(project) / "wheels"
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(built), project]
        subprocess.run(command, check=True)
        (wheel,) = built.glob("*.whl")
        output.mkdir(parents=True, exist_ok=True)
        return Path(shutil.move(wheel, output / wheel.name))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, help="folder of the checkpoint, named like its preset")
    parser.add_argument("--output", type=Path, default=Path("dist"), help="folder to write to (default: %(default)s)")
    args = parser.parse_args()
    print(build_wheel(args.checkpoint, args.output))


if __name__ == "__main__":
    main()
