import asyncio
import os
import time

import bootinfo
import cmdline
import network
import webserver


def there(path):
    try:
        os.stat(path)
    except OSError:
        return False
    return True


async def run():
    options = cmdline.parse(bootinfo.cmdline)
    lan = network.LAN()
    lan.active(True)
    while not lan.isconnected():
        time.sleep_ms(1)
    https = None
    cpus = ()
    if there("/tls/cert.der"):
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain("/tls/cert.der", "/tls/key.der")
        https = (443, context)
    if cmdline.choice(options, "compute", ("here", "cpus")) == "cpus":
        from cpus import all

        cpus = all()[1:]
    await webserver.start("/www" if there("/www") else None, https=https, cpus=cpus)
    print("webserver: at http%s://%s/" % ("(s)" if https else "", lan.ifconfig()[0]))
    await asyncio.Event().wait()


asyncio.run(run())
