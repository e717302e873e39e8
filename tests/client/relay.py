"""A relay in front of a server, for tests: what comes in over TLS or as SOCKS goes on as it is."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit


@contextmanager
def relay(url: str, *, tls: ssl.SSLContext | None = None, socks: list[str] | None = None) -> Iterator[int]:
    """The port of a relay to `url`. With `socks` it is a SOCKS 5 proxy that sends everything there and notes what was asked for."""
    target = urlsplit(url)
    started: queue.Queue[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = queue.Queue()
    open_ones: set[asyncio.StreamWriter] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: list[str]) -> None:
        # RFC 1928: no authentication; CONNECT to an IPv4 address (1) or a name (3).
        (methods,) = struct.unpack("xB", await reader.readexactly(2))
        await reader.readexactly(methods)
        writer.write(b"\5\0")
        (kind,) = struct.unpack("xxxB", await reader.readexactly(4))
        raw = await reader.readexactly(4 if kind == 1 else (await reader.readexactly(1))[0])
        (port,) = struct.unpack(">H", await reader.readexactly(2))
        asked.append(f"{'.'.join(map(str, raw)) if kind == 1 else raw.decode()}:{port}")
        writer.write(b"\5\0\0\1\0\0\0\0\0\0")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if socks is not None:
                await greet(reader, writer, socks)
            there, back = await asyncio.open_connection(target.hostname, target.port)
            open_ones.add(back)
            await asyncio.gather(pump(reader, back), pump(there, writer))
        writer.close()

    async def main() -> None:
        stop = asyncio.Event()
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
        started.put((server.sockets[0].getsockname()[1], asyncio.get_running_loop(), stop))
        await stop.wait()
        server.close()
        for writer in open_ones:
            writer.transport.abort()
        await asyncio.wait_for(asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}), 5)
        await asyncio.sleep(0.01)  # what was cut off is closed in the loop's next turns

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    port, loop, stop = started.get(timeout=10)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
