# SPDX-License-Identifier: Apache-2.0
"""The name of a mailbox that stays when it is renamed (RFC 8474); that of a message is its record's."""

from __future__ import annotations

from imap_server.backend import MailboxStatus, Snapshot


def mailbox_id(mailbox: MailboxStatus | Snapshot) -> str:
    """The backend's, else UIDVALIDITY in the same form."""
    return mailbox.mailbox_id or f"F{mailbox.uid_validity}"
