# needs: micropython-tinydb micropython-collections micropython-types

from tinydb import Query, TinyDB
from tinydb.storages import MemoryStorage

db = TinyDB(storage=MemoryStorage)
for i in range(40):
    db.insert({"n": i, "kind": "even" if i % 2 == 0 else "odd"})
q = Query()
print(len(db), sorted(x["n"] for x in db.search((q.kind == "odd") & (q.n > 20))))
db.update({"kind": "big"}, q.n > 30)
db.remove(q.n < 10)
print(len(db), db.count(q.kind == "big"), db.get(q.n == 12))
