# needs: efsm

import efsm

print(sorted(x for x in dir(efsm) if x[:1] != "_")[:5])
