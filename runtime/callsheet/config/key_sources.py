"""Fetch a key from where a profile says that it is: a command's output, or the system's keyring."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from callsheet.errors import AuthError, CallsheetError, UsageError
from callsheet.secret import Secret
from callsheet.system import is_own, may_others

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS = 120
_OTHERS_MAY_WRITE = 0o022


def run_command(command: str) -> str:
    """Run a command without a shell; return the first line that it prints.

    It may ask at the terminal, for two minutes. Raises ``UsageError`` for no command and
    ``AuthError`` where it prints nothing, fails or takes longer; what it prints is not repeated.
    """
    import shlex
    import subprocess

    try:
        words = shlex.split(command)
    except ValueError as error:
        words = []
        raise UsageError(f"--api-key-command: {error}", flag="--api-key-command") from None
    if not words:
        raise UsageError("--api-key-command is empty", flag="--api-key-command")
    try:
        done = subprocess.run(  # noqa: S603 - no shell; the user's own words
            words, stdout=subprocess.PIPE, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        why = getattr(error, "strerror", None) or f"it took over {_SECONDS} s"
        raise _failed(words[0], why) from None
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    if done.returncode or not lines or not lines[0].strip():
        raise _failed(words[0], f"exit {done.returncode}" if done.returncode else "no output")
    return lines[0].strip()


def _failed(word: str, why: str) -> AuthError:
    return AuthError(
        f"the command {word} gives no key: {why}",
        hint="run it yourself; login --api-key-command CMD names another",
    )


def open_keyring() -> Any:
    """Return the module of the system's keyring; raise ``UsageError`` where it is not installed."""
    from importlib import import_module

    try:
        return import_module("keyring")
    except ImportError:
        raise UsageError(
            "keys in the system's keyring need the package keyring",
            hint='pip install "callsheet[keyring]"',
            flag="--keyring",
        ) from None


def store_in_keyring(service: str, profile: str, origin: str, key: Secret) -> None:
    """Store the key of an origin in the system's keyring; raise ``CallsheetError`` if that fails.

    ``service`` is the program, whose name the system shows.
    """
    try:
        open_keyring().set_password(service, f"{profile} {origin}", key.reveal())
    except UsageError:
        raise
    except Exception as error:  # each system's keyring has errors of its own
        raise _refused(error) from None


def forget_in_keyring(service: str, profile: str, origin: str) -> None:
    """Delete the key of an origin from the system's keyring, if it is there."""
    from contextlib import suppress

    with suppress(Exception):  # each system's keyring has errors of its own
        open_keyring().delete_password(service, f"{profile} {origin}")


def _read_keyring(service: str, profile: str, origin: str) -> str:
    try:
        key = open_keyring().get_password(service, f"{profile} {origin}")
    except UsageError:
        raise
    except Exception as error:  # each system's keyring has errors of its own
        raise _refused(error) from None
    if not isinstance(key, str) or not key:
        raise AuthError(
            f"the system's keyring holds no key for {origin}",
            hint=f"login --host {origin} --keyring",
        )
    return key


def _refused(error: Exception) -> CallsheetError:
    return CallsheetError(
        f"the system's keyring cannot be used: {type(error).__name__}",
        hint="unlock it, or log in without --keyring",
    )


def secret_of(source: Mapping[str, Any], path: str, profile: str, origin: str) -> Secret | None:
    """Return the key that a source of a profile gives when it is needed; ``None`` for no source.

    The file at ``path`` names the source: where others may write it, its command is not run.
    """
    if isinstance(service := source.get("keyring"), str):
        return Secret.later(partial(_read_keyring, service, profile, origin))
    if isinstance(command := source.get("command"), str):
        return Secret.later(partial(_run_from, path, command))
    return None


def _run_from(path: str, command: str) -> str:
    """Run the command that a file names; raise ``AuthError`` where others may write the file."""
    status = os.stat(path)
    if not is_own(status) or may_others(status, _OTHERS_MAY_WRITE):
        raise AuthError(
            f"others may write {path}, so the command in it is not run", hint=f"chmod 600 {path}"
        )
    return run_command(command)
