# needs: micropython-xmltok micropython-xmltok2 micropython-xml-etree-elementtree

import io

import xmltok

TEXT = '<?xml version="1.0"?><a x="1"><b>text</b><c y="2" z="3"/><!-- no --><d><e>deep</e></d></a>'
try:
    for token in xmltok.tokenize(io.StringIO(TEXT)):
        print(token)
except RuntimeError:
    print("the end")  # it was written before PEP 479
