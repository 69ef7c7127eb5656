# What bench_net.py measures, here and on Linux: the web server of tests/images, and streams.
import asyncio
import sys

import tls
import webserver

BLOCK = 65536


async def take(reader, writer):
    buf = bytearray(BLOCK)
    while await reader.readinto(buf) != 0:
        pass
    writer.close()
    await writer.wait_closed()


async def give(reader, writer):
    block = bytes(BLOCK)
    try:
        while True:
            writer.write(block)
            await writer.drain()
    except OSError:
        pass
    await writer.wait_closed()


async def main():
    context = tls.SSLContext(tls.PROTOCOL_TLS_SERVER)
    with open("/rom/cert.der", "rb") as cert, open("/rom/key.der", "rb") as key:
        context.load_cert_chain(cert.read(), key.read())
    await asyncio.start_server(take, "0.0.0.0", 5001)
    await asyncio.start_server(give, "0.0.0.0", 5002)
    await webserver.start(None, https=(443, context))
    print("serves")
    await asyncio.Event().wait()


if sys.platform != "linux":
    import network

    network.LAN().active(True)
    while not network.LAN().isconnected():
        pass
asyncio.run(main())
