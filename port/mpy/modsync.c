// _sync: queues and locks that several CPUs share, for cpus.py; and what they know of each other's Pages.
// Who waits halts its CPU; a change that may be waited for interrupts the others.
#include <string.h>

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"

#include "boot/percpu.h"
#include "frames/frames.h"
#include "frames/modframes.h"
#include "mpy/holding.h"
#include "mpy/message.h"
#include "mpy/modsync.h"

#ifdef UNIX
#define SYNC_CPU (0)
#define SYNC_WAKE() ((void)0)
// There is one thread.
typedef struct {
    char unused;
} lock_t;
static uint64_t lock_save(lock_t *lock) {
    (void)lock;
    return 0;
}
static void lock_restore(lock_t *lock, uint64_t state) {
    (void)lock;
    (void)state;
}
#else
#include "cpu/cpus.h"
#include "cpu/lock.h"
#include "mpy/thread.h"
#define SYNC_CPU (cpus_number)
#define SYNC_WAKE() wake_all()

// Which CPUs and threads wait is not known.
static void wake_all(void) {
    thread_let_look();
    for (unsigned i = 0; i < cpus_count; ++i) {
        if (i != cpus_number) {
            cpus_interrupt(i);
        }
    }
}
#endif

struct sync {
    const mp_obj_type_t *type;
    sync_t *next, *previous;    // of all that there are
    uint64_t holders;           // objects on all CPUs, and messages
    uint32_t objects[FRAMES_CPUS_MAX];
    // The rest is behind a lock of its own.
    lock_t lock;
    uint32_t awaited;           // Somebody may wait for a change.
    // A queue's.
    message_t *first, *last;
    uint64_t count, capacity;   // messages
    // A lock's: the CPU that has it plus one.
    uint64_t owner;
    // Of Pages, which have no type here; no frames: they are closed.
    uint64_t addr, frames;
};

_Static_assert(sizeof(sync_t) <= FRAMES_SIZE, "it is one frame");

typedef struct {
    mp_obj_base_t base;
    sync_t *sync;
} object_t;

static const mp_obj_type_t queue_type, lock_type;

// All of the machine, and the lock for that list and for who holds what.
SHARED static sync_t *all;
SHARED static lock_t all_lock;

static void changed(sync_t *self) {
    if (__atomic_exchange_n(&self->awaited, 0, __ATOMIC_SEQ_CST) != 0) {
        SYNC_WAKE();
    }
}

// --- Who holds them -------------------------------------------------------------------------

void sync_init(void) {
    all = NULL;
}

sync_t *sync_get(mp_obj_t obj) {
    const mp_obj_type_t *type = mp_obj_get_type(obj);
    return type == &queue_type || type == &lock_type ? ((object_t *)MP_OBJ_TO_PTR(obj))->sync : NULL;
}

HOLDING void sync_release(sync_t *self, uint64_t holders, sync_t **dead) {
    uint64_t state = lock_save(&all_lock);
    self->holders -= holders;
    if (self->holders == 0) {
        *(self->previous != NULL ? &self->previous->next : &all) = self->next;
        if (self->next != NULL) {
            self->next->previous = self->previous;
        }
        self->next = *dead;
        *dead = self;
    }
    lock_restore(&all_lock, state);
}

HOLDING void sync_bury(sync_t *dead) {
    while (dead != NULL) {
        sync_t *sync = dead;
        dead = sync->next;
        while (sync->first != NULL) {
            message_t *message = sync->first;
            sync->first = message->next;
            message_take(message);
            message_discard(message, &dead);
        }
        frames_free_kernel((uintptr_t)sync, 1);
    }
}

void sync_hold(sync_t *self) {
    uint64_t state = lock_save(&all_lock);
    ++self->holders;
    lock_restore(&all_lock, state);
}

static void free_lock(sync_t *self) {
    __atomic_store_n(&self->owner, 0, __ATOMIC_SEQ_CST);
    changed(self);
}

