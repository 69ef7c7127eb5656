# needs: micropython-quopri

import quopri

text = b"na\xc3\xafve = 1 \t\nline two " + b"x" * 100 + b"\n"
print(quopri.encodestring(text))
print(quopri.decodestring(quopri.encodestring(text)) == text)
