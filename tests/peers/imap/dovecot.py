# SPDX-License-Identifier: Apache-2.0
"""Dovecot from Debian's packages with a master user, as a source to migrate from."""

from __future__ import annotations

import asyncio
import grp
import os
import pwd
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.process.ports import free_port

MASTER, MASTER_PASSWORD = "migration", "master-secret-of-tests"
PACKAGES = "apt-get install -y --no-install-recommends dovecot-imapd"
_START_SECONDS = 20.0
_CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
first_valid_uid = 1
first_valid_gid = 1
mail_uid = {mail}
mail_gid = {mail_group}
mail_location = sdbox:{folder}/mail/%u
auth_mechanisms = plain
auth_master_user_separator = *
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/masters
  master = yes
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/users
}}
userdb {{
  driver = static
  args = home={folder}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""


@asynccontextmanager
async def dovecot(accounts: Mapping[str, str]) -> AsyncIterator[int]:
    """Run it in the foreground, with a directory that its users may enter; gives the port of plain IMAP."""
    with TemporaryDirectory(prefix="dovecot") as made:
        Path(made).chmod(0o755)
        async with _running(Path(made), accounts) as port:
            yield port


@asynccontextmanager
async def _running(folder: Path, accounts: Mapping[str, str]) -> AsyncIterator[int]:
    program = shutil.which("dovecot", path=os.environ["PATH"] + ":/usr/sbin")
    assert program is not None, PACKAGES
    port = free_port()
    for name in ("run", "mail"):
        (folder / name).mkdir(parents=True)
    root = os.geteuid() == 0
    me, mine = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    config = folder / "dovecot.conf"
    config.write_text(
        _CONFIG.format(
            folder=folder,
            port=port,
            internal="dovecot" if root else me,
            group="dovecot" if root else mine,
            login="dovenull" if root else me,
            mail="mail" if root else me,
            mail_group="mail" if root else mine,
        )
    )
    (folder / "masters").write_text(f"{MASTER}:{MASTER_PASSWORD}\n")
    (folder / "users").write_text("".join(f"{user}:{word}\n" for user, word in accounts.items()))
    if root:
        shutil.chown(folder / "mail", "mail", "mail")
    process = await asyncio.create_subprocess_exec(program, "-F", "-c", str(config))
    try:
        async with asyncio.timeout(_START_SECONDS):
            await _listening(port)
        yield port
    finally:
        process.terminate()
        await process.wait()


async def _listening(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0)
        else:
            writer.close()
            return
