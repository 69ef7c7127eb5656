// The collector's hooks. The makefile puts the functions with __wrap_ in the place of those without.
#include "py/gc.h"
#include "py/runtime.h"
#include "shared/runtime/gchelper.h"

#include "mpy/collect.h"
#include "mpy/heap.h"
#include "mpy/native.h"

static nlr_buf_t *outer_catcher;

// Callbacks for objects that have gone. What they work on does not survive another collection.
static enum { NONE, DUE, RUNNING } calls;

#if MICROPY_PY_WEAKREF
static mp_sched_node_t calls_node;

void collect_owe_calls(void) {
    calls = DUE;
}

static void call_back(mp_sched_node_t *node) {
    (void)node;
    if (calls == DUE) {
        calls = RUNNING;
        gc_weakref_sweep();
        calls = NONE;
    }
}
#endif

void collect_reset(void) {
    calls = NONE;
}

void collect_mark_roots(void) {
    native_collect_roots();
    gc_helper_collect_regs_and_stack();
}

void collect_for_room(void) {
    // The lock is a program's, a hard callback's, which may have come in the middle of an allocation
    // and on whose stack the roots are not, or a finaliser's, in the middle of a collection.
    if (gc_is_locked() || calls != NONE) {
        return;
    }
    outer_catcher = MP_STATE_THREAD(nlr_top);
    gc_collect_start();
    collect_mark_roots();
    gc_collect_end();
    // What is left free goes back, and dead code's room is no object's.
    native_settle();
    heap_settle();
    #if MICROPY_PY_WEAKREF
    if (calls == DUE) {
        mp_sched_schedule_node(&calls_node, call_back);
    }
    #endif
}

void gc_collect(void) {
    #if MICROPY_PY_WEAKREF
    if (gc_is_locked()) {
        return;
    }
    call_back(NULL);
    collect_for_room();
    call_back(NULL);
    #else
    collect_for_room();
    #endif
}

bool collect_would_unwind(void) {
    return (MP_STATE_THREAD(gc_lock_depth) & GC_COLLECT_FLAG) && MP_STATE_THREAD(nlr_top) == outer_catcher;
}

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
