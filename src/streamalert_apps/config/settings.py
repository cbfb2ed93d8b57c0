"""How this machine talks to AWS: environment (`SA_APPS_*`) before project file before default."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict


class Settings(BaseSettings):
    """Values given to the constructor are the project's; `SA_APPS_REGION` and the like override them."""

    model_config = SettingsConfigDict(env_prefix="SA_APPS_", extra="ignore", env_ignore_empty=True)

    region: str = ""
    profile: str | None = None
    connect_seconds: float = Field(default=5.0, gt=0)
    read_seconds: float = Field(default=20.0, gt=0)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 (the signature is pydantic's)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the project."""
        return env_settings, init_settings
