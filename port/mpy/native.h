// Machine code from @native, @viper and .mpy files: in frames of its own, read-only and executable,
// packed, and freed by the garbage collector with the functions that own it.
#ifndef RINGZERO_MPY_NATIVE_H
#define RINGZERO_MPY_NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Forgets all code: its frames belong to nobody any more.
void native_reset(void);

// Gives all of it back: nothing runs it any more.
void native_free(void);

// MP_PLAT_COMMIT_EXEC: the code's place to stay. `reloc` is what mp_native_relocate() takes, or NULL.
void *native_commit(void *code, size_t size, void *reloc);

// After gc_collect_start(), and after gc_collect_end(): what holds no code any more goes back.
void native_collect_roots(void);
void native_settle(void);

bool native_contains(uint64_t va);

// How many frames it takes.
size_t native_frames(void);

#endif
