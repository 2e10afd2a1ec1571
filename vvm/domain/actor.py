# SPDX-License-Identifier: Apache-2.0
"""Who acts: named once, where a request comes in, and read where a transition is audited.

A context variable, as a request id is in a log: every use case between would only hand it on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_actor: ContextVar[str] = ContextVar("actor", default="")


def actor() -> str:
    """``api:`` and the name of a token, ``cli:`` and that of a user of the machine; "" for a handset and for
    what the service does by itself."""
    return _actor.get()


@contextmanager
def acting_as(name: str) -> Iterator[None]:
    """Within, and in every task that begins within, this is who acts."""
    token = _actor.set(name)
    try:
        yield
    finally:
        _actor.reset(token)
