# needs: microdot

import asyncio

from microdot import Microdot
from microdot.test_client import TestClient

app = Microdot()


@app.get("/hello/<int:n>")
async def hello(request, n):
    return {"n": n * 2, "q": request.args.get("q")}


@app.post("/echo")
async def echo(request):
    return request.json["text"].upper()


async def main():
    client = TestClient(app)
    for call in (
        client.get("/hello/21?q=x%20y"),
        client.post("/echo", body={"text": "abc"}),
        client.get("/no"),
    ):
        answer = await call
        print(answer.status_code, answer.text)


asyncio.run(main())
