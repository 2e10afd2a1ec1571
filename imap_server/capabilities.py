# SPDX-License-Identifier: Apache-2.0
"""Which capabilities a client is shown, and when (RFC 3501 section 7.2.1, spec/omtp-vvm.md 23).

The order and the capitals are fixed: AOSP compares whole tokens in capitals.
"""

from __future__ import annotations

from collections.abc import Iterable

from imap_server.auth.mechanisms import offered
from imap_server.session import Session, State


def capabilities(session: Session) -> bytes:
    """The capability list for this moment, without the word CAPABILITY.

    STARTTLS is never shown inside TLS: AOSP would start it again (row TLS-02).  Login mechanisms
    are shown only where a login would be taken.  Literals without a continuation (RFC 7888) are
    taken in either case; LITERAL- only asks clients to use them for short ones.
    """
    names = [b"IMAP4rev1"]
    if session.state is State.NOT_AUTHENTICATED:
        if session.tls_available and not session.peer.tls:
            names.append(b"STARTTLS")
        if session.peer.tls or not session.settings.require_tls:
            names += [b"AUTH=" + name for name in _mechanisms(session)]
            names.append(b"SASL-IR")
        else:
            names.append(b"LOGINDISABLED")
    literals = b"LITERAL+" if session.settings.literal_plus else b"LITERAL-"
    return b" ".join([*names, *session.capabilities, literals])


def _mechanisms(session: Session) -> Iterable[bytes]:
    bound = session.peer.end_point is not None
    return offered(session.settings.sasl_mechanisms, session.backend, bound=bound)
