// Put in front of the files in which dictionaries, instances, classes and modules get keys: py/map.c makes
// a place for one, and who has asked for it then puts the value there. No hard callback may come between.
#include "py/obj.h"

extern bool tables_change;                  // py/map.c is at it.
extern mp_map_elem_t *tables_place;         // The last one: it has no value yet, or has had one.

static inline mp_map_elem_t *tables_lookup(mp_map_t *map, mp_obj_t key, mp_map_lookup_kind_t kind) {
    if (kind == MP_MAP_LOOKUP) {
        return mp_map_lookup(map, key, kind);
    }
    tables_change = true;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    mp_map_elem_t *place = mp_map_lookup(map, key, kind);
    tables_place = place;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    tables_change = false;
    return place;
}

#define mp_map_lookup tables_lookup
