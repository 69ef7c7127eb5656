# needs: micropython-string

import string

print(string.ascii_letters, string.digits, string.punctuation, repr(string.whitespace[:4]))
print(
    string.ascii_lowercase.translate({97: 65})
    if hasattr("", "translate")
    else string.ascii_lowercase
)
