// _space: the kernel's address space, for pages.py.
#include "py/binary.h"
#include "py/objint.h"
#include "py/runtime.h"

#include "frames/frames.h"
#include "frames/modframes.h"
#include "mpy/heap.h"
#include "mpy/native.h"
#include "memory/space.h"

// What Python may ask for; the rest is the kernel's.
#define PUBLIC_FLAGS (PAGING_WRITE | PAGING_EXECUTE | PAGING_COMBINE | PAGING_UNCACHED)

static _Noreturn void raise_status(paging_status_t status, uint64_t va) {
    mp_raise_msg_varg(status == PAGING_NO_FRAME ? &mp_type_MemoryError : &mp_type_ValueError,
        MP_ERROR_TEXT("0x%lx: %s"), (unsigned long)va, paging_text(status));
}

static mp_obj_t none_or_raise(paging_status_t status, uint64_t va) {
    if (status != PAGING_OK) {
        raise_status(status, va);
    }
    return mp_const_none;
}

static void need_space(void) {
    frames_refuse_interrupt();
    if (!space_ready()) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("no memory map yet"));
    }
}

// Any address or count, 0 to 2^64 - 1.
static uint64_t get_u64(mp_obj_t obj) {
    if (mp_obj_is_small_int(obj) && MP_OBJ_SMALL_INT_VALUE(obj) >= 0) {
        return MP_OBJ_SMALL_INT_VALUE(obj);
    }
    if (!mp_obj_is_int(obj)) {
        mp_raise_TypeError(MP_ERROR_TEXT("an int is needed"));
    }
    uint64_t value = (uint64_t)mp_obj_int_get_truncated(obj);
    if (!mp_obj_equal(obj, mp_obj_new_int_from_uint(value))) {
        mp_raise_ValueError(MP_ERROR_TEXT("not a 64-bit address or count"));
    }
    return value;
}

static unsigned get_flags(mp_obj_t obj, uint64_t va) {
    mp_int_t flags = mp_obj_get_int(obj);
    if (flags & ~(mp_int_t)PUBLIC_FLAGS) {
        raise_status(PAGING_BAD_FLAGS, va);
    }
    return flags;
}

static void check_not_kernel(uint64_t va, uint64_t count) {
    if (count != 0 && count <= UINT64_MAX / PAGING_SIZE && space_is_kernel(va, count)) {
        raise_status(PAGING_OWNED, va);
    }
}

// _init(starts, lasts, kinds): builds the address space from the memory map.
static mp_obj_t space_init_(mp_obj_t starts_in, mp_obj_t lasts_in, mp_obj_t kinds_in) {
    frames_refuse_interrupt();
    mp_buffer_info_t starts, lasts, kinds;
    mp_get_buffer_raise(starts_in, &starts, MP_BUFFER_READ);
    mp_get_buffer_raise(lasts_in, &lasts, MP_BUFFER_READ);
    mp_get_buffer_raise(kinds_in, &kinds, MP_BUFFER_READ);
    size_t count = starts.len / sizeof(uint64_t);
    if (lasts.len / sizeof(uint64_t) < count || kinds.len < count) {
        mp_raise_ValueError(MP_ERROR_TEXT("the memory map's arrays differ in length"));
    }
    if (space_ready()) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("the address space is there already"));
    }
    return none_or_raise(space_init(starts.buf, lasts.buf, kinds.buf, count), 0);
}
static MP_DEFINE_CONST_FUN_OBJ_3(space_init_obj, space_init_);

