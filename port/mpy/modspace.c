// _space: the kernel's address space, for pages.py.
#include <limits.h>

#include "py/binary.h"
#include "py/objint.h"
#include "py/runtime.h"

#include "frames/frames.h"
#include "frames/modframes.h"
#include "memory/space.h"
#include "mpy/calls.h"
#include "mpy/heap.h"
#include "mpy/message.h"
#include "mpy/modpages.h"
#include "mpy/native.h"
#include "mpy/thread.h"

// What Python may ask for; the rest is the kernel's.
#define PUBLIC_FLAGS (PAGING_WRITE | PAGING_EXECUTE | PAGING_COMBINE | PAGING_UNCACHED)

#define MMIO_END (UINT64_C(1) << 32)

// What a call is about, for its checks and its messages.
typedef struct {
    uint64_t va, count;
    uint64_t addr;  // map() only
    unsigned flags;
} request_t;

bool modspace_restore(uint64_t addr, uint64_t count) {
    return space_restore(addr, count) == PAGING_OK;
}

static _Noreturn void raise_flags(mp_int_t flags) {
    mp_raise_msg_varg(&mp_type_ValueError,
        MP_ERROR_TEXT("flags %s0x%lx: READ, WRITE or EXECUTE, and COMBINE or UNCACHED or neither"),
        flags < 0 ? "-" : "", flags < 0 ? -(unsigned long)flags : (unsigned long)flags);
}

static _Noreturn void raise_status(paging_status_t status, const request_t *request) {
    unsigned long va = request->va, addr = request->addr, count = request->count;
    switch (status) {
        case PAGING_MISALIGNED:
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s 0x%lx is not a multiple of 4096"),
                va % PAGING_SIZE != 0 ? "va" : "addr", va % PAGING_SIZE != 0 ? va : addr);
        case PAGING_NOT_CANONICAL:
            mp_raise_msg_varg(&mp_type_ValueError,
                MP_ERROR_TEXT("va 0x%lx, count %lu: not canonical, below 0x800000000000 or from 0xffff800000000000 on"),
                va, count);
        case PAGING_TOO_LONG:
            if (count == 0) {
                mp_raise_ValueError(MP_ERROR_TEXT("count is at least 1, not 0"));
            }
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("count %lu is too large for va 0x%lx"), count, va);
        case PAGING_BAD_FLAGS:
            raise_flags(request->flags);
        case PAGING_NO_FRAME:
            mp_raise_msg_varg(&mp_type_MemoryError, MP_ERROR_TEXT("0x%lx: %s"), va, paging_text(status));
        default:
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("0x%lx: %s"), va, paging_text(status));
    }
}

static mp_obj_t none_or_raise(paging_status_t status, const request_t *request) {
    if (status != PAGING_OK) {
        raise_status(status, request);
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
static uint64_t get_u64(mp_obj_t obj, const char *name) {
    if (mp_obj_is_small_int(obj) && MP_OBJ_SMALL_INT_VALUE(obj) >= 0) {
        return MP_OBJ_SMALL_INT_VALUE(obj);
    }
    if (mp_obj_is_small_int(obj)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s is 0 to 0xffffffffffffffff, not %ld"), name,
            (long)MP_OBJ_SMALL_INT_VALUE(obj));
    }
    if (!mp_obj_is_int(obj)) {
        mp_raise_msg_varg(&mp_type_TypeError, MP_ERROR_TEXT("%s is an int, not %s"), name, mp_obj_get_type_str(obj));
    }
    uint64_t value = (uint64_t)mp_obj_int_get_truncated(obj);
    if (!mp_obj_equal(obj, mp_obj_new_int_from_uint(value))) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s is 0 to 0xffffffffffffffff"), name);
    }
    return value;
}

static void get_flags(mp_obj_t obj, request_t *request) {
    mp_int_t flags = mp_obj_get_int(obj);
    if (flags & ~(mp_int_t)PUBLIC_FLAGS) {
        raise_flags(flags);
    }
    request->flags = flags;
}

