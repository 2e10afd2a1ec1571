# SPDX-License-Identifier: Apache-2.0
"""Let a peer in or refuse it: the one place behind LOGIN and every SASL mechanism.

Handsets compare the refusal with the texts of the specification octet by octet
(spec/omtp-vvm.md 9.5), so what the backend says goes out verbatim.  Every refusal is held back
for the same time, whatever its reason, which slows guessing and hides how long the check took.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from imap_server.backend import Account, Denied, NotAllowed, Unavailable
from imap_server.capabilities import capabilities
from imap_server.errors import No
from imap_server.metrics import Limit
from imap_server.session import Session

log = structlog.get_logger(__name__)

_LONGEST_LOGGED = 64
"""Of a name that nobody has vouched for."""


def require_privacy(session: Session) -> None:
    """Raises NotAllowed where a password would cross the network in clear (row TLS-06)."""
    if session.settings.require_tls and not session.peer.tls:
        session.metrics.login("refused_in_clear")
        raise NotAllowed


async def admit(session: Session, opening: Awaitable[Account], claimed: Callable[[], str]) -> None:
    """Open the account and answer OK, or answer NO; raises No when the storage is out of reach.

    ``claimed`` tells who the peer says it is, for the log: a mechanism learns that on the way.
    """
    try:
        account = await opening
    except Denied as denied:
        log.info(
            "login_denied",
            reason=denied.text,
            user=_logged(claimed()),
            address=session.peer.address,
            connection=session.peer.connection_id,
        )
        session.metrics.login("denied")
        await session.link.pause(session.settings.failed_login_seconds)
        session.no(denied.text, code=denied.code)
        session.failed_logins += 1
        if session.failed_logins >= session.settings.max_failed_logins:
            session.end(Limit.FAILED_LOGINS)
        return
    except Unavailable as outage:
        user = _logged(claimed())
        log.warning("login_unavailable", user=user, connection=session.peer.connection_id)
        session.metrics.login("unavailable")
        raise No("application error", code="UNAVAILABLE") from outage
    session.metrics.login("ok")
    session.enter(account)
    session.ok("logged in", code=f"CAPABILITY {capabilities(session).decode()}")


def _logged(claimed: str) -> str:
    """A name for the log, if it has the form of one: people type passwords into the wrong field."""
    return claimed[:_LONGEST_LOGGED] if "@" in claimed else "(not an address)"
