"""Makes transformers know Red Heart: its config, its models and its pipeline.

Notable: transformers brings torch, and both take seconds, which `redheart --help` and a misspelt name need not wait
for. So where transformers is not there yet, it is waited for: a finder looks out for the modules of both packages, and
when transformers is there and none of them is half imported any more, the classes are registered and the finder goes.
"""

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_OURS = f"{__package__}."
_THEIRS = "transformers"


def register_with_transformers() -> None:
    """Register now, or as soon as transformers has been imported."""
    if _THEIRS in sys.modules:
        register()
    else:
        sys.meta_path.insert(0, _Watch(register))


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
    """Calls ``then``, once, when transformers is there and no module of either package is half imported."""

    def __init__(self, then: Callable[[], None]) -> None:
        self.then, self.open = then, 0

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What the other finders find, with a loader that tells when it is done."""
        if fullname != _THEIRS and not fullname.startswith(_OURS):
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None:
                spec.loader = None if spec.loader is None else _Told(spec.loader, self)
                return spec
        return None

    def is_done(self) -> None:
        """A module was imported whole."""
        if self.open == 0 and _THEIRS in sys.modules and self in sys.meta_path:
            sys.meta_path.remove(self)
            self.then()


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
        self.watch.is_done()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)


__all__ = ["register", "register_with_transformers"]
