"""The private apt: what it reads from apt's answers, and what it leaves alone."""

import os
import subprocess
from pathlib import Path

import pytest

from deploy.local.apt import PrivateApt, parse_uris, private_config

HEAD = """\
Reading package lists...
Building dependency tree...
The following NEW packages will be installed:
  libwrap0 socat
0 upgraded, 2 newly installed, 0 to remove and 7 not upgraded.
"""
POOL = "http://deb.example/pool/main"
FILES = (
    f"'{POOL}/t/libwrap0_7.6.q-32_amd64.deb' libwrap0_7.6.q-32_amd64.deb 54936 SHA256:00ff",
    f"'{POOL}/e/erlang-base_25.2.3%2bdfsg-1_amd64.deb' erlang-base_1%3a25.2.3+dfsg-1_amd64.deb 9 SHA256:ab",
    f"'{POOL}/g/libstdc++6_12.2.0-14_amd64.deb' libstdc++6_12.2.0-14_amd64.deb 613044 MD5Sum:cd",
)


def test_names_are_read_from_apts_answer() -> None:
    """Epochs, tildes and plus signs in file names do not get into the package's name."""
    assert parse_uris(HEAD + "\n".join(FILES)) == ["libwrap0", "erlang-base", "libstdc++6"]


def test_an_answer_without_packages_names_none() -> None:
    """Where all is installed already, nothing is to be fetched."""
    assert parse_uris("Reading package lists...\n0 upgraded, 0 newly installed\n") == []


def test_the_users_settings_stay_and_the_systems_state_is_left_alone() -> None:
    """Proxies and the like are kept; state, cache and hooks are not the system's."""
    config = private_config('Acquire::http::Proxy "http://proxy.example:3128";', Path("/somewhere/apt"))
    assert 'Acquire::http::Proxy "http://proxy.example:3128";' in config
    assert 'Dir::State "/somewhere/apt/state/";' in config
    assert 'Dir::Cache "/somewhere/apt/cache/";' in config
    assert "#clear APT::Update::Post-Invoke;" in config


@pytest.mark.skipif(not PrivateApt.available(), reason="no apt on this machine")
def test_apt_understands_the_private_configuration(tmp_path: Path) -> None:
    """Apt itself reads the file and keeps its lists where the file says, hooks gone."""
    config = tmp_path / "apt.conf"
    hook = 'APT::Update::Post-Invoke { "rm -f /var/cache/apt/*.bin"; };'
    config.write_text(private_config(hook, tmp_path))
    dump = subprocess.run(
        ["apt-config", "dump"],
        env={**os.environ, "APT_CONFIG": str(config)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert f'Dir::State "{tmp_path}/state/";' in dump
    assert "rm -f" not in dump
