# SPDX-License-Identifier: Apache-2.0
"""What an operator decides about clients that keep to OMTP less closely than it asks for."""

from __future__ import annotations

import msgspec

from vvm.domain.subscriber import ClientProfile, Manners


class OmtpSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Leniency towards clients; the defaults refuse what OMTP refuses."""

    lenient_clients: tuple[str, ...] = ()
    """Beginnings of ct= of clients whose unknown flags are ignored instead of refused."""
    manners: dict[str, Manners] = {}
    """Beginnings of ct= and the manners of such clients; of several that fit, the longest counts."""
    pin_change_before_login: bool = False
    """Take XCHANGE_TUI_PWD with USER= before login, as AT&T's client sends it when a PIN is too old."""

    def lenient(self, client: ClientProfile) -> bool:
        """Judged by what the client's SMS or the operator said of it, never by how it behaves."""
        return client.client_type.startswith(self.lenient_clients) if self.lenient_clients else False
