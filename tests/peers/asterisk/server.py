# SPDX-License-Identifier: Apache-2.0
"""Start, stop and kill one Asterisk that runs the configuration of ``conf/asterisk``.

The files are those that operators get.  Only directories, ports and the password are filled in, and a
key that is not in its file stops the test: what we ship is what is proven.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import socket
from pathlib import Path
from tempfile import mkdtemp

from tests.peers.asterisk import packages
from tests.peers.asterisk.process import AsteriskProcess, free_port
from vvm.domain.secrets import Secret

CONFIGURATION = Path(__file__).parents[3] / "conf" / "asterisk"
# Modules that look for these files complain when they are absent; empty means their defaults.
_EMPTY = ("acl", "ccss", "cdr", "cel", "features", "udptl", "pjproject", "websocket_client", "stasis")


class AsteriskServer:
    """One media node on the loopback.  What it keeps survives ``stop`` and ``kill``, until ``remove``.

    ``boxes`` is how many callers can speak to the fallback at a time.
    """

    def __init__(self, root: Path, *, boxes: int = 200) -> None:
        self.folder = Path(mkdtemp(prefix="vvm-asterisk-"))
        self.spool = self.folder / "spool"
        self.ari_user = "vvm"
        self.ari_password = Secret(secrets.token_urlsafe(16))
        self.ari_url = f"http://127.0.0.1:{free_port(socket.SOCK_STREAM)}"
        self.sip_address = ("127.0.0.1", free_port(socket.SOCK_DGRAM))
        self._root = root
        self._boxes = boxes
        self._process = AsteriskProcess(root, self.folder)
        self._configure()

    @property
    def recordings(self) -> list[Path]:
        """What ARI has recorded and nobody has deleted."""
        return sorted(path for path in (self.spool / "recording").rglob("*") if path.is_file())

    @property
    def fallback(self) -> Path:
        """The mailboxes of app_voicemail."""
        return self.spool / "voicemail" / "vvm"

    def console(self) -> str:
        """Everything Asterisk has printed."""
        return self._process.console()

    async def start(self) -> None:
        """Return when Asterisk is fully booted.  Raises AssertionError."""
        await self._process.start()

    async def stop(self) -> None:
        """End it as systemd does."""
        await self._process.stop()

    async def kill(self) -> None:
        """End it as a power cut does."""
        await self._process.kill()

    async def remove(self) -> None:
        await self.stop()
        await asyncio.to_thread(shutil.rmtree, self.folder)

    def _configure(self) -> None:
        folder, share = self.folder, self._root / "usr/share/asterisk"
        for name in ("etc", "lib/keys", "spool/recording", "log", "run", "cache"):
            (folder / name).mkdir(parents=True)
        rtp = min(free_port(socket.SOCK_DGRAM), 64000) & ~1
        values: dict[str, dict[str, object]] = {
            "asterisk.conf": {
                "astetcdir": folder / "etc",
                "astmoddir": packages.libraries(self._root) / "asterisk/modules",
                "astvarlibdir": folder / "lib",
                "astdbdir": folder / "lib",
                "astkeydir": folder / "lib",
                "astdatadir": share,
                "astagidir": share / "agi-bin",
                "astcachedir": folder / "cache",
                "astspooldir": self.spool,
                "astrundir": folder / "run",
                "astlogdir": folder / "log",
                "astsbindir": self._root / "usr/sbin",
            },
            "extensions.conf": {"BOXES": self._boxes},
            "http.conf": {"bindport": self.ari_url.rpartition(":")[2]},
            "ari.conf": {"password": self.ari_password.reveal()},
            "pjsip.conf": {"bind": "{}:{}".format(*self.sip_address)},
            "rtp.conf": {"rtpstart": rtp, "rtpend": rtp + 1000},
        }
        for source in CONFIGURATION.glob("*.conf"):
            filled = _fill(source.read_text(), values.pop(source.name, {}))
            (folder / "etc" / source.name).write_text(filled)
        assert not values, f"conf/asterisk lacks {sorted(values)}"
        for name in _EMPTY:
            (folder / "etc" / f"{name}.conf").touch()


def _fill(text: str, values: dict[str, object]) -> str:
    """Give each key its value, on the one line that has it."""
    for key, value in values.items():
        line = re.compile(rf"^({key} =>? ).*$", re.MULTILINE)
        # The value may have a backslash or digits in it: as a literal, not as a template.
        text, found = line.subn(r"\g<1>" + str(value).replace("\\", r"\\"), text)
        assert found == 1, f"{key} stands on {found} lines"
    return text