HOLDING void sync_reset(void) {
    sync_t *dead = NULL;
    for (;;) {
        uint64_t state = lock_save(&all_lock);
        sync_t *sync = all;
        while (sync != NULL && sync->objects[SYNC_CPU] == 0) {
            sync = sync->next;
        }
        uint64_t count = 0;
        if (sync != NULL) {
            count = sync->objects[SYNC_CPU];
            sync->objects[SYNC_CPU] = 0;
        }
        lock_restore(&all_lock, state);
        if (sync == NULL) {
            break;
        }
        if (sync->owner == SYNC_CPU + 1) {
            free_lock(sync);
        }
        sync_release(sync, count, &dead);
    }
    sync_bury(dead);
}

static object_t *new_object(const mp_obj_type_t *type) {
    object_t *self = mp_obj_malloc_with_finaliser(object_t, type);
    self->sync = NULL;
    return self;
}

HOLDING void sync_add(sync_t *sync) {
    uint64_t state = lock_save(&all_lock);
    ++sync->holders;
    ++sync->objects[SYNC_CPU];
    lock_restore(&all_lock, state);
}

HOLDING void sync_drop(sync_t *sync) {
    sync_t *dead = NULL;
    uint64_t state = lock_save(&all_lock);
    --sync->objects[SYNC_CPU];
    lock_restore(&all_lock, state);
    sync_release(sync, 1, &dead);
    sync_bury(dead);
}

static HOLDING void add_object(object_t *self, sync_t *sync) {
    sync_add(sync);
    self->sync = sync;
}

mp_obj_t sync_new(sync_t *sync) {
    object_t *self = new_object(sync->type);
    add_object(self, sync);
    return MP_OBJ_FROM_PTR(self);
}

// Of zeros, but for its first object here.
static HOLDING frames_status_t begin(sync_t **sync) {
    uint64_t addr = frames_alloc_kernel(1, FRAMES_SIZE, 0);
    if (frames_failed(addr)) {
        return frames_why(addr);
    }
    *sync = memset((void *)(uintptr_t)addr, 0, sizeof(sync_t));
    uint64_t state = lock_save(&all_lock);
    (*sync)->next = all;
    if (all != NULL) {
        all->previous = *sync;
    }
    all = *sync;
    lock_restore(&all_lock, state);
    sync_add(*sync);
    return FRAMES_OK;
}

static HOLDING frames_status_t fill(object_t *self, uint64_t capacity) {
    frames_status_t status = begin(&self->sync);
    if (status == FRAMES_OK) {
        self->sync->type = self->base.type;
        self->sync->capacity = capacity;
    }
    return status;
}

static mp_obj_t make(const mp_obj_type_t *type, uint64_t capacity) {
    frames_refuse_interrupt();
    object_t *self = new_object(type);
    frames_status_t status = fill(self, capacity);
    if (status != FRAMES_OK) {
        frames_raise_alloc(status, 1, FRAMES_SIZE, 0);
    }
    return MP_OBJ_FROM_PTR(self);
}

