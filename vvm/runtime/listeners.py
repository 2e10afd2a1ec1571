# SPDX-License-Identifier: Apache-2.0
"""Where the IMAP server listens: the addresses of the configuration, or the sockets of socket units."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from imap_server.server import Listener
from vvm.config.address import parse_address
from vvm.config.sections import ImapSection
from vvm.runtime.systemd import Socket, Systemd


def imap_listeners(imap: ImapSection, systemd: Systemd, *, share_ports: bool) -> list[Listener]:
    """Sockets of a kind take the place of all addresses of that kind."""
    return [
        *_of_kind(imap.listen, systemd.taken(Socket.IMAP), implicit_tls=False, share_ports=share_ports),
        *_of_kind(
            imap.listen_tls, systemd.taken(Socket.IMAP_TLS), implicit_tls=True, share_ports=share_ports
        ),
    ]


def _of_kind(
    texts: Sequence[str], taken: Sequence[socket.socket], *, implicit_tls: bool, share_ports: bool
) -> list[Listener]:
    if taken:
        return [Listener("", 0, implicit_tls=implicit_tls, given=given) for given in taken]
    return [
        Listener(address.host, address.port, implicit_tls=implicit_tls, reuse_port=share_ports)
        for address in map(parse_address, texts)
    ]