// map(va, addr, count=1, flags=WRITE)
static mp_obj_t space_map_(size_t n_args, const mp_obj_t *args) {
    need_space();
    uint64_t va = get_u64(args[0]);
    uint64_t addr = get_u64(args[1]);
    uint64_t count = n_args > 2 ? get_u64(args[2]) : 1;
    unsigned flags = n_args > 3 ? get_flags(args[3], va) : PAGING_WRITE;
    check_not_kernel(va, count);
    return none_or_raise(paging_map(&space, va, addr, count, flags), va);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(space_map_obj, 2, 4, space_map_);

// unmap(va, count=1)
static mp_obj_t space_unmap_(size_t n_args, const mp_obj_t *args) {
    need_space();
    uint64_t va = get_u64(args[0]);
    uint64_t count = n_args > 1 ? get_u64(args[1]) : 1;
    return none_or_raise(paging_unmap(&space, va, count, 0), va);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(space_unmap_obj, 1, 2, space_unmap_);

// protect(va, count, flags)
static mp_obj_t space_protect_(mp_obj_t va_in, mp_obj_t count_in, mp_obj_t flags_in) {
    need_space();
    uint64_t va = get_u64(va_in);
    uint64_t count = get_u64(count_in);
    return none_or_raise(paging_protect(&space, va, count, get_flags(flags_in, va)), va);
}
static MP_DEFINE_CONST_FUN_OBJ_3(space_protect_obj, space_protect_);

// translate(va) -> (addr, flags, size) of the byte at va, or None where nothing is mapped
static mp_obj_t space_translate_(mp_obj_t va_in) {
    need_space();
    uint64_t va = get_u64(va_in);
    paging_page_t page;
    paging_status_t status = paging_translate(&space, va, &page);
    if (status == PAGING_UNMAPPED) {
        return mp_const_none;
    }
    none_or_raise(status, va);
    mp_obj_t items[] = {
        mp_obj_new_int_from_uint(page.addr + (va - page.va)),
        MP_OBJ_NEW_SMALL_INT(page.flags),
        MP_OBJ_NEW_SMALL_INT(page.size),
    };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
static MP_DEFINE_CONST_FUN_OBJ_1(space_translate_obj, space_translate_);

// reserve(count) -> va of address space that nothing else uses
static mp_obj_t space_reserve_(mp_obj_t count_in) {
    need_space();
    uint64_t va = space_reserve(get_u64(count_in));
    if (va == 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("count is 0 or too large"));
    }
    return mp_obj_new_int_from_uint(va);
}
static MP_DEFINE_CONST_FUN_OBJ_1(space_reserve_obj, space_reserve_);

// walk() -> [(start, end, addr, flags, size), ...]: every mapping; neighbours that go on at the
// next physical address with the same flags and page size are one.
static mp_obj_t space_walk_(void) {
    need_space();
    mp_obj_t list = mp_obj_new_list(0, NULL);
    paging_page_t page;
    uint64_t va = 0;
    bool more = paging_next(&space, va, &page);
    while (more) {
        paging_page_t first = page;
        do {
            va = page.va + page.size;
            more = va != 0 && paging_next(&space, va, &page);
        } while (more && page.va == va && page.flags == first.flags && page.size == first.size
            && page.addr - first.addr == page.va - first.va);
        mp_obj_t items[] = {
            mp_obj_new_int_from_uint(first.va),
            va != 0 ? mp_obj_new_int_from_uint(va)
                : mp_binary_op(MP_BINARY_OP_LSHIFT, MP_OBJ_NEW_SMALL_INT(1), MP_OBJ_NEW_SMALL_INT(64)),
            mp_obj_new_int_from_uint(first.addr),
            MP_OBJ_NEW_SMALL_INT(first.flags),
            MP_OBJ_NEW_SMALL_INT(first.size),
        };
        mp_obj_list_append(list, mp_obj_new_tuple(MP_ARRAY_SIZE(items), items));
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_0(space_walk_obj, space_walk_);

// stats() -> frames in page tables, kept in the image for page tables, in the heap's growth, in
// native code
static mp_obj_t space_stats_(void) {
    need_space();
    static const qstr names[] = { MP_QSTR_tables, MP_QSTR_kept, MP_QSTR_heap, MP_QSTR_native };
    mp_obj_t items[] = {
        MP_OBJ_NEW_SMALL_INT(paging_tables(&space)),
        MP_OBJ_NEW_SMALL_INT(space_reserve_count),
        MP_OBJ_NEW_SMALL_INT(heap_frames()),
        MP_OBJ_NEW_SMALL_INT(native_frames()),
    };
    return mp_obj_new_attrtuple(names, MP_ARRAY_SIZE(names), items);
}
static MP_DEFINE_CONST_FUN_OBJ_0(space_stats_obj, space_stats_);

static const mp_rom_map_elem_t space_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__space) },
    { MP_ROM_QSTR(MP_QSTR__init), MP_ROM_PTR(&space_init_obj) },
    { MP_ROM_QSTR(MP_QSTR_map), MP_ROM_PTR(&space_map_obj) },
    { MP_ROM_QSTR(MP_QSTR_unmap), MP_ROM_PTR(&space_unmap_obj) },
    { MP_ROM_QSTR(MP_QSTR_protect), MP_ROM_PTR(&space_protect_obj) },
    { MP_ROM_QSTR(MP_QSTR_translate), MP_ROM_PTR(&space_translate_obj) },
    { MP_ROM_QSTR(MP_QSTR_reserve), MP_ROM_PTR(&space_reserve_obj) },
    { MP_ROM_QSTR(MP_QSTR_walk), MP_ROM_PTR(&space_walk_obj) },
    { MP_ROM_QSTR(MP_QSTR_stats), MP_ROM_PTR(&space_stats_obj) },
    { MP_ROM_QSTR(MP_QSTR_READ), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_WRITE), MP_ROM_INT(PAGING_WRITE) },
    { MP_ROM_QSTR(MP_QSTR_EXECUTE), MP_ROM_INT(PAGING_EXECUTE) },
    { MP_ROM_QSTR(MP_QSTR_COMBINE), MP_ROM_INT(PAGING_COMBINE) },
    { MP_ROM_QSTR(MP_QSTR_UNCACHED), MP_ROM_INT(PAGING_UNCACHED) },
    { MP_ROM_QSTR(MP_QSTR_OWNED), MP_ROM_INT(PAGING_OWN) },
};
static MP_DEFINE_CONST_DICT(space_globals, space_globals_table);

const mp_obj_module_t space_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&space_globals,
};
MP_REGISTER_MODULE(MP_QSTR__space, space_module);
