"""The base of every generated model: fields by either name, unknown ones kept."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, RootModel

__all__ = ["Field", "Model", "RootModel"]


class Model(BaseModel):
    """What was set goes out, by wire name; what came in stays, known or not."""

    model_config = ConfigDict(extra="allow", populate_by_name=True, protected_namespaces=())
