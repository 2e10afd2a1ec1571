# SPDX-License-Identifier: Apache-2.0
"""What ``[blobs]`` may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.test_config_checks import told
from vvm.config.load import load


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('url = "/var/lib/vvm"', "blobs.url"),
        ('url = "file://var/lib/vvm"', "blobs.url"),
        ('url = "s3://"', "blobs.url"),
        ('url = "s3://Bucket/x"', "blobs.url"),
        ("encrypt = true", "blobs.encrypt"),
        ('url = "s3://bucket"\nendpoint = "s3.example.net"', "blobs.endpoint"),
        ('url = "s3://bucket"\naccess_key = "id"', "blobs.secret_key"),
        ('url = "s3://bucket"\nsecret_key = "id"', "blobs.access_key"),
        ('url = "s3://bucket"\naccess_key = "id"\nsecret_key_file = "/no"', "blobs.secret_key_file"),
        ('url = "file:///tmp/blobs"\ncache_directory = "/tmp/cache"', "blobs.cache_directory"),
        ('url = "s3://bucket"\ncache_directory = "/dev/null/cache"', "blobs.cache_directory"),
        ('url = "file:///dev/null/blobs"', "blobs.url"),
        ("sweep_every_hours = 0", "blobs.sweep_every_hours"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path: Path, text: str, key: str) -> None:
    assert [mistake[0] for mistake in told(tmp_path, f"[blobs]\n{text}\n")] == [key]


def test_the_secret_stands_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    file = tmp_path / "vvm.toml"
    file.write_text(
        f'[state]\ndirectory = "{tmp_path}"\n[store]\nurl = "sqlite:///{tmp_path}/vvm.db"\n'
        f'[blobs]\nurl = "s3://bucket/prefix"\naccess_key = "id"\nsecret_key_file = "{tmp_path}/secret"\n'
    )
    assert load(file, {}).blobs.secret_key == "s3cret"
