"""An HTTP CONNECT proxy that leads every host and port to the simulator's TLS listener.

A client that cannot be told another address is given this as its proxy (``HTTPS_PROXY``) and the CA file.

SPDX-License-Identifier: Apache-2.0
"""

import asyncio

MAX_HEAD = 16_384
HEAD_SECONDS = 10


async def serve(host: str, port: int, target_port: int) -> asyncio.Server:
    """Listens on ``host:port`` and pipes every CONNECT to ``127.0.0.1:target_port``."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HEAD_SECONDS)
            if not head.startswith(b"CONNECT "):
                writer.write(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
                return
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target_port)
            writer.write(b"HTTP/1.1 200 Connection Established\r\n\r\n")
            await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(accept, host, port, limit=MAX_HEAD)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
