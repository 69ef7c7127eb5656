# needs: micropython-html micropython-string

import html

print(html.escape("<a href='x'>\"&amp;\"</a>"), html.escape("'\"", quote=False))
