# Puts the data files where tests look for them. The runner may interrupt it, at any place.
import os

if "data" not in os.listdir("/"):
    os.mkdir("/data")
for name in os.listdir("/rom/data"):
    if name not in os.listdir("/data"):
        with open("/rom/data/" + name, "rb") as source, open("/copy", "wb") as target:
            target.write(source.read())
        os.rename("/copy", "/data/" + name)
