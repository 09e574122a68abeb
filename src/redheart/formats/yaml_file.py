"""YAML files that people write: recipes of runs, facts about data."""

from pathlib import Path
from typing import Any

import yaml

from ..configuration.errors import InputError

_PREFIX = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """Loader whose keys are texts (``yes`` is the text "yes", not true) and unique."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.tag == f"{_PREFIX}bool":
                key.tag = f"{_PREFIX}str"
            name = key.value if isinstance(key.value, str) else None
            if name in seen and key.tag != f"{_PREFIX}merge":
                raise yaml.constructor.ConstructorError(None, None, f"the key {name!r} is there twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; `InputError` with the file and the place if it is not valid."""
    try:
        return yaml.load(path.read_text(encoding="utf-8-sig"), Loader=_Loader)
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text ({error}). Save it as UTF-8.") from error


__all__ = ["read_yaml"]
