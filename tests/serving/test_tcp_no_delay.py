"""Answers on an open connection are sent at once."""

import asyncio
import socket

import pytest

from tf_transformer.serving.server import _listen


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_accepted_connections_have_tcp_nodelay(host):
    if host == "::1" and not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")

    async def options_of_an_accepted_connection():
        accepted = asyncio.get_running_loop().create_future()

        def on_connection(reader, writer):
            connection = writer.get_extra_info("socket")
            accepted.set_result(
                connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            )
            writer.close()

        listening = _listen(host, 0)
        server = await asyncio.start_server(on_connection, sock=listening)
        _, writer = await asyncio.open_connection(*listening.getsockname()[:2])
        no_delay = await asyncio.wait_for(accepted, 10)
        writer.close()
        server.close()
        return no_delay

    assert asyncio.run(options_of_an_accepted_connection()) != 0
