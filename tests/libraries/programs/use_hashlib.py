# needs: micropython-hashlib micropython-hmac micropython-warnings

import hmac
from hashlib._sha224 import sha224
from hashlib._sha256 import sha256
from hashlib._sha384 import sha384
from hashlib._sha512 import sha512

for kind in (sha224, sha256, sha384, sha512):
    h = kind()
    for i in range(20):
        h.update(bytes(range(i * 11 % 200)))
    print(kind.__name__, h.hexdigest())
print(hmac.new(b"key", b"what is signed" * 40, sha256).hexdigest())
print(hmac.new(b"k" * 100, b"", sha512).hexdigest())
