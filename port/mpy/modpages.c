// _pages: frames as memory in Python. A Pages object has the buffer protocol, holds its frames
// until close(), and never gives them back by itself: the GC does not see page memory.
#include <string.h>

#include "py/objint.h"
#include "py/runtime.h"

#include "frames/frames.h"
#include "frames/modframes.h"
#include "mpy/holding.h"
#include "mpy/modpages.h"

// A kernel that lets Python change how memory is mapped at its own address says how frames are to be
// left before they go back: false where there is no memory for that now.
#ifndef MICROPY_PAGES_RESTORE
#define MICROPY_PAGES_RESTORE(addr, count) (true)
#endif

typedef struct _pages_t {
    mp_obj_base_t base;
    uint64_t addr;
    uint64_t count; // 0: closed.
    bool is_view;   // The frames are another object's, which may be another CPU's.
    sync_t *shared; // NULL: no other object has them.
    struct _pages_t *next, *previous; // Of all that are open.
} pages_t;

MP_REGISTER_ROOT_POINTER(struct _pages_t *pages_open);

void pages_reset(void) {
    MP_STATE_VM(pages_open) = NULL;
}

bool pages_hold(uint64_t addr, uint64_t count) {
    for (const pages_t *pages = MP_STATE_VM(pages_open); pages != NULL; pages = pages->next) {
        uint64_t offset = addr - pages->addr;
        if (offset < pages->count * FRAMES_SIZE) {
            return count <= pages->count - offset / FRAMES_SIZE;
        }
    }
    return false;
}

static void add_open(pages_t *self) {
    self->previous = NULL;
    self->next = MP_STATE_VM(pages_open);
    if (self->next != NULL) {
        self->next->previous = self;
    }
    MP_STATE_VM(pages_open) = self;
}

static void remove_open(pages_t *self) {
    if (self->previous != NULL) {
        self->previous->next = self->next;
    } else {
        MP_STATE_VM(pages_open) = self->next;
    }
    if (self->next != NULL) {
        self->next->previous = self->previous;
    }
    self->next = self->previous = NULL;
}

static HOLDING frames_status_t open_frames(pages_t *self, uint64_t count, uint64_t align, uint64_t below) {
    uint64_t addr = frames_alloc_kernel(count, align, below);
    if (frames_failed(addr)) {
        return frames_why(addr);
    }
    self->addr = addr;
    self->count = count;
    add_open(self);
    return FRAMES_OK;
}

static HOLDING void leave(pages_t *self) {
    sync_t *shared = self->shared;
    self->count = 0;
    self->shared = NULL;
    if (shared != NULL) {
        sync_drop(shared);
    }
}

// FRAMES_NO_MEMORY: there is none for a page table, and nothing has changed.
static HOLDING frames_status_t close_frames(pages_t *self) {
    if (!MICROPY_PAGES_RESTORE(self->addr, self->count)) {
        return FRAMES_NO_MEMORY;
    }
    remove_open(self);
    uint64_t count = self->count;
    if (self->shared != NULL) {
        sync_close_pages(self->shared);
    }
    leave(self);
    return frames_free_kernel(self->addr, count);
}

void pages_close_all(void) {
    for (pages_t *pages = MP_STATE_VM(pages_open), *next; pages != NULL; pages = next) {
        next = pages->next;
        close_frames(pages);
    }
}

bool pages_is_open(mp_obj_t self_in) {
    const pages_t *self = MP_OBJ_TO_PTR(self_in);
    uint64_t addr;
    return self->count != 0 && (self->shared == NULL || sync_pages(self->shared, &addr) != 0);
}

static pages_t *get_open(mp_obj_t self_in) {
    pages_t *self = MP_OBJ_TO_PTR(self_in);
    if (!pages_is_open(self_in)) {
        mp_raise_ValueError(MP_ERROR_TEXT("pages are closed"));
    }
    return self;
}

// Every frame is mapped at its own address.
static uint8_t *get_data(pages_t *self) {
    return (uint8_t *)(uintptr_t)self->addr;
}

static size_t get_size(pages_t *self) {
    return self->count * FRAMES_SIZE;
}

