// The collector's hooks. The makefile puts the functions with __wrap_ in the place of those without.
#include "py/gc.h"
#include "py/runtime.h"
#include "shared/runtime/gchelper.h"

#include "mpy/collect.h"
#include "mpy/filesystem.h"
#include "mpy/heap.h"
#include "mpy/native.h"
#include "mpy/thread.h"

static nlr_buf_t *outer_catcher;

// What objects that die have to say: Python may be called, by finalisers and for weak references.
static bool calls_due, calling;
static mp_sched_node_t calls_node;

static bool collect(void);

// Ctrl-C is the program's, too, at its next step.
static void call(mp_sched_node_t *node) {
    (void)node;
    if (calls_due && !filesystem_is_running() && collect()) {
        mp_sched_keyboard_interrupt();
    }
}

void collect_owe_calls(void) {
    calls_due = true;
    if (!filesystem_is_running()) {
        mp_sched_schedule_node(&calls_node, call);
    }
}

void collect_resume_calls(void) {
    if (calls_due) {
        collect_owe_calls();
    }
}

void collect_reset(void) {
    calls_due = calling = false;
}

void collect_mark_roots(void) {
    native_collect_roots();
    thread_collect_roots();
    gc_collect_root(&filesystem_raised, 1);
    gc_helper_collect_regs_and_stack();
}

static void mark(void) {
    outer_catcher = MP_STATE_THREAD(nlr_top);
    gc_collect_start();
    collect_mark_roots();
}

// What is left free goes back, and dead code's room is no object's.
static void settle(void) {
    native_settle();
    heap_settle();
}

void collect_for_room(void) {
    // The lock is a program's, or a hard callback's, which may have come in the middle of an allocation
    // and on whose stack the roots are not.
    if (gc_is_locked() || calling) {
        return;
    }
    calls_due = false;
    mark();
    gc_collect_end();
    settle();
}

// Whether Ctrl-C has ended a finaliser.
static bool collect_and_call(void) {
    calls_due = false;
    mark();
    if (gc_collect_finalise()) {
        mark();
    }
    bool interrupted = gc_collect_end_at_rest();
    settle();
    #if MICROPY_PY_WEAKREF
    // What it works on does not survive another collection.
    gc_weakref_sweep();
    #endif
    return interrupted;
}

static bool collect(void) {
    if (gc_is_locked() || calling || filesystem_is_running()) {
        collect_for_room();
        return false;
    }
    bool interrupted = false;
    calling = true;
    nlr_buf_t nlr;
    nlr.ret_val = NULL;
    if (nlr_push(&nlr) == 0) {
        interrupted = collect_and_call();
        nlr_pop();
    }
    calling = false;
    if (calls_due) {
        collect_owe_calls();
    }
    if (nlr.ret_val != NULL) {
        nlr_jump(nlr.ret_val);
    }
    return interrupted;
}

// The program's call.
void gc_collect(void) {
    if (collect()) {
        MP_STATE_VM(mp_kbd_exception).traceback_data = NULL;
        nlr_raise(MP_OBJ_FROM_PTR(&MP_STATE_VM(mp_kbd_exception)));
    }
}

bool collect_would_unwind(void) {
    return (MP_STATE_THREAD(gc_lock_depth) & GC_COLLECT_FLAG) && MP_STATE_THREAD(nlr_top) == outer_catcher;
}

void collect_python_lock(void);
void collect_python_unlock(void);

// How many of the heap's locks are micropython.heap_lock()'s. A soft reset undoes them all.
static THREAD_OWN size_t python_locks;

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
