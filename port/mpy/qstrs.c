// Whether a string is interned, without upstream's search: that goes over the pools string by string, for
// each string that a program makes, and most of those are nowhere.
#include <string.h>

#include "py/mpstate.h"
#include "py/qstr.h"

#if MICROPY_QSTR_BYTES_IN_HASH != 2 || MICROPY_QSTR_BYTES_IN_LEN != 1
#error A bit for each hash would be too many, or a string can be longer.
#endif

enum {
    LEN_MAX = 255,
    HASHES = 1 << 16,
    FOUND = 1 << 10,
};

void __real_qstr_init(void);
void __wrap_qstr_init(void);
qstr __real_qstr_find_strn(const char *str, size_t len);
qstr __wrap_qstr_find_strn(const char *str, size_t len);
qstr __real_qstr_from_strn(const char *str, size_t len);
qstr __wrap_qstr_from_strn(const char *str, size_t len);
qstr __wrap_qstr_from_str(const char *str);

// The hashes of the first `noted` interned strings. An interrupt may note the same again.
static uint64_t hashes[HASHES / 64];
static size_t noted;
// By their hash the ones that were found last.
static uint32_t found[FOUND];

void __wrap_qstr_init(void) {
    __real_qstr_init();
    memset(hashes, 0, sizeof(hashes));
    memset(found, 0, sizeof(found));
    noted = 0;
}

static void note(void) {
    const qstr_pool_t *pool = MP_STATE_VM(last_pool);
    size_t total = pool->total_prev_len + pool->len;
    for (size_t end = total; end > noted; pool = pool->prev) {
        size_t first = pool->total_prev_len;
        for (size_t i = noted > first ? noted - first : 0; i < end - first; ++i) {
            hashes[pool->hashes[i] / 64] |= UINT64_C(1) << (pool->hashes[i] % 64);
        }
        end = first;
    }
    noted = total;
}

// MP_QSTRnull: it is not interned.
qstr __wrap_qstr_find_strn(const char *str, size_t len) {
    if (len == 0 || len > LEN_MAX) {
        return len == 0 ? MP_QSTR_ : MP_QSTRnull;
    }
    const qstr_pool_t *last = MP_STATE_VM(last_pool);
    if (last->total_prev_len + last->len != noted) {
        note();
    }
    size_t hash = qstr_compute_hash((const byte *)str, len);
    if (!(hashes[hash / 64] >> (hash % 64) & 1)) {
        return MP_QSTRnull;
    }
    qstr candidate = found[hash % FOUND];
    size_t candidate_len;
    const byte *data = qstr_data(candidate, &candidate_len);
    if (candidate_len == len && memcmp(data, str, len) == 0) {
        return candidate;
    }
    qstr result = __real_qstr_find_strn(str, len);
    if (result != MP_QSTRnull) {
        found[hash % FOUND] = result;
    }
    return result;
}

qstr __wrap_qstr_from_strn(const char *str, size_t len) {
    qstr result = __wrap_qstr_find_strn(str, len);
    return result != MP_QSTRnull ? result : __real_qstr_from_strn(str, len);
}

qstr __wrap_qstr_from_str(const char *str) {
    return __wrap_qstr_from_strn(str, strlen(str));
}
