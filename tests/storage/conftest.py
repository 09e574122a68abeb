"""The fixtures of the hub, for the folders that are made for it."""

from ..hub_upload.conftest import _offline as _offline
from ..hub_upload.conftest import hub as hub
from ..hub_upload.conftest import tiny as tiny
