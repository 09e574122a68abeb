"""A Hugging Face Space: a folder with ``app.py``, its requirements, the code that it needs, and the model.

Notable: the folder has a copy of the package, since no package index may have it. The requirements are the versions
that are installed here.
"""

import shutil
from importlib.metadata import version
from pathlib import Path

from ..configuration.shipped import DEFAULT_MODEL, PACKAGE
from ..storage.folders import new_folder, whole_or_nothing
from ..storage.strict_loading import checkpoint_path

_REQUIREMENTS = ("gradio", "numpy", "safetensors", "torch", "transformers")

# Texts and weights, without the bundled remote code: the app has the package.
_MODEL_FILES = ("*.json", "*.jinja", "*.safetensors", "*.txt", "SHA256SUMS", "README.md")
# More than the code and the tokenizers of the package take.
_CODE_BYTES = 8_000_000

_README = """---
title: Red Heart
emoji: ❤️
colorFrom: red
colorTo: blue
sdk: gradio
sdk_version: {gradio}
app_file: app.py
license: apache-2.0
short_description: Structured readings of texts about moral conflict
---

# Red Heart

Reads a text about a moral conflict and shows what it finds, how sure it is, and what it withholds: emotions and their
nuances and course, the felicific calculus, regret, what could have been, who is held to be in the wrong and how
acceptable the narrator's conduct is. Where it is not sure who is in the wrong, it says so. It is an aid for reading a
text, not a verdict about a person; it must not be used for decisions about people. Where a text mentions self-harm,
abuse or a child in danger, it says that no model should be relied on.

`pip install -r requirements.txt` and `python app.py` start the same page anywhere. `REDHEART_MODEL` names another model
(a folder or a Hub id) than the one in `model`.
"""


def write_space(folder: Path, model: str) -> Path:
    """Write the Space of a model.

    Args:
        folder: Where to write; it must not exist, or be empty.
        model: A shipped checkpoint, or a folder.

    Returns:
        ``folder``.

    Raises:
        FileExistsError: When ``folder`` is not empty.
        ValueError: When ``model`` is not on this machine.
    """
    place = Path(checkpoint_path(model))
    if not place.is_dir():
        raise ValueError(
            f"{model!r} is not a folder on this machine. Write the Space with a model that is, such as "
            f"{DEFAULT_MODEL}, and set its variable REDHEART_MODEL to the Hub id."
        )
    target = new_folder(folder)
    weights = sum(path.stat().st_size for pattern in _MODEL_FILES for path in place.glob(pattern))
    with whole_or_nothing(target, weights + _CODE_BYTES) as partial:
        _write(partial, place)
    return folder


def _write(folder: Path, model: Path) -> None:
    shutil.copytree(PACKAGE, folder / "redheart", ignore=shutil.ignore_patterns("__pycache__", "checkpoints"))
    shutil.copyfile(PACKAGE / "demo" / "app.py", folder / "app.py")
    (folder / "model").mkdir()
    for pattern in _MODEL_FILES:
        for path in model.glob(pattern):
            shutil.copyfile(path, folder / "model" / path.name)
    # "2.13.0+cpu" is a build of this machine's
    versions = {name: version(name).split("+")[0] for name in _REQUIREMENTS}
    lines = "".join(f"{name}=={number}\n" for name, number in versions.items())
    (folder / "requirements.txt").write_text(lines, encoding="utf-8")
    (folder / "README.md").write_text(_README.format(**versions), encoding="utf-8")
    (folder / ".gitattributes").write_text("*.safetensors filter=lfs diff=lfs merge=lfs -text\n", encoding="utf-8")


__all__ = ["write_space"]