static _Noreturn void raise_status(frames_status_t status) {
    const mp_obj_type_t *type = &mp_type_ValueError;
    if (status == FRAMES_NO_MEMORY) {
        type = &mp_type_MemoryError;
    } else if (status == FRAMES_NO_MAP) {
        type = &mp_type_RuntimeError;
    }
    mp_raise_msg_varg(type, MP_ERROR_TEXT("%s"), frames_text(status));
}

// alloc(count=1, align=4096, below=0): `count` contiguous frames full of zeros, the first at a
// multiple of `align` bytes, all below the address `below` where that is not 0.
static mp_obj_t pages_alloc_(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_count, ARG_align, ARG_below };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_count, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_INT(1)} },
        { MP_QSTR_align, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_INT(FRAMES_SIZE)} },
        { MP_QSTR_below, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_INT(0)} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    frames_refuse_interrupt();
    uint64_t count = frames_get_number(args[ARG_count].u_obj, "count");
    uint64_t align = frames_get_number(args[ARG_align].u_obj, "align");
    uint64_t below = frames_get_number(args[ARG_below].u_obj, "below");
    // First the object: without room for it no frame must be taken.
    pages_t *self = mp_obj_malloc(pages_t, &pages_type);
    self->count = 0;
    self->is_view = false;
    self->shared = NULL;
    frames_status_t status = open_frames(self, count, align, below);
    if (status != FRAMES_OK) {
        frames_raise_alloc(status, count, align, below);
    }
    memset(get_data(self), 0, get_size(self));
    return MP_OBJ_FROM_PTR(self);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(pages_alloc_obj, 0, pages_alloc_);

HOLDING sync_t *pages_share(mp_obj_t self_in) {
    pages_t *self = MP_OBJ_TO_PTR(self_in);
    if (!pages_is_open(self_in)) {
        return NULL;
    }
    if (self->shared == NULL) {
        self->shared = sync_new_pages(self->addr, self->count);
    }
    return self->shared;
}

static HOLDING void hold(pages_t *self, sync_t *sync) {
    sync_add(sync);
    self->shared = sync;
    // What is closed already has an address that is nobody's any more.
    self->count = sync_pages(sync, &self->addr);
}

mp_obj_t pages_new_view(sync_t *sync) {
    pages_t *self = mp_obj_malloc_with_finaliser(pages_t, &pages_type);
    self->is_view = true;
    self->count = 0;
    self->shared = NULL;
    hold(self, sync);
    return MP_OBJ_FROM_PTR(self);
}

