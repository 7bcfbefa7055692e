"""The allowed host names of the service, and its limit of connections."""

import resource
import socket

import pytest

from tf_transformer.serving.server import RESERVED_FILES, _for_this_machine
from tf_transformer.serving.settings import ServiceSettings


@pytest.mark.parametrize("host", ["translator.local", "127.0.0.1"])
def test_the_bound_name_is_allowed(host):
    settings = ServiceSettings(allowed_hosts=("example.org",))
    assert _for_this_machine(settings, host).allowed_hosts == ("example.org", host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_on_all_interfaces_the_name_of_the_machine_is_allowed_too(host):
    allowed = _for_this_machine(ServiceSettings(), host).allowed_hosts
    assert {host, socket.gethostname()} <= set(allowed)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(200, 200 - RESERVED_FILES), (7, 1), (resource.RLIM_INFINITY, 1000)],
)
def test_connections_leave_descriptors_for_files(monkeypatch, limit, expected):
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (limit, limit))
    settings = ServiceSettings(max_connections=1000)
    assert _for_this_machine(settings, "x").max_connections == expected
