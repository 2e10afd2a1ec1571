# SPDX-License-Identifier: Apache-2.0
"""Where log events go, and what never gets there.

Numbers of people are masked wherever they stand and secrets are stars, whoever logged them: a log is
copied to places that the database never goes to.  The standard library's records (aiohttp, asyncio) take
the same way.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor

from vvm.domain.secrets import Secret

_NUMBERS = frozenset({"msisdn", "recipient", "originator", "caller"})
_SECRETS = frozenset({"password", "pin", "token", "secret", "authorization"})
_NAMES = frozenset({"token_name"})
"""What operators named themselves to know it again: in full, also where it is all digits."""
_SHOWN_DIGITS = 4
_STARS = "***"
_NUMBER_IN_TEXT = re.compile(r"(?<![0-9A-Za-z.])\+?[0-9]{9,15}(?![0-9A-Za-z.])")
"""What looks like a number of a person, wherever it stands: in a user name, a key, an address."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What a stranger could steer an operator's terminal with."""

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["console", "json"]


def configure(level: Level, format_: Format, *, stream: TextIO | None = None) -> None:
    """Send events of ``level`` and above to ``stream`` (stderr), for people or as a JSON object a line."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        mask,
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(format_, colors=handler.stream.isatty()),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(threshold)
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def mask(logger: object, method: str, event: EventDict) -> EventDict:
    """The processor: numbers of people keep their last digits, secrets nothing."""
    del logger, method
    for key, value in event.items():
        if key != "exc_info":
            event[key] = _masked(key, value)
    return event


def _masked(key: str, value: object) -> object:
    if isinstance(value, Secret) or key in _SECRETS:
        return _STARS
    if key in _NUMBERS and value is not None:
        return masked_number(str(value))
    if isinstance(value, str):
        shown = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", value)
        return shown if key in _NAMES else _NUMBER_IN_TEXT.sub(lambda found: masked_number(found[0]), shown)
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(key, item) for item in value]
    if isinstance(value, MutableMapping):
        return {inner: _masked(str(inner), item) for inner, item in value.items()}
    return value


def masked_number(number: str) -> str:
    """``+33612345678`` as ``+*******5678``; a short number is all stars."""
    plus = "+" if number.startswith("+") else ""
    digits = number.removeprefix("+")
    shown = digits[-_SHOWN_DIGITS:] if len(digits) > 2 * _SHOWN_DIGITS else ""
    return plus + "*" * (len(digits) - len(shown)) + shown


def _renderers(format_: Format, *, colors: bool) -> list[Processor]:
    # Tracebacks without the values of local variables, which the defaults would show.
    if format_ == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    return [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)]
