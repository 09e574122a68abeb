"""A client of `redheart serve`: texts in, readings out, without torch, transformers or any other package.

    with Client("http://127.0.0.1:8000") as client:
        print(client.read("I told her secret.").verdict)

What can go wrong is in `redheart.configuration.errors`, below `ServerError`.
"""

from ..serving.limits import Limits
from ..serving.wire import Fault, ModelFacts, Problem
from .client import Client, ReadOptions
from .reading import Reading

__all__ = ["Client", "Fault", "Limits", "ModelFacts", "Problem", "ReadOptions", "Reading"]