// paging.c says what else is wrong with a range.
static bool is_range(const request_t *request) {
    return request->va % PAGING_SIZE == 0 && request->count != 0
           && request->count <= (UINT64_C(1) << 47) / PAGING_SIZE
           && request->va <= UINT64_MAX - (request->count * PAGING_SIZE - 1);
}

// Memory is mapped at its own address, cached and writable: whoever gets a frame counts on it. So do
// the kernel's drivers on registers below 4 GiB. Only while memory belongs to an open Pages may Python
// map it otherwise there; close() puts that right.
static void check_identity(const request_t *request) {
    if (!is_range(request)) {
        return;
    }
    if (space_is_kernel(request->va, request->count)) {
        raise_status(PAGING_OWNED, request);
    }
    if ((request->va < MMIO_END || space_is_memory(request->va, request->count))
        && request->va < SPACE_IDENTITY_END && !pages_hold(request->va, request->count)) {
        paging_page_t page = { 0 };
        if (space_translate(request->va, &page) == PAGING_OK && !(page.flags & PAGING_OWN)) {
            mp_raise_msg_varg(&mp_type_ValueError,
                MP_ERROR_TEXT("0x%lx: mapped at its own address for the kernel: only memory of one open Pages can be changed there"),
                (unsigned long)request->va);
        }
        raise_status(page.flags & PAGING_OWN ? PAGING_OWNED : PAGING_UNMAPPED, request);
    }
}

