"""How this machine talks to AWS: the environment (`SA_APPS_*`) before the defaults."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What is this machine's own; the region is the project's, see `config.conf`."""

    model_config = SettingsConfigDict(env_prefix="SA_APPS_", extra="ignore", env_ignore_empty=True)

    profile: str | None = None
    connect_seconds: float = Field(default=5.0, gt=0)
    read_seconds: float = Field(default=20.0, gt=0)
