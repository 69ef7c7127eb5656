// The collector's hooks. The makefile puts the functions with __wrap_ in the place of those without.
#include "py/gc.h"
#include "py/runtime.h"
#include "shared/runtime/gchelper.h"

#include "mpy/collect.h"
#include "mpy/heap.h"
#include "mpy/native.h"

// The table of blocks has four in a byte, the first lowest.
enum {
    BLOCK_SIZE = MICROPY_BYTES_PER_GC_BLOCK,
    BLOCKS_PER_BYTE = 4,
    TAIL = 2,
    TAILS = 0xaa,
};

static bool collecting;
static bool calling_back;
static nlr_buf_t *outer_catcher;

void collect_reset(void) {
    collecting = calling_back = false;
}

// What is left free goes back, and dead code's room is no object's.
static void settle(void) {
    collecting = false;
    native_settle();
    heap_settle();
}

// Where the object begins into which this points, if that is an object.
static void *object_of(void *ptr) {
    const byte *addr = ptr;
    mp_state_mem_area_t *area = &MP_STATE_MEM(area);
    while (addr < area->gc_pool_start || addr >= area->gc_pool_end) {
        area = area->next;
        if (area == NULL) {
            return ptr;
        }
    }
    const byte *table = area->gc_alloc_table_start;
    size_t block = (addr - area->gc_pool_start) / BLOCK_SIZE;
    while (block > 0 && (table[block / BLOCKS_PER_BYTE] >> 2 * (block % BLOCKS_PER_BYTE) & 3) == TAIL) {
        --block;
        while (block % BLOCKS_PER_BYTE == BLOCKS_PER_BYTE - 1 && table[block / BLOCKS_PER_BYTE] == TAILS) {
            block -= BLOCKS_PER_BYTE;
        }
    }
    return area->gc_pool_start + block * BLOCK_SIZE;
}

// For gchelper_generic.c, in the place of gc_collect_root(): registers and stack. Of an object in
// use a compiler may keep no pointer but one into its middle, which gc.c would not take for one.
void collect_root(void **ptrs, size_t len);
void collect_root(void **ptrs, size_t len) {
    for (size_t i = 0; i < len; ++i) {
        void *object = object_of(ptrs[i]);
        gc_collect_root(&object, 1);
    }
}

void gc_collect(void) {
    // The lock is a program's, a hard callback's, which may have come in the middle of an allocation
    // and on whose stack the roots are not, or a finaliser's, in the middle of a collection.
    if (gc_is_locked() || calling_back) {
        return;
    }
    collecting = true;
    outer_catcher = MP_STATE_THREAD(nlr_top);
    native_collect_begin();
    gc_collect_start();
    native_collect_roots();
    gc_helper_collect_regs_and_stack();
    gc_collect_end();
    if (collecting) {
        settle();
    }
}

bool collect_would_unwind(void) {
    return (MP_STATE_THREAD(gc_lock_depth) & GC_COLLECT_FLAG) && MP_STATE_THREAD(nlr_top) == outer_catcher;
}

#if MICROPY_PY_WEAKREF
void __real_gc_weakref_sweep(void);
void __wrap_gc_weakref_sweep(void);

// Calls Python that waits for objects to go, at the end of gc_collect_end(). It allocates. What it
// works on does not survive another collection; and after gc_sweep_all() nothing is left at all.
void __wrap_gc_weakref_sweep(void) {
    if (collecting) {
        settle();
        calling_back = true;
        __real_gc_weakref_sweep();
        calling_back = false;
    }
}
#endif

void collect_python_lock(void);
void collect_python_unlock(void);

// How many of the heap's locks are micropython.heap_lock()'s. A soft reset undoes them all.
static size_t python_locks;

static size_t count_python_locks(void) {
    return MIN(python_locks, MP_STATE_THREAD(gc_lock_depth) >> GC_LOCK_DEPTH_SHIFT);
}

void collect_python_lock(void) {
    if (MP_STATE_THREAD(gc_lock_depth) > INT16_MAX) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("the heap is locked 16383 times already"));
    }
    python_locks = count_python_locks() + 1;
    gc_lock();
}

// A hard callback's lock is not Python's to undo: it may have come in the middle of an allocation.
void collect_python_unlock(void) {
    size_t locks = count_python_locks();
    if (locks == 0) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("heap_unlock() without heap_lock()"));
    }
    python_locks = locks - 1;
    gc_unlock();
}

mp_obj_t __real_mp_obj_new_module(qstr name);
mp_obj_t __wrap_mp_obj_new_module(qstr name);

// Where there is no memory for it, upstream leaves a name without a module in sys.modules.
mp_obj_t __wrap_mp_obj_new_module(qstr name) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_obj_t module = __real_mp_obj_new_module(name);
        nlr_pop();
        return module;
    }
    mp_map_t *loaded = &MP_STATE_VM(mp_loaded_modules_dict).map;
    mp_map_elem_t *entry = mp_map_lookup(loaded, MP_OBJ_NEW_QSTR(name), MP_MAP_LOOKUP);
    if (entry != NULL && entry->value == MP_OBJ_NULL) {
        mp_map_lookup(loaded, MP_OBJ_NEW_QSTR(name), MP_MAP_LOOKUP_REMOVE_IF_FOUND);
    }
    nlr_jump(nlr.ret_val);
}

#ifdef GC_EVERY
// For tests: a collection before every so many allocations.
void *__real_gc_alloc(size_t size, unsigned int flags);
void *__wrap_gc_alloc(size_t size, unsigned int flags);

static void collect_at_times(void) {
    static unsigned count;
    if (MP_STATE_MEM(gc_auto_collect_enabled) && !gc_is_locked() && ++count >= GC_EVERY) {
        count = 0;
        gc_collect();
    }
}

void *__wrap_gc_alloc(size_t size, unsigned int flags) {
    collect_at_times();
    return __real_gc_alloc(size, flags);
}
#else
static void collect_at_times(void) {
}
#endif

void *__real_gc_realloc(void *ptr, size_t size, bool allow_move);
void *__wrap_gc_realloc(void *ptr, size_t size, bool allow_move);

void *__wrap_gc_realloc(void *ptr, size_t size, bool allow_move) {
    collect_at_times();
    // gc.c would take one just below 2^64 for none at all, and free the block.
    return size > SIZE_MAX / 4 ? NULL : __real_gc_realloc(ptr, size, allow_move);
}