// SDM 3A 11.12.4: memory that is cached at one address and not at another is not the same memory.
static void check_caching(uint64_t addr, uint64_t count, unsigned flags) {
    if (flags & (PAGING_COMBINE | PAGING_UNCACHED) && space_is_memory(addr, count)) {
        mp_raise_msg_varg(&mp_type_ValueError,
            MP_ERROR_TEXT("0x%lx: memory is cached at its own address: neither UNCACHED nor COMBINE"),
            (unsigned long)addr);
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
    pages_reset();
    message_init();
    sync_init();
    calls_init();
    return none_or_raise(space_init(starts.buf, lasts.buf, kinds.buf, count), &(request_t) { 0 });
}
static MP_DEFINE_CONST_FUN_OBJ_3(space_init_obj, space_init_);

// map(va, addr, count=1, flags=WRITE)
static mp_obj_t space_map_(size_t n_args, const mp_obj_t *args) {
    need_space();
    request_t request = { .va = get_u64(args[0], "va"), .addr = get_u64(args[1], "addr"), .count = 1, .flags = PAGING_WRITE };
    if (n_args > 2) {
        request.count = get_u64(args[2], "count");
    }
    if (n_args > 3) {
        get_flags(args[3], &request);
    }
    uint64_t end = space_addr_end();
    if (is_range(&request) && request.addr % PAGING_SIZE == 0
        && (request.addr >= end || request.count > (end - request.addr) / PAGING_SIZE)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("addr 0x%lx, count %lu: this CPU's addresses end at 0x%lx"),
            (unsigned long)request.addr, (unsigned long)request.count, (unsigned long)end);
    }
    if (is_range(&request)) {
        if (space_is_kernel(request.va, request.count)) {
            raise_status(PAGING_OWNED, &request);
        }
        paging_status_t status = space_check(request.va, request.addr, request.count, request.flags);
        none_or_raise(status, &request);
        check_caching(request.addr, request.count, request.flags);
        if (request.va < SPACE_IDENTITY_END && space_is_memory(request.va, request.count)
            && !pages_hold(request.va, request.count)) {
            mp_raise_msg_varg(&mp_type_ValueError,
                MP_ERROR_TEXT("0x%lx: kept for the memory at that address"), (unsigned long)request.va);
        }
    }
    return none_or_raise(space_map(request.va, request.addr, request.count, request.flags), &request);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(space_map_obj, 2, 4, space_map_);

// unmap(va, count=1)
static mp_obj_t space_unmap_(size_t n_args, const mp_obj_t *args) {
    need_space();
    request_t request = { .va = get_u64(args[0], "va"), .count = n_args > 1 ? get_u64(args[1], "count") : 1 };
    check_identity(&request);
    return none_or_raise(space_unmap(request.va, request.count, 0), &request);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(space_unmap_obj, 1, 2, space_unmap_);

// protect(va, count, flags)
static mp_obj_t space_protect_(mp_obj_t va_in, mp_obj_t count_in, mp_obj_t flags_in) {
    need_space();
    request_t request = { .va = get_u64(va_in, "va"), .count = get_u64(count_in, "count") };
    get_flags(flags_in, &request);
    check_identity(&request);
    if (is_range(&request) && request.flags & (PAGING_COMBINE | PAGING_UNCACHED)) {
        uint64_t last = request.va + (request.count * PAGING_SIZE - 1);
        paging_page_t page;
        for (uint64_t va = request.va; space_translate(va, &page) == PAGING_OK;) {
            uint64_t page_last = page.va + (page.size - 1);
            uint64_t pages = ((page_last < last ? page_last : last) - va) / PAGING_SIZE + 1;
            check_caching(page.addr + (va - page.va), pages, request.flags);
            if (page_last >= last) {
                break;
            }
            va = page_last + 1;
        }
    }
    return none_or_raise(space_protect(request.va, request.count, request.flags), &request);
}
static MP_DEFINE_CONST_FUN_OBJ_3(space_protect_obj, space_protect_);

// translate(va) -> (addr, flags, size) of the byte at va, or None where nothing is mapped
static mp_obj_t space_translate_(mp_obj_t va_in) {
    need_space();
    uint64_t va = get_u64(va_in, "va");
    paging_page_t page;
    paging_status_t status = space_translate(va, &page);
    if (status == PAGING_UNMAPPED) {
        return mp_const_none;
    }
    none_or_raise(status, &(request_t) { .va = va, .count = 1 });
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
    uint64_t count = get_u64(count_in, "count");
    uint64_t va = space_reserve(count);
    if (va == 0) {
        raise_status(PAGING_TOO_LONG, &(request_t) { .va = space_reserve_next, .count = count });
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
    bool more = space_next(va, &page);
    while (more) {
        paging_page_t first = page;
        do {
            va = page.va + page.size;
            more = va != 0 && space_next(va, &page);
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
// native code, in threads' stacks
static mp_obj_t space_stats_(void) {
    need_space();
    static const qstr names[] = { MP_QSTR_tables, MP_QSTR_kept, MP_QSTR_heap, MP_QSTR_native, MP_QSTR_stacks };
    mp_obj_t items[] = {
        MP_OBJ_NEW_SMALL_INT(space_tables()),
        MP_OBJ_NEW_SMALL_INT(space_reserve_count),
        MP_OBJ_NEW_SMALL_INT(heap_frames()),
        MP_OBJ_NEW_SMALL_INT(native_frames()),
        MP_OBJ_NEW_SMALL_INT(thread_frames()),
    };
    return mp_obj_new_attrtuple(names, MP_ARRAY_SIZE(names), items);
}
static MP_DEFINE_CONST_FUN_OBJ_0(space_stats_obj, space_stats_);

// _addr_end() -> where the physical addresses end that can be used
static mp_obj_t space_addr_end_(void) {
    return mp_obj_new_int_from_uint(space_addr_end());
}
static MP_DEFINE_CONST_FUN_OBJ_0(space_addr_end_obj, space_addr_end_);

static const mp_rom_map_elem_t space_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__space) },
    { MP_ROM_QSTR(MP_QSTR__addr_end), MP_ROM_PTR(&space_addr_end_obj) },
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
