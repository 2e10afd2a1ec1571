# SPDX-License-Identifier: Apache-2.0
"""The configuration as one struct: a section a room, and each room owns the struct of its section."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from imap_server.settings import ImapSettings
from sms_gateway.kannel.settings import KannelSettings
from sms_gateway.settings import SmscSettings
from vvm.fronts.asterisk.settings import AsteriskSettings
from vvm.fronts.http.settings import HttpSettings
from vvm.fronts.imap.settings import OmtpSettings
from vvm.services.settings import (
    DepositSettings,
    DeviceSettings,
    FolderSettings,
    MasterSettings,
    NotificationSettings,
    PinSettings,
    RedeliverySettings,
    RetentionSettings,
    SelfServiceSettings,
    ServiceSettings,
    WebhookSettings,
)
from vvm.store.blobs.settings import BlobSettings
from vvm.store.settings import HintSettings, PostgresSettings

SQLITE = "sqlite:///"
POSTGRES = ("postgresql://", "postgres://")


class StateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the server makes for itself.  Relative paths start at the working directory."""

    directory: str = "var"
    """Where keys, tokens and certificates are put that are made at the first start."""


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where subscribers and messages are."""

    url: str = "sqlite:///var/vvm.db"
    """sqlite:///PATH (an absolute path makes four slashes in a row), or postgresql://USER@HOST/DATABASE."""
    postgres: PostgresSettings = PostgresSettings()

    @property
    def path(self) -> Path | None:
        """The file of a SQLite store; None when the store is no file."""
        return Path(self.url.removeprefix(SQLITE)) if self.url.startswith(SQLITE) else None


class SecretsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The key that the passwords in the store are sealed with.  Keep a copy away from the store's."""

    master_key_file: str = ""
    """File with 32 octets; "" makes master.key in state.directory at the first start."""


class TlsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What IMAP shows to handsets; its name must be vvm.imap_host."""

    certificate: str = ""
    """PEM file with the certificate and its chain; "" makes a self-signed one at the first start."""
    key: str = ""
    """PEM file with the private key; "" together with the certificate."""


class ImapSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where handsets fetch messages."""

    listen: tuple[str, ...] = ("127.0.0.1:1143",)
    """Addresses and ports for STARTTLS."""
    listen_tls: tuple[str, ...] = ("127.0.0.1:1993",)
    """Addresses and ports for TLS from the first octet."""
    proxies: tuple[str, ...] = ()
    """Networks of the load balancers in front: with any, every connection must come from one of them and
    begin with a PROXY header (version 1 or 2), and limits by address are for the client that it names."""
    drain_seconds: float = 5.0
    """How long a stop waits for commands that run."""
    omtp: OmtpSettings = OmtpSettings()
    folders: FolderSettings = FolderSettings()
    master: MasterSettings = MasterSettings()
    limits: ImapSettings = ImapSettings()


class SmsSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How notifications leave, and how handsets' requests come in."""

    kannel_listen: str = "127.0.0.1:8081"
    """Address and port where every [[sms.kannel]] reports; nothing listens where there is none."""
    redelivery: RedeliverySettings = RedeliverySettings()
    smsc: tuple[SmscSettings, ...] = ()
    kannel: tuple[KannelSettings, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Of all routes to the handsets."""
        return (*(smsc.name for smsc in self.smsc), *(kannel.name for kannel in self.kannel))


class LogSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is written to stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe events that are written."""
    format: Literal["console", "json"] = "console"
    """For people, or one JSON object a line."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that an operator decides."""

    state: StateSettings = StateSettings()
    store: StoreSettings = StoreSettings()
    hints: HintSettings = HintSettings()
    blobs: BlobSettings = BlobSettings()
    secrets: SecretsSettings = SecretsSettings()
    tls: TlsSettings = TlsSettings()
    imap: ImapSection = ImapSection()
    http: HttpSettings = HttpSettings()
    vvm: ServiceSettings = ServiceSettings()
    pin: PinSettings = PinSettings()
    """The PIN of the telephone menus."""
    device: DeviceSettings = DeviceSettings()
    """Clients with credentials of their own, beside the one that STATUS activates."""
    self_service: SelfServiceSettings = SelfServiceSettings()
    deposit: DepositSettings = DepositSettings()
    """Which audio becomes a message, whichever front brings it."""
    notification: NotificationSettings = NotificationSettings()
    """How long, and how often, a phone is tried to be told."""
    retention: RetentionSettings = RetentionSettings()
    webhook: WebhookSettings = WebhookSettings()
    """How an operator's systems are told of events."""
    sms: SmsSection = SmsSection()
    asterisk: AsteriskSettings | None = None
    log: LogSettings = LogSettings()

    @property
    def master_key_path(self) -> Path:
        return self._path(self.secrets.master_key_file, "master.key")

    @property
    def hints_directory(self) -> Path:
        return self._path(self.hints.directory, "hints")

    @property
    def admin_token_path(self) -> Path:
        return self._path(self.http.admin_token_file, "admin.token")

    @property
    def certificate_path(self) -> Path:
        return self._path(self.tls.certificate, "tls.crt")

    @property
    def certificate_key_path(self) -> Path:
        return self._path(self.tls.key, "tls.key")

    def _path(self, configured: str, made: str) -> Path:
        """A file that an operator names, which must exist, or one that the first start makes."""
        return Path(configured) if configured else Path(self.state.directory, made)
