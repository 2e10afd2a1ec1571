# SPDX-License-Identifier: Apache-2.0
"""Where IMAP meets the services: a subscriber's mailbox as an account, and OMTP's own commands."""

from vvm.fronts.imap.backend import ImapBackend
from vvm.fronts.imap.commands import ExtensionCommands
from vvm.fronts.imap.opened import MailServices
from vvm.fronts.imap.settings import OmtpSettings

__all__ = ["ExtensionCommands", "ImapBackend", "MailServices", "OmtpSettings"]