// The collector has found that nobody has it.
static HOLDING mp_obj_t sync_del_(mp_obj_t self_in) {
    object_t *self = MP_OBJ_TO_PTR(self_in);
    frames_refuse_interrupt();
    sync_t *sync = self->sync;
    if (sync != NULL) {
        self->sync = NULL;
        sync_drop(sync);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(sync_del_obj, sync_del_);

// Nobody calls __del__() and goes on, but it can be done.
static sync_t *get_sync(mp_obj_t self_in) {
    sync_t *sync = ((object_t *)MP_OBJ_TO_PTR(self_in))->sync;
    if (sync == NULL) {
        mp_raise_ValueError(MP_ERROR_TEXT("it is gone"));
    }
    return sync;
}

// --- Pages ----------------------------------------------------------------------------------

HOLDING sync_t *sync_new_pages(uint64_t addr, uint64_t count) {
    sync_t *sync;
    if (begin(&sync) != FRAMES_OK) {
        return NULL;
    }
    sync->addr = addr;
    sync->frames = count;
    return sync;
}

bool sync_is_pages(const sync_t *sync) {
    return sync->type == NULL;
}

uint64_t sync_pages(const sync_t *sync, uint64_t *addr) {
    *addr = sync->addr;
    return __atomic_load_n(&sync->frames, __ATOMIC_ACQUIRE);
}

void sync_close_pages(sync_t *sync) {
    __atomic_store_n(&sync->frames, 0, __ATOMIC_SEQ_CST);
}

// --- Waiting --------------------------------------------------------------------------------

// In ms from now on; None: without an end.
static uint64_t get_timeout(mp_obj_t timeout) {
    return timeout == mp_const_none ? UINT64_MAX : frames_get_number(timeout, "timeout_ms");
}

typedef bool (*attempt_t)(sync_t *self, message_t **message);

// Whether the attempt has succeeded in time.
static bool attempt_until(sync_t *self, attempt_t attempt, message_t **message, uint64_t timeout) {
    if (attempt(self, message)) {
        return true;
    }
    if (timeout == 0) {
        return false;
    }
    // What it waits for cannot be expected while it is in everybody's way.
    frames_refuse_interrupt();
    uint64_t start = mp_hal_ticks_ms();
    for (;;) {
        mp_event_handle_nowait();
        __atomic_store_n(&self->awaited, 1, __ATOMIC_SEQ_CST);
        // An interrupt from here on ends the wait below.
        if (attempt(self, message)) {
            return true;
        }
        uint64_t passed = mp_hal_ticks_ms() - start;
        if (passed >= timeout) {
            return false;
        }
        MICROPY_INTERNAL_WFE(MIN(timeout - passed, INT64_MAX));
    }
}

// --- Queue ----------------------------------------------------------------------------------

static bool put(sync_t *self, message_t **message) {
    uint64_t state = lock_save(&self->lock);
    bool fits = self->count < self->capacity;
    if (fits) {
        message_give(*message);
        (*message)->next = NULL;
        *(self->first != NULL ? &self->last->next : &self->first) = *message;
        self->last = *message;
        ++self->count;
    }
    lock_restore(&self->lock, state);
    if (fits) {
        changed(self);
    }
    return fits;
}

static bool get(sync_t *self, message_t **message) {
    uint64_t state = lock_save(&self->lock);
    *message = self->first;
    if (*message != NULL) {
        self->first = (*message)->next;
        --self->count;
        message_take(*message);
    }
    lock_restore(&self->lock, state);
    if (*message != NULL) {
        changed(self);
    }
    return *message != NULL;
}

// Back to where it was, even if the queue is full.
static void put_back(sync_t *self, message_t *message) {
    uint64_t state = lock_save(&self->lock);
    message_give(message);
    if (self->first == NULL) {
        self->last = message;
    }
    message->next = self->first;
    self->first = message;
    ++self->count;
    lock_restore(&self->lock, state);
    changed(self);
}

// Queue(capacity=64)
static mp_obj_t queue_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *all_args) {
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_capacity, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_INT(64)} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all_kw_array(n_args, n_kw, all_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    uint64_t capacity = frames_get_number(args[0].u_obj, "capacity");
    if (capacity == 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("capacity is at least 1, not 0"));
    }
    return make(type, capacity);
}

// put(value, timeout_ms=None)
static mp_obj_t queue_put_(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_value, ARG_timeout_ms };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_value, MP_ARG_OBJ | MP_ARG_REQUIRED, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_timeout_ms, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    sync_t *self = get_sync(pos_args[0]);
    uint64_t timeout = get_timeout(args[ARG_timeout_ms].u_obj);
    message_t *message = message_encode(args[ARG_value].u_obj);
    bool done = false;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        done = attempt_until(self, put, &message, timeout);
        nlr_pop();
    } else {
        message_free(message);
        nlr_jump(nlr.ret_val);
    }
    if (!done) {
        message_free(message);
        mp_raise_OSError(MP_ETIMEDOUT);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(queue_put_obj, 2, queue_put_);

// get(timeout_ms=None)
static mp_obj_t queue_get_(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_timeout_ms, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    frames_refuse_interrupt();
    sync_t *self = get_sync(pos_args[0]);
    message_t *message;
    if (!attempt_until(self, get, &message, get_timeout(args[0].u_obj))) {
        mp_raise_OSError(MP_ETIMEDOUT);
    }
    mp_obj_t value = mp_const_none;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        value = message_decode(message);
        nlr_pop();
    } else {
        put_back(self, message);
        nlr_jump(nlr.ret_val);
    }
    message_free(message);
    return value;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(queue_get_obj, 1, queue_get_);

static mp_obj_t queue_unary_op(mp_unary_op_t op, mp_obj_t self_in) {
    switch (op) {
        case MP_UNARY_OP_LEN:
            return mp_obj_new_int_from_uint(__atomic_load_n(&get_sync(self_in)->count, __ATOMIC_SEQ_CST));
        case MP_UNARY_OP_BOOL:
            return mp_const_true;
        default:
            return MP_OBJ_NULL;
    }
}

static const mp_rom_map_elem_t queue_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&sync_del_obj) },
    { MP_ROM_QSTR(MP_QSTR_put), MP_ROM_PTR(&queue_put_obj) },
    { MP_ROM_QSTR(MP_QSTR_get), MP_ROM_PTR(&queue_get_obj) },
};
static MP_DEFINE_CONST_DICT(queue_locals, queue_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    queue_type,
    MP_QSTR_Queue,
    MP_TYPE_FLAG_NONE,
    make_new, queue_make_new,
    unary_op, queue_unary_op,
    locals_dict, &queue_locals
    );

