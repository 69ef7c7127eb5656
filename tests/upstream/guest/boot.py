# Puts the data files where tests look for them. The runner may interrupt it, at any place.
import os

if "data" not in os.listdir("/"):
    os.mkdir("/data")
for here, there in (("/rom/data/", "/data/"), ("/rom/certificates/", "/")):
    for name in os.listdir(here):
        if name not in os.listdir(there):
            with open(here + name, "rb") as source, open("/copy", "wb") as target:
                target.write(source.read())
            os.rename("/copy", there + name)
