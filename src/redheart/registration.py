"""Makes transformers know Red Heart: its config, its models and its pipeline.

Notable: transformers brings torch, and both take seconds, which `redheart --help` and a misspelt name need not wait
for. So where transformers is not there yet, it is waited for: a finder looks out for the modules of both packages, and
when transformers is there and none of them is half imported any more, the classes are registered and the finder goes.
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
    sys.meta_path[:] = [finder for finder in sys.meta_path if not _is_watch(finder)]  # of this package before a reload
    if sys.modules.get(_THEIRS) is not None:
        import_module(_THEIRS)  # which another thread may not have done importing: it waits for that
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
    from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

    from .configuration.configuration_redheart import RedHeartConfig
    from .configuration.shipped import DEFAULT_MODEL, PACKAGE
    from .methods import equip_classes
    from .modeling_redheart import RedHeartForSequenceClassification, RedHeartModel
    from .modeling_redheart.pipeline_redheart import register_pipeline
    from .names import know_names

    AutoConfig.register(RedHeartConfig.model_type, RedHeartConfig, exist_ok=True)
    AutoModel.register(RedHeartConfig, RedHeartModel, exist_ok=True)
    AutoModelForSequenceClassification.register(RedHeartConfig, RedHeartForSequenceClassification, exist_ok=True)
    equip_classes()
    know_names()
    register_pipeline(PACKAGE / "checkpoints" / DEFAULT_MODEL)


class _Watch(MetaPathFinder):
    """Calls ``then``, until it has succeeded once, when transformers is there and no module of either package is half
    imported."""

    def __init__(self, then: Callable[[], None]) -> None:
        self.then, self.open = then, 0
        self.asked: set[tuple[int, str]] = set()  # by thread: a finder that asks all others asks this one back

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What the finders behind it find, with a loader that tells when it is done."""
        question = get_ident(), fullname
        if not (fullname == _THEIRS or fullname.startswith((_OURS, f"{_THEIRS}."))) or question in self.asked:
            return None
        self.asked.add(question)
        try:
            spec = self._found(fullname, path, target)
        finally:
            self.asked.remove(question)
        if spec is not None and spec.loader is not None:
            spec.loader = _Told(spec.loader, self)
        return spec

    def _found(self, *question: Any) -> ModuleSpec | None:
        finders: list[Any] = list(sys.meta_path)
        behind = finders[finders.index(self) + 1 :] if self in finders else []
        found = (finder.find_spec(*question) for finder in behind if hasattr(finder, "find_spec"))
        return next((spec for spec in found if spec is not None), None)

    def is_done(self, name: str) -> None:
        """The module ``name`` was imported whole."""
        if self.open or self not in sys.meta_path or not (name == _THEIRS or _is_whole()):
            return
        self.open += 1  # it imports modules itself
        try:
            self.then()
        finally:
            self.open -= 1
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self]


class _Told(Loader):
    """A loader that tells a `_Watch` when it begins and ends; in all else the one it stands for."""

    def __init__(self, loader: Loader, watch: _Watch) -> None:
        self.loader, self.watch = loader, watch

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As the loader it stands for."""
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """As the loader it stands for, which the module keeps."""
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