// The collector has found that nobody has a view any more. Others have no finaliser.
static mp_obj_t pages_del_(mp_obj_t self_in) {
    pages_t *self = MP_OBJ_TO_PTR(self_in);
    frames_refuse_interrupt();
    if (self->is_view) {
        leave(self);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(pages_del_obj, pages_del_);

// close(): gives the frames back, mapped again as they were. Does nothing the second time.
static mp_obj_t pages_close_(mp_obj_t self_in) {
    pages_t *self = MP_OBJ_TO_PTR(self_in);
    frames_refuse_interrupt();
    if (self->is_view) {
        leave(self);
    } else if (self->count != 0) {
        frames_status_t status = close_frames(self);
        if (status == FRAMES_NO_MEMORY) {
            mp_raise_msg(&mp_type_MemoryError,
                MP_ERROR_TEXT("no frame for a page table: the pages stay open"));
        }
        if (status != FRAMES_OK) {
            raise_status(status);
        }
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(pages_close_obj, pages_close_);

static mp_obj_t pages_enter_(mp_obj_t self_in) {
    get_open(self_in);
    return self_in;
}
static MP_DEFINE_CONST_FUN_OBJ_1(pages_enter_obj, pages_enter_);

static mp_obj_t pages_exit_(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    return pages_close_(args[0]);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(pages_exit_obj, 4, 4, pages_exit_);

static void pages_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    pages_t *self = MP_OBJ_TO_PTR(self_in);
    if (!pages_is_open(self_in)) {
        mp_print_str(print, "Pages(closed)");
    } else {
        mp_printf(print, "Pages(addr=0x%lx, count=%lu)",
            (unsigned long)self->addr, (unsigned long)self->count);
    }
}

static mp_obj_t pages_unary_op(mp_unary_op_t op, mp_obj_t self_in) {
    switch (op) {
        case MP_UNARY_OP_LEN:
            return mp_obj_new_int_from_uint(get_size(get_open(self_in)));
        case MP_UNARY_OP_BOOL:
            return mp_obj_new_bool(pages_is_open(self_in));
        default:
            return MP_OBJ_NULL;
    }
}

static void pages_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    if (dest[0] != MP_OBJ_NULL) {
        return;
    }
    if (attr == MP_QSTR_addr) {
        dest[0] = mp_obj_new_int_from_uint(get_open(self_in)->addr);
    } else if (attr == MP_QSTR_va) {
        dest[0] = mp_obj_new_int_from_uint((uintptr_t)get_data(get_open(self_in)));
    } else {
        dest[1] = MP_OBJ_SENTINEL;
    }
}

// As with a bytearray: a byte, or a slice without a step. A slice that is read is a copy; one that
// is written takes as many bytes as it has.
static mp_obj_t pages_subscr(mp_obj_t self_in, mp_obj_t index_in, mp_obj_t value) {
    if (value == MP_OBJ_NULL) {
        return MP_OBJ_NULL;
    }
    pages_t *self = get_open(self_in);
    uint8_t *data = get_data(self);
    if (mp_obj_is_type(index_in, &mp_type_slice)) {
        mp_bound_slice_t slice;
        if (!mp_seq_get_fast_slice_indexes(get_size(self), index_in, &slice)) {
            mp_raise_NotImplementedError(MP_ERROR_TEXT("only slices with step=1 (aka None) are supported"));
        }
        size_t size = slice.stop - slice.start;
        if (value == MP_OBJ_SENTINEL) {
            return mp_obj_new_bytearray(size, data + slice.start);
        }
        mp_buffer_info_t source;
        mp_get_buffer_raise(value, &source, MP_BUFFER_READ);
        if (source.len != size) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%lu bytes for a slice of %lu"),
                (unsigned long)source.len, (unsigned long)size);
        }
        memmove(data + slice.start, source.buf, size);
        return mp_const_none;
    }
    size_t index = mp_get_index(self->base.type, get_size(self), index_in, false);
    if (value == MP_OBJ_SENTINEL) {
        return MP_OBJ_NEW_SMALL_INT(data[index]);
    }
    mp_int_t byte = mp_obj_get_int(value);
    if (byte < 0 || byte > 255) {
        mp_raise_ValueError(MP_ERROR_TEXT("byte must be in 0 to 255"));
    }
    data[index] = byte;
    return mp_const_none;
}

// A memoryview takes the pointer with it: one made before close() must not be used after it.
static mp_int_t pages_get_buffer(mp_obj_t self_in, mp_buffer_info_t *buffer, mp_uint_t flags) {
    (void)flags;
    pages_t *self = get_open(self_in);
    buffer->buf = get_data(self);
    buffer->len = get_size(self);
    buffer->typecode = 'B';
    return 0;
}

// Words of 64 bits, for whoever shares the memory: other CPUs, callbacks, devices. Each is one access that
// nothing comes between. What may raise comes before it, as a number beyond a small int takes heap.
static uint64_t *get_word(mp_obj_t self_in, mp_obj_t offset_in) {
    pages_t *self = get_open(self_in);
    uint64_t offset;
    if (mp_obj_is_exact_type(offset_in, &mp_type_int)) {
        offset = mp_obj_get_int_truncated(offset_in);
        offset = mp_obj_equal(offset_in, mp_obj_new_int_from_uint(offset)) ? offset : UINT64_MAX;
    } else {
        offset = mp_obj_get_int(offset_in);
    }
    if (offset > get_size(self) - sizeof(uint64_t)) {
        mp_raise_msg_varg(&mp_type_IndexError, MP_ERROR_TEXT("offset is 0 to %lu"),
            (unsigned long)(get_size(self) - sizeof(uint64_t)));
    }
    if (offset % sizeof(uint64_t) != 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("offset %lu is not a multiple of 8"),
            (unsigned long)offset);
    }
    return (uint64_t *)(void *)(get_data(self) + offset);
}

