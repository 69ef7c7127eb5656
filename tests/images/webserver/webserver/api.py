# The JSON API.

import gc
import json
import os
import time

from . import work
from .http import Refused

PRIMES_MAX = 1 << 20


def add(server, notes, cpus=()):
    """Adds it to a server. Notes are kept in the file `notes`; `cpus` compute, or this one."""
    waiting = list(cpus)

    @server.route("GET", "/api/status")
    def status(request):
        return {
            "uptime_ms": time.ticks_ms(),
            "requests": server.requests,
            "connections": len(server.last),
            "heap_free": gc.mem_free(),
            "cpus": 1 + len(cpus),
        }

    @server.route("GET", "/api/primes")
    async def primes(request):
        words = dict(word.split("=", 1) for word in request.query.split("&") if "=" in word)
        below = words.get("below", "")
        if not below.isdigit() or int(below) > PRIMES_MAX:
            raise Refused(400)
        below = int(below)
        if not cpus:
            return {"below": below, "count": work.primes(below), "cpu": 0}
        # In turn; a CPU takes what it is asked for one after the other.
        cpu = waiting.pop(0)
        waiting.append(cpu)
        return {"below": below, "count": await cpu.run(work.primes, below), "cpu": cpu.n}

    @server.route("GET", "/api/notes")
    def all_notes(request):
        try:
            with open(notes) as file:
                return [json.loads(line) for line in file]
        except OSError:
            return []

    @server.route("POST", "/api/notes")
    def new_note(request):
        given = request.json()
        if not isinstance(given, dict) or "text" not in given:
            raise Refused(400)
        note = {"time": time.time(), "text": str(given["text"])}
        with open(notes, "a") as file:
            file.write(json.dumps(note) + "\n")
        return note

    @server.route("DELETE", "/api/notes")
    def no_notes(request):
        try:
            os.remove(notes)
        except OSError:
            pass
        return []
