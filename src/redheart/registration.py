"""Registers Red Heart with transformers: its config, its models and its pipeline.

Notable: importing transformers also imports torch, and both take seconds, for which `redheart --help` and a misspelt
name need not wait. So if transformers is not imported yet, registration waits for it: a finder watches the modules of
both packages. When transformers is there and none of them is half imported, it registers the classes and is removed.
"""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from threading import get_ident
from types import ModuleType
from typing import Any

_OURS = f"{__package__}."
_THEIRS = "transformers"


def register_with_transformers() -> None:
    """Register now, or as soon as transformers has been imported."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not _is_watch(finder)]  # left from before a reload
    if sys.modules.get(_THEIRS) is not None:
        import_module(_THEIRS)  # another thread may still be importing it: wait for that
    if _is_whole():
        register()
    else:
        sys.meta_path.insert(0, _Watch(register))


def _is_watch(finder: object) -> bool:
    return (type(finder).__module__, type(finder).__name__) == (__name__, _Watch.__name__)


def _is_whole() -> bool:
    """Whether transformers is there, and not in the middle of being imported."""
    module = sys.modules.get(_THEIRS)
    return module is not None and not getattr(module.__spec__, "_initializing", False)


def register() -> None:
    """Register config, models, pipeline and the names of what ships with transformers."""
    import torch
    import transformers
    from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

    from .configuration.configuration_redheart import RedHeartConfig
    from .configuration.shipped import DEFAULT_MODEL, PACKAGE
    from .methods import equip_classes
    from .modeling_redheart import RedHeartForSequenceClassification, RedHeartModel
    from .modeling_redheart.pipeline_redheart import register_pipeline
    from .names import install_names
    from .version import warn_of_untested

    AutoConfig.register(RedHeartConfig.model_type, RedHeartConfig, exist_ok=True)
    AutoModel.register(RedHeartConfig, RedHeartModel, exist_ok=True)
    AutoModelForSequenceClassification.register(RedHeartConfig, RedHeartForSequenceClassification, exist_ok=True)
    equip_classes()
    install_names()
    register_pipeline(PACKAGE / "checkpoints" / DEFAULT_MODEL)
    warn_of_untested({"torch": torch.__version__, "transformers": transformers.__version__})


class _Watch(MetaPathFinder):
    """Calls ``then`` until it succeeds once, when transformers is there and no module of the two is half imported."""

    def __init__(self, then: Callable[[], None]) -> None:
        self.then, self.open = then, 0
        self.asked: set[tuple[int, str]] = set()  # by thread: a finder that asks all others also asks this one

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec that later finders give, with a loader that reports when it is done."""
        question = get_ident(), fullname
        if not (fullname == _THEIRS or fullname.startswith((_OURS, f"{_THEIRS}."))) or question in self.asked:
            return None
        self.asked.add(question)
        try:
            spec = self._found(fullname, path, target)
        finally:
            self.asked.remove(question)
        if spec is not None and spec.loader is not None:
            spec.loader = _ReportingLoader(spec.loader, self)
        return spec

    def _found(self, *question: Any) -> ModuleSpec | None:
        finders: list[Any] = list(sys.meta_path)
        later = finders[finders.index(self) + 1 :] if self in finders else []
        found = (finder.find_spec(*question) for finder in later if hasattr(finder, "find_spec"))
        return next((spec for spec in found if spec is not None), None)

    def is_done(self, name: str) -> None:
        """Call ``then`` if possible, now that the module ``name`` is completely imported."""
        if self.open or self not in sys.meta_path or not (name == _THEIRS or _is_whole()):
            return
        self.open += 1  # it imports modules itself
        try:
            self.then()
        finally:
            self.open -= 1
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self]


class _ReportingLoader(Loader):
    """A loader that reports its begin and end to a `_Watch`, and otherwise is the loader that it wraps."""

    def __init__(self, loader: Loader, watch: _Watch) -> None:
        self.loader, self.watch = loader, watch

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Create the module like the wrapped loader."""
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Execute the module like the wrapped loader, which the module keeps."""
        module.__loader__ = self.loader
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        self.watch.open += 1
        try:
            self.loader.exec_module(module)
        finally:
            self.watch.open -= 1
        self.watch.is_done(module.__name__)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)


__all__ = ["register", "register_with_transformers"]
