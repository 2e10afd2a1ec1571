# SPDX-License-Identifier: Apache-2.0
"""Dovecot from Debian's packages at its best, beside us on the same machine.

"Its best" is what shared measurements found fastest for short sessions: login and mail processes
that are kept and serve many clients each, and sdbox.  Debian's defaults, a process for each login,
are four times slower and would make the comparison easy.
"""

from __future__ import annotations

import asyncio
import grp
import imaplib
import os
import pwd
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from tests.bench.program import free_port

PACKAGES = "apt-get install -y --no-install-recommends dovecot-imapd"
_START_SECONDS = 20.0

_CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{certificate}
ssl_key = <{key}
ssl_min_protocol = TLSv1.2
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
first_valid_uid = 1
first_valid_gid = 1
mail_uid = {mail}
mail_gid = {mail_group}
mail_location = sdbox:{folder}/mail/%u
mail_fsync = {fsync}
default_vsz_limit = 8G
mail_plugins = quota
mail_max_userip_connections = 100000
auth_cache_size = 10M
auth_username_chars =
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/users
}}
userdb {{
  driver = static
  args = home={folder}/mail/%u
}}
plugin {{
  quota = count:User quota
  quota_vsizes = yes
  quota_rule = *:storage=10G
}}
protocol imap {{
  mail_plugins = quota imap_quota
}}
service imap-login {{
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
  }}
  service_count = 0
  client_limit = 20000
  process_min_avail = {processes}
  process_limit = {processes}
}}
service imap {{
  service_count = 0
  client_limit = 20000
  process_min_avail = {processes}
  process_limit = {processes}
}}
service auth {{
  client_limit = 50000
}}
service anvil {{
  client_limit = 50000
}}
"""


class Dovecot(msgspec.Struct, frozen=True):
    """A server that runs; ``pid`` is the master's, whose children do the work."""

    port: int
    pid: int
    certificate: Path

    def fill(self, accounts: Mapping[str, str], messages: Mapping[str, Sequence[bytes]]) -> None:
        """Append ``messages`` to the INBOX of each account (name to password).  Blocks."""
        for user, password in accounts.items():
            tls = ssl.create_default_context(cafile=self.certificate)
            with imaplib.IMAP4_SSL("localhost", self.port, ssl_context=tls) as client:
                client.login(user, password)
                for octets in messages[user]:
                    status, said = client.append("INBOX", "", "", octets)
                    if status != "OK":
                        raise RuntimeError(f"Dovecot does not take a message: {said!r}")


def installed() -> bool:
    return _program() is not None


@asynccontextmanager
async def running(
    folder: Path, accounts: Mapping[str, str], *, certificate: Path, key: Path, fsync: str = "optimized"
) -> AsyncIterator[Dovecot]:
    """Dovecot in the foreground with its own folder; every account may log in, its INBOX is empty.

    ``fsync`` is ``mail_fsync``; with ``always`` an APPEND is on disk before it is answered, as ours is.
    """
    program = _program()
    if program is None:
        raise RuntimeError(PACKAGES)
    port = free_port()
    for name in ("run", "mail"):
        (folder / name).mkdir(parents=True)
    root = os.geteuid() == 0
    me, mine = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    mail = pwd.getpwnam("nobody") if root else pwd.getpwuid(os.geteuid())
    os.chown(folder / "mail", mail.pw_uid, mail.pw_gid)
    (folder / "users").write_text("".join(f"{user}:{word}\n" for user, word in accounts.items()))
    configuration = folder / "dovecot.conf"
    configuration.write_text(
        _CONFIG.format(
            folder=folder,
            certificate=certificate,
            key=key,
            internal="dovecot" if root else me,
            group="dovecot" if root else mine,
            login="dovenull" if root else me,
            mail=mail.pw_name,
            mail_group=grp.getgrgid(mail.pw_gid).gr_name,
            port=port,
            fsync=fsync,
            processes=os.cpu_count(),
        )
    )
    process = await asyncio.create_subprocess_exec(
        program, "-F", "-c", str(configuration), stderr=subprocess.DEVNULL
    )
    try:
        await _until_listening(port, process, folder / "dovecot.log")
        yield Dovecot(port, process.pid, certificate)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _until_listening(port: int, process: asyncio.subprocess.Process, log: Path) -> None:
    async with asyncio.timeout(_START_SECONDS):
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                await writer.wait_closed()
                return
    raise RuntimeError(f"Dovecot did not start: {log.read_text() if log.exists() else 'no log'}")


def _program() -> str | None:
    return shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
