# needs: micropython-qr

import micropython_qr

code = micropython_qr.QRCode(version=2, error_correction=micropython_qr.ERROR_CORRECT_M)
code.add_data("ringzero 12345 HELLO")
code.make()
for row in code.get_matrix():
    print("".join("#" if x else "." for x in row))
