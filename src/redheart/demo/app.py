"""The app of a Hugging Face Space (see `space.py`), with the page of `redheart demo`.

    python app.py

Notable: imports are absolute, as a script needs. The environment variable ``REDHEART_MODEL`` names the model (a
shipped checkpoint, a folder, a Hub id); without it the app takes the folder ``model`` beside this file, or else the
default model of the commands. Gradio's own variables (``GRADIO_SERVER_NAME``, ``GRADIO_SERVER_PORT``) set the address,
which is loopback by default.
"""

import os
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from redheart.configuration.shipped import DEFAULT_MODEL, PACKAGE
from redheart.demo.page import build_page, launch_options
from redheart.modeling_redheart.modeling_redheart import RedHeartModel
from redheart.modeling_redheart.pipeline_redheart import TASK, EthicalAnalysisPipeline
from redheart.storage.strict_loading import checkpoint_path, load_strict


def load_pipeline(name: str) -> EthicalAnalysisPipeline:
    """Load the pipeline of a model.

    Args:
        name: A shipped checkpoint, a folder, or a Hub id.

    Returns:
        The pipeline.

    Raises:
        ValueError: When the checkpoint is not complete.
    """
    place = checkpoint_path(name)
    model: Any = load_strict(place, model_class=RedHeartModel)
    return EthicalAnalysisPipeline(model=model, tokenizer=AutoTokenizer.from_pretrained(place), task=TASK)


def model_name() -> str:
    """Return the name of the model to load; the module's docstring has the order of the choices."""
    beside = PACKAGE.with_name("model")
    return os.environ.get("REDHEART_MODEL") or (str(beside) if beside.is_dir() else DEFAULT_MODEL)


def main() -> None:
    """Load the model and serve the page until it is stopped."""
    name = model_name()
    page = build_page(load_pipeline(name), os.environ.get("REDHEART_MODEL_NAME") or Path(name).name)
    page.launch(**launch_options())


if __name__ == "__main__":
    main()