// --- Lock -----------------------------------------------------------------------------------

static bool acquire(sync_t *self, message_t **message) {
    (void)message;
    uint64_t owner = 0;
    return __atomic_compare_exchange_n(&self->owner, &owner, SYNC_CPU + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

// Lock()
static mp_obj_t lock_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    (void)args;
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    return make(type, 0);
}

// acquire(timeout_ms=None) -> whether it could be had in time
static mp_obj_t lock_acquire_(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_timeout_ms, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    return mp_obj_new_bool(attempt_until(get_sync(pos_args[0]), acquire, NULL, get_timeout(args[0].u_obj)));
}
static MP_DEFINE_CONST_FUN_OBJ_KW(lock_acquire_obj, 1, lock_acquire_);

// release()
static mp_obj_t lock_release_(mp_obj_t self_in) {
    sync_t *self = get_sync(self_in);
    if (__atomic_load_n(&self->owner, __ATOMIC_SEQ_CST) == 0) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("nobody has the lock"));
    }
    free_lock(self);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(lock_release_obj, lock_release_);

static mp_obj_t lock_locked_(mp_obj_t self_in) {
    return mp_obj_new_bool(__atomic_load_n(&get_sync(self_in)->owner, __ATOMIC_SEQ_CST) != 0);
}
static MP_DEFINE_CONST_FUN_OBJ_1(lock_locked_obj, lock_locked_);

static mp_obj_t lock_enter_(mp_obj_t self_in) {
    attempt_until(get_sync(self_in), acquire, NULL, UINT64_MAX);
    return self_in;
}
static MP_DEFINE_CONST_FUN_OBJ_1(lock_enter_obj, lock_enter_);

static mp_obj_t lock_exit_(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    return lock_release_(args[0]);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(lock_exit_obj, 4, 4, lock_exit_);

static const mp_rom_map_elem_t lock_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&sync_del_obj) },
    { MP_ROM_QSTR(MP_QSTR_acquire), MP_ROM_PTR(&lock_acquire_obj) },
    { MP_ROM_QSTR(MP_QSTR_release), MP_ROM_PTR(&lock_release_obj) },
    { MP_ROM_QSTR(MP_QSTR_locked), MP_ROM_PTR(&lock_locked_obj) },
    { MP_ROM_QSTR(MP_QSTR___enter__), MP_ROM_PTR(&lock_enter_obj) },
    { MP_ROM_QSTR(MP_QSTR___exit__), MP_ROM_PTR(&lock_exit_obj) },
};
static MP_DEFINE_CONST_DICT(lock_locals, lock_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    lock_type,
    MP_QSTR_Lock,
    MP_TYPE_FLAG_NONE,
    make_new, lock_make_new,
    locals_dict, &lock_locals
    );

static const mp_rom_map_elem_t sync_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__sync) },
    { MP_ROM_QSTR(MP_QSTR_Queue), MP_ROM_PTR(&queue_type) },
    { MP_ROM_QSTR(MP_QSTR_Lock), MP_ROM_PTR(&lock_type) },
};
static MP_DEFINE_CONST_DICT(sync_globals, sync_globals_table);

const mp_obj_module_t sync_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&sync_globals,
};
MP_REGISTER_MODULE(MP_QSTR__sync, sync_module);