// With a sign or without one.
static uint64_t get_bits(mp_obj_t value_in) {
    if (!mp_obj_is_exact_type(value_in, &mp_type_int)) {
        return mp_obj_get_int(value_in);
    }
    const mpz_t *number = &((mp_obj_int_t *)MP_OBJ_TO_PTR(value_in))->mpz;
    uint64_t bits = mp_obj_int_get_truncated(value_in);
    if (number->len * MPZ_DIG_SIZE > 64 || (number->neg && (int64_t)bits > 0)) {
        mp_raise_ValueError(MP_ERROR_TEXT("the value does not fit 64 bits"));
    }
    return bits;
}

// load(offset) -> value
static mp_obj_t pages_load_(mp_obj_t self_in, mp_obj_t offset_in) {
    return mp_obj_new_int_from_uint(__atomic_load_n(get_word(self_in, offset_in), __ATOMIC_SEQ_CST));
}
static MP_DEFINE_CONST_FUN_OBJ_2(pages_load_obj, pages_load_);

// store(offset, value)
static mp_obj_t pages_store_(mp_obj_t self_in, mp_obj_t offset_in, mp_obj_t value_in) {
    uint64_t *word = get_word(self_in, offset_in);
    __atomic_store_n(word, get_bits(value_in), __ATOMIC_SEQ_CST);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(pages_store_obj, pages_store_);

// fetch_add(offset, value) -> the value before, modulo 2^64
static mp_obj_t pages_fetch_add_(mp_obj_t self_in, mp_obj_t offset_in, mp_obj_t value_in) {
    uint64_t *word = get_word(self_in, offset_in);
    uint64_t value = get_bits(value_in);
    uint64_t before = __atomic_load_n(word, __ATOMIC_SEQ_CST);
    mp_obj_t result;
    do {
        result = mp_obj_new_int_from_uint(before);
    } while (!__atomic_compare_exchange_n(word, &before, before + value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    return result;
}
static MP_DEFINE_CONST_FUN_OBJ_3(pages_fetch_add_obj, pages_fetch_add_);

// compare_exchange(offset, expected, value) -> whether it was the expected one, and is `value` now
static mp_obj_t pages_compare_exchange_(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    uint64_t *word = get_word(args[0], args[1]);
    uint64_t expected = get_bits(args[2]);
    uint64_t value = get_bits(args[3]);
    return mp_obj_new_bool(__atomic_compare_exchange_n(word, &expected, value, false,
        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(pages_compare_exchange_obj, 4, 4, pages_compare_exchange_);

static const mp_rom_map_elem_t pages_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&pages_del_obj) },
    { MP_ROM_QSTR(MP_QSTR_load), MP_ROM_PTR(&pages_load_obj) },
    { MP_ROM_QSTR(MP_QSTR_store), MP_ROM_PTR(&pages_store_obj) },
    { MP_ROM_QSTR(MP_QSTR_fetch_add), MP_ROM_PTR(&pages_fetch_add_obj) },
    { MP_ROM_QSTR(MP_QSTR_compare_exchange), MP_ROM_PTR(&pages_compare_exchange_obj) },
    { MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&pages_close_obj) },
    { MP_ROM_QSTR(MP_QSTR___enter__), MP_ROM_PTR(&pages_enter_obj) },
    { MP_ROM_QSTR(MP_QSTR___exit__), MP_ROM_PTR(&pages_exit_obj) },
};
static MP_DEFINE_CONST_DICT(pages_locals, pages_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    pages_type,
    MP_QSTR_Pages,
    MP_TYPE_FLAG_NONE,
    print, pages_print,
    unary_op, pages_unary_op,
    attr, pages_attr,
    subscr, pages_subscr,
    buffer, pages_get_buffer,
    locals_dict, &pages_locals
    );

static const mp_rom_map_elem_t pages_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__pages) },
    { MP_ROM_QSTR(MP_QSTR_Pages), MP_ROM_PTR(&pages_type) },
    { MP_ROM_QSTR(MP_QSTR_alloc), MP_ROM_PTR(&pages_alloc_obj) },
};
static MP_DEFINE_CONST_DICT(pages_globals, pages_globals_table);

const mp_obj_module_t pages_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&pages_globals,
};
MP_REGISTER_MODULE(MP_QSTR__pages, pages_module);
