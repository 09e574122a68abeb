"""Tables of texts in, tables of readings out, on one machine or on many."""

from .columns import arrow_schema, columns_of
from .reader import Reader

__all__ = ["Reader", "arrow_schema", "columns_of"]
