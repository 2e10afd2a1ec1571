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
import signal
import socket
from pathlib import Path
from tempfile import mkdtemp

from tests.peers.asterisk import packages
from vvm.domain.secrets import Secret

CONFIGURATION = Path(__file__).parents[3] / "conf" / "asterisk"
# Modules that look for these files complain when they are absent; empty means their defaults.
_EMPTY = ("acl", "ccss", "cdr", "cel", "features", "udptl", "pjproject", "websocket_client", "stasis")
_BOOT_SECONDS = 30.0
_STOP_SECONDS = 15.0


class AsteriskServer:
    """One media node on the loopback.  What it keeps survives ``stop`` and ``kill``, until ``remove``."""

    def __init__(self, root: Path) -> None:
        self.folder = Path(mkdtemp(prefix="vvm-asterisk-"))
        self.spool = self.folder / "spool"
        self.ari_user = "vvm"
        self.ari_password = Secret(secrets.token_urlsafe(16))
        self.ari_url = f"http://127.0.0.1:{_free_port(socket.SOCK_STREAM)}"
        self.sip_address = ("127.0.0.1", _free_port(socket.SOCK_DGRAM))
        self._root = root
        self._process: asyncio.subprocess.Process | None = None
        self._configure()

    @property
    def recordings(self) -> list[Path]:
        """What ARI has recorded and nobody has deleted."""
        return sorted(path for path in (self.spool / "recording").rglob("*") if path.is_file())

    @property
    def fallback(self) -> Path:
        """The catch-all mailbox of app_voicemail."""
        return self.spool / "voicemail" / "vvm" / "0000"

    def console(self) -> str:
        """Everything Asterisk has printed."""
        return (self.folder / "console.log").read_text(errors="replace")

    async def start(self) -> None:
        """Return when Asterisk is fully booted, as it tells systemd.  Raises AssertionError."""
        path = self.folder / "notify"
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(path))
            notify.settimeout(0)
            with (self.folder / "console.log").open("ab") as console:
                self._process = await asyncio.create_subprocess_exec(
                    self._root / "asterisk", "-f", "-C", self.folder / "etc" / "asterisk.conf",
                    stdin=asyncio.subprocess.DEVNULL, stdout=console, stderr=console,
                    env={"NOTIFY_SOCKET": str(path), "PATH": "/usr/bin:/bin", "HOME": str(self.folder)},
                    start_new_session=True,
                )  # fmt: skip
            try:
                async with asyncio.timeout(_BOOT_SECONDS):
                    loop = asyncio.get_running_loop()
                    while b"READY=1" not in await loop.sock_recv(notify, 4096):
                        pass
            except TimeoutError:
                await self.kill()
                raise AssertionError(f"Asterisk has not booted:\n{self.console()[-4000:]}") from None

    async def stop(self) -> None:
        """End it as systemd does."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End it as a power cut does."""
        await self._end(signal.SIGKILL)

    async def remove(self) -> None:
        await self.stop()
        await asyncio.to_thread(shutil.rmtree, self.folder)

    async def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise

    def _configure(self) -> None:
        folder, share = self.folder, self._root / "usr/share/asterisk"
        for name in ("etc", "lib/keys", "spool/recording", "log", "run", "cache"):
            (folder / name).mkdir(parents=True)
        rtp = min(_free_port(socket.SOCK_DGRAM), 64000) & ~1
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


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
