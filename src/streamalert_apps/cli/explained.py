"""Whatever a command raises, as an error with words for a person."""

from __future__ import annotations

import errno
import os
import sys
from typing import Final

from streamalert_apps.cli.terminal import output
from streamalert_apps.errors import AppError, ConfigError, UsageError

_CANNOT_BE_WRITTEN: Final = {errno.EACCES, errno.EDQUOT, errno.ENOSPC, errno.EPERM, errno.EROFS}


def explained(error: Exception) -> AppError:
    """Return the error as one of ours."""
    if isinstance(error, AppError):
        return error
    if isinstance(error, OSError) and error.errno in _CANNOT_BE_WRITTEN:
        if not error.filename:  # a stream has none
            return AppError(f"The output can't be written: {error.strerror}.")
        return ConfigError(f"{error.filename} can't be written: {error.strerror}.")
    if isinstance(error, FileNotFoundError) and not error.filename:  # of all calls, only getcwd names none
        return ConfigError("The current folder is gone.", hint="Change to a folder that is there.")
    if hasattr(error, "format_message"):  # Typer's; it has no public name for them
        context = getattr(error, "ctx", None)
        shown = f"`{context.command_path} --help` shows how it is used." if context else ""
        return UsageError(error.format_message(), hint=shown)
    if "botocore" in sys.modules:
        from botocore.exceptions import BotoCoreError, ClientError

        from streamalert_apps.aws.trouble import explain

        if isinstance(error, BotoCoreError | ClientError):
            return explain(error)
    return _unexpected(error)


def _unexpected(error: Exception) -> AppError:
    import traceback
    from tempfile import NamedTemporaryFile

    if os.environ.get("SA_APPS_DEBUG"):
        output.say("".join(traceback.format_exception(error)).rstrip())
        return AppError(f"Something unexpected happened: {type(error).__name__}.")
    told = f"Something unexpected happened: {type(error).__name__}."
    try:
        with NamedTemporaryFile("w", prefix="sa-apps-", suffix=".log", delete=False, encoding="utf-8") as log:
            log.write(output.masked("".join(traceback.format_exception(error))))
    except OSError:  # there is no folder for temporary files, or no room in it
        return AppError(told, hint="Please report it; with SA_APPS_DEBUG=1 it shows where.")
    return AppError(told, hint=f"Please report it with {log.name}, which says where.")
