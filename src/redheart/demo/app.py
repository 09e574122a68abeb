"""The app: `redheart demo` runs it, and as ``app.py`` of a Hugging Face Space (see `space.py`) it runs by itself.

    python app.py

Notable: imports are absolute, as a file that is run by itself needs. The model is what the environment's
``REDHEART_MODEL`` names (a checkpoint that ships, a folder, a Hub id), else the folder ``model`` beside this file, else
the default of every command. Gradio's own variables (``GRADIO_SERVER_NAME``, ``GRADIO_SERVER_PORT``) say where;
loopback by default.
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
    """The pipeline of a checkpoint that ships, a folder or a Hub id. Raises `ValueError` for what is not whole."""
    place = checkpoint_path(name)
    model: Any = load_strict(place, model_class=RedHeartModel)
    return EthicalAnalysisPipeline(model=model, tokenizer=AutoTokenizer.from_pretrained(place), task=TASK)


def model_name() -> str:
    """Which model to load; see the module."""
    beside = PACKAGE.with_name("model")
    return os.environ.get("REDHEART_MODEL") or (str(beside) if beside.is_dir() else DEFAULT_MODEL)


def main() -> None:
    """Load the model and serve the page until it is stopped."""
    name = model_name()
    page = build_page(load_pipeline(name), os.environ.get("REDHEART_MODEL_NAME") or Path(name).name)
    page.launch(**launch_options())


if __name__ == "__main__":
    main()
