// The module `frames`: the allocator's Python face.
#include <string.h>

#include "py/binary.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/objint.h"
#include "py/objtuple.h"
#include "py/runtime.h"

#include "frames.h"
#include "modframes.h"

// --- Where the metadata is reached ----------------------------------------------------------

#ifdef UNIX

// In a process there is no physical memory, and none is needed: only the metadata is ever touched.
#include <sys/mman.h>

static struct {
    void *base;
    size_t size;
} arenas[16];

static void *reach_frames(uint64_t addr, uint64_t size) {
    (void)addr;
    for (size_t i = 0; i < MP_ARRAY_SIZE(arenas); ++i) {
        if (arenas[i].size == 0) {
            void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (base == MAP_FAILED) {
                return NULL;
            }
            arenas[i].base = base;
            arenas[i].size = size;
            // Real memory holds anything.
            return memset(base, 0xa5, size);
        }
    }
    return NULL;
}

static mp_obj_t frames_deinit_(void) {
    frames_deinit();
    for (size_t i = 0; i < MP_ARRAY_SIZE(arenas); ++i) {
        if (arenas[i].size) {
            munmap(arenas[i].base, arenas[i].size);
            arenas[i].size = 0;
        }
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(frames_deinit_obj, frames_deinit_);

#else

// A kernel in which not all memory can be written to at its physical address says where it can.
#ifndef MICROPY_FRAMES_REACH
#define MICROPY_FRAMES_REACH(addr, size) (true)
#endif

static void *reach_frames(uint64_t addr, uint64_t size) {
    return MICROPY_FRAMES_REACH(addr, size) ? (void *)(uintptr_t)addr : NULL;
}

#endif

// --- Between C and Python -------------------------------------------------------------------

// The text is in the kernel's image: no heap is needed for it.
static NORETURN void raise_status(frames_status_t status) {
    const mp_obj_type_t *type = &mp_type_ValueError;
    if (status == FRAMES_NO_MEMORY) {
        type = &mp_type_MemoryError;
    } else if (status == FRAMES_NO_MAP || status == FRAMES_HAVE_MAP) {
        type = &mp_type_RuntimeError;
    }
    mp_raise_msg(type, (mp_rom_error_text_t)frames_text(status));
}

// A port whose interrupts can call Python says when one does.
#ifndef MICROPY_FRAMES_IN_INTERRUPT
#define MICROPY_FRAMES_IN_INTERRUPT (false)
#endif

static NORETURN void raise_in_interrupt(void) {
    mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("not in a hard callback"));
}

void frames_refuse_interrupt(void) {
    if (MICROPY_FRAMES_IN_INTERRUPT) {
        raise_in_interrupt();
    }
}

static mp_obj_t none_or_raise(frames_status_t status) {
    if (status != FRAMES_OK) {
        raise_status(status);
    }
    return mp_const_none;
}

void frames_raise_alloc(frames_status_t status, uint64_t count, uint64_t align, uint64_t below) {
    if (status == FRAMES_BAD_ARGUMENT && count == 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("count is at least 1, not 0"));
    }
    if (status == FRAMES_BAD_ARGUMENT) {
        mp_raise_msg_varg(&mp_type_ValueError,
            MP_ERROR_TEXT("align is a power of two from 4096 on, not %lu"), (unsigned long)align);
    }
    if (status == FRAMES_NO_MEMORY && (count != 1 || align != FRAMES_SIZE || below != 0)) {
        if (below == 0) {
            mp_raise_msg_varg(&mp_type_MemoryError,
                MP_ERROR_TEXT("no %lu contiguous frames at a multiple of 0x%lx are free"),
                (unsigned long)count, (unsigned long)align);
        }
        mp_raise_msg_varg(&mp_type_MemoryError,
            MP_ERROR_TEXT("no %lu contiguous frames at a multiple of 0x%lx are free below 0x%lx"),
            (unsigned long)count, (unsigned long)align, (unsigned long)below);
    }
    raise_status(status);
}

uint64_t frames_get_number(mp_obj_t obj, const char *name) {
    if (!mp_obj_is_exact_type(obj, &mp_type_int)) {
        if (mp_obj_is_small_int(obj) && MP_OBJ_SMALL_INT_VALUE(obj) >= 0) {
            return (uint64_t)MP_OBJ_SMALL_INT_VALUE(obj);
        }
        mp_int_t value = mp_obj_get_int(obj);
        if (value >= 0) {
            return (uint64_t)value;
        }
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s cannot be negative: %ld"),
            name, (long)value);
    }
    uint64_t value = (uint64_t)mp_obj_int_get_truncated(obj);
    if (mp_obj_int_sign(obj) < 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s cannot be negative"), name);
    }
    if (!mp_obj_equal(obj, mp_obj_new_int_from_ull(value))) {
        mp_raise_msg_varg(&mp_type_OverflowError, MP_ERROR_TEXT("%s is at most 0x%lx"), name,
            (unsigned long)UINT64_MAX);
    }
    return value;
}

// Why the first frame from `addr` on that cannot be given back cannot.
static NORETURN MP_NOINLINE void raise_free(frames_status_t status, uint64_t addr, uint64_t count) {
    if (status != FRAMES_BAD_FREE) {
        raise_status(status);
    }
    if (count == 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("count is at least 1, not 0"));
    }
    frames_kind_t kind = frames_kind(addr);
    for (uint64_t left = count; left > 1; --left) {
        uint64_t step = kind == FRAMES_IN_2M ? FRAMES_2M : kind == FRAMES_IN_1G ? FRAMES_1G : 1;
        if (!(kind == FRAMES_SINGLE || step > 1) || addr / FRAMES_SIZE % step || left < step
            || addr + step * FRAMES_SIZE < addr) {
            break;
        }
        left -= step - 1;
        addr += step * FRAMES_SIZE;
        kind = frames_kind(addr);
    }
    unsigned long at = (unsigned long)addr;
    switch (kind) {
        case FRAMES_MISALIGNED:
            mp_raise_msg_varg(&mp_type_ValueError,
                MP_ERROR_TEXT("a frame's address is a multiple of 4096, not 0x%lx"), at);
        case FRAMES_OUTSIDE:
            mp_raise_msg_varg(&mp_type_ValueError,
                MP_ERROR_TEXT("0x%lx is not in the memory that frames come from"), at);
        case FRAMES_FREE:
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("0x%lx is free already"), at);
        case FRAMES_IN_2M:
        case FRAMES_IN_1G: {
            unsigned long size = kind == FRAMES_IN_2M ? FRAMES_2M : FRAMES_1G;
            mp_raise_msg_varg(&mp_type_ValueError,
                MP_ERROR_TEXT("0x%lx is part of a large frame: free 0x%lx with count=%lu"), at,
                at & ~(size * FRAMES_SIZE - 1), size);
        }
        case FRAMES_KERNELS:
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("0x%lx is the kernel's"), at);
        default:
            raise_status(status);
    }
}

static void get_addresses(mp_obj_t obj, mp_buffer_info_t *buf, int flags) {
    mp_get_buffer_raise(obj, buf, flags);
    if (buf->typecode != 'Q' && buf->typecode != 'L') {
        mp_raise_TypeError(MP_ERROR_TEXT("addresses are in an array('Q')"));
    }
}

static void print_text(void *context, const char *text, size_t length) {
    const mp_print_t *print = context;
    print->print_strn(print->data, text, length);
}

// --- alloc and free -------------------------------------------------------------------------

// These two are called without the checks and the argument table of an ordinary C function: the
// usual call has no keywords, and then there is nothing to look up.

static MP_NOINLINE mp_obj_t alloc_any(size_t n_args, size_t n_kw, const mp_obj_t *args) {
    static const mp_arg_t allowed[] = {
        { MP_QSTR_count, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_INT(1)} },
        { MP_QSTR_align, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_INT(FRAMES_SIZE)} },
        { MP_QSTR_below, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_INT(0)} },
    };
    mp_arg_val_t values[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all_kw_array(n_args, n_kw, args, MP_ARRAY_SIZE(allowed), allowed, values);
    uint64_t number[MP_ARRAY_SIZE(allowed)];
    for (size_t i = 0; i < MP_ARRAY_SIZE(allowed); ++i) {
        number[i] = frames_get_number(values[i].u_obj, qstr_str(allowed[i].qst));
    }
    frames_refuse_interrupt();
    uint64_t addr = frames_alloc_run(number[0], number[1], number[2]);
    if (frames_failed(addr)) {
        frames_raise_alloc(frames_why(addr), number[0], number[1], number[2]);
    }
    return MP_OBJ_NEW_SMALL_INT((mp_int_t)addr);
}

// alloc(count=1, align=4096, below=0) -> address
static mp_obj_t alloc_call(mp_obj_t fun, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    (void)fun;
    if (n_args + n_kw != 0) {
        return alloc_any(n_args, n_kw, args);
    }
    frames_refuse_interrupt();
    uint64_t addr = frames_alloc();
    if (MP_UNLIKELY(frames_failed(addr))) {
        raise_status(frames_why(addr));
    }
    return MP_OBJ_NEW_SMALL_INT((mp_int_t)addr);
}

static MP_NOINLINE mp_obj_t free_any(size_t n_args, size_t n_kw, const mp_obj_t *args) {
    static const mp_arg_t allowed[] = {
        { MP_QSTR_addr, MP_ARG_REQUIRED | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_INT(0)} },
        { MP_QSTR_count, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_INT(1)} },
    };
    mp_arg_val_t values[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all_kw_array(n_args, n_kw, args, MP_ARRAY_SIZE(allowed), allowed, values);
    uint64_t addr = frames_get_number(values[0].u_obj, "addr");
    uint64_t count = frames_get_number(values[1].u_obj, "count");
    frames_refuse_interrupt();
    frames_status_t status = count == 1 ? frames_free(addr)
        : count == FRAMES_2M ? frames_free_2m(addr) : frames_free_run(addr, count);
    if (status != FRAMES_OK) {
        raise_free(status, addr, count);
    }
    return mp_const_none;
}

// free(addr, count=1)
static mp_obj_t free_call(mp_obj_t fun, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    (void)fun;
    if (MP_UNLIKELY(n_args != 1 || n_kw != 0 || !mp_obj_is_small_int(args[0]))) {
        return free_any(n_args, n_kw, args);
    }
    frames_refuse_interrupt();
    frames_status_t status = frames_free((uint64_t)MP_OBJ_SMALL_INT_VALUE(args[0]));
    if (MP_UNLIKELY(status != FRAMES_OK)) {
        // It says why.
        return free_any(n_args, n_kw, args);
    }
    return mp_const_none;
}

static MP_DEFINE_CONST_OBJ_TYPE(frames_type_alloc, MP_QSTR_function, MP_TYPE_FLAG_NONE,
    call, alloc_call);
static MP_DEFINE_CONST_OBJ_TYPE(frames_type_free, MP_QSTR_function, MP_TYPE_FLAG_NONE,
    call, free_call);
static const mp_obj_base_t frames_alloc_obj = { &frames_type_alloc };
static const mp_obj_base_t frames_free_obj = { &frames_type_free };

// --- The rest -------------------------------------------------------------------------------

// init(ranges, cpus=1): take over the memory in array('Q', [start, end, ...])
static mp_obj_t frames_init_(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    frames_refuse_interrupt();
    static const mp_arg_t allowed[] = {
        { MP_QSTR_ranges, MP_ARG_REQUIRED | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_cpus, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_INT(1)} },
    };
    mp_arg_val_t values[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args, args, kw_args, MP_ARRAY_SIZE(allowed), allowed, values);
    mp_buffer_info_t buf;
    get_addresses(values[0].u_obj, &buf, MP_BUFFER_READ);
    uint64_t cpus = frames_get_number(values[1].u_obj, "cpus");
    if (cpus == 0 || cpus > FRAMES_CPUS_MAX) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("cpus is 1 to %u, not %lu"),
            FRAMES_CPUS_MAX, (unsigned long)cpus);
    }
    if (buf.len % 16) {
        mp_raise_ValueError(MP_ERROR_TEXT("each range is a start and an end"));
    }
    size_t count = buf.len / 16;
    const uint64_t *range = buf.buf;
    for (size_t i = 0; i < count; ++i) {
        if (range[2 * i] > range[2 * i + 1] || range[2 * i + 1] > UINT64_C(1) << 52) {
            mp_raise_msg_varg(&mp_type_ValueError,
                MP_ERROR_TEXT("0x%lx to 0x%lx: a range ends behind its start, and at most at 1 << 52"),
                (unsigned long)range[2 * i], (unsigned long)range[2 * i + 1]);
        }
    }
    // frames_init() sorts its ranges in place.
    uint64_t *ranges = m_new(uint64_t, 2 * count);
    memcpy(ranges, buf.buf, buf.len);
    frames_status_t status = frames_init(ranges, count, (unsigned)cpus, reach_frames);
    m_del(uint64_t, ranges, 2 * count);
    if (status == FRAMES_BAD_ARGUMENT) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("more than %u ranges apart from others"),
            FRAMES_REGIONS_MAX);
    }
    if (status == FRAMES_NO_MEMORY) {
        mp_raise_msg(&mp_type_MemoryError,
            MP_ERROR_TEXT("no range has room for the allocator's own data"));
    }
    return none_or_raise(status);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(frames_init_obj, 1, frames_init_);

// fill(buf) -> len(buf), the addresses of as many frames as fit in it
static mp_obj_t frames_fill_(mp_obj_t obj) {
    frames_refuse_interrupt();
    mp_buffer_info_t buf;
    get_addresses(obj, &buf, MP_BUFFER_WRITE);
    frames_status_t status = frames_fill(buf.buf, buf.len / 8);
    if (status == FRAMES_NO_MEMORY) {
        mp_raise_msg_varg(&mp_type_MemoryError, MP_ERROR_TEXT("no %lu frames are free"),
            (unsigned long)(buf.len / 8));
    }
    none_or_raise(status);
    return MP_OBJ_NEW_SMALL_INT(buf.len / 8);
}
static MP_DEFINE_CONST_FUN_OBJ_1(frames_fill_obj, frames_fill_);

// drain(buf) -> len(buf), give all of them back
static mp_obj_t frames_drain_(mp_obj_t obj) {
    frames_refuse_interrupt();
    mp_buffer_info_t buf;
    get_addresses(obj, &buf, MP_BUFFER_READ);
    size_t count = buf.len / 8;
    frames_status_t status = frames_drain(buf.buf, count);
    if (status != FRAMES_OK) {
        const uint64_t *addrs = buf.buf;
        for (size_t i = 0; i < count; ++i) {
            if (frames_kind(addrs[i]) != FRAMES_SINGLE) {
                raise_free(status, addrs[i], 1);
            }
        }
        mp_raise_ValueError(MP_ERROR_TEXT("an address is in it twice"));
    }
    return MP_OBJ_NEW_SMALL_INT(buf.len / 8);
}
static MP_DEFINE_CONST_FUN_OBJ_1(frames_drain_obj, frames_drain_);

// reserve(start, end): take this memory out for good
static mp_obj_t frames_reserve_(mp_obj_t start, mp_obj_t end) {
    frames_refuse_interrupt();
    uint64_t from = frames_get_number(start, "start"), to = frames_get_number(end, "end");
    frames_status_t status = frames_reserve(from, to);
    if (status == FRAMES_BAD_ARGUMENT || status == FRAMES_IN_USE) {
        mp_raise_msg_varg(&mp_type_ValueError,
            status == FRAMES_IN_USE ? MP_ERROR_TEXT("some of 0x%lx to 0x%lx is in use")
            : MP_ERROR_TEXT("start 0x%lx is behind end 0x%lx"), (unsigned long)from,
            (unsigned long)to);
    }
    return none_or_raise(status);
}
static MP_DEFINE_CONST_FUN_OBJ_2(frames_reserve_obj, frames_reserve_);

// stats() -> named counts
static mp_obj_t frames_stats_(void) {
    frames_refuse_interrupt();
    frames_stats_t stats;
    none_or_raise(frames_stats(&stats));
    static const qstr names[] = {
        MP_QSTR_total, MP_QSTR_free, MP_QSTR_used, MP_QSTR_reserved, MP_QSTR_free_2m,
        MP_QSTR_metadata, MP_QSTR_metadata_frames, MP_QSTR_regions, MP_QSTR_cpus,
    };
    const uint64_t values[] = {
        stats.total, stats.free, stats.total - stats.free, stats.reserved, stats.free_2m,
        stats.metadata, stats.metadata_frames, stats.regions, stats.cpus,
    };
    mp_obj_t items[MP_ARRAY_SIZE(names)];
    for (size_t i = 0; i < MP_ARRAY_SIZE(names); ++i) {
        items[i] = MP_OBJ_NEW_SMALL_INT((mp_int_t)values[i]);
    }
    return mp_obj_new_attrtuple(names, MP_ARRAY_SIZE(names), items);
}
static MP_DEFINE_CONST_FUN_OBJ_0(frames_stats_obj, frames_stats_);

// check() -> True, or RuntimeError after printing what is wrong
static mp_obj_t frames_check_(void) {
    frames_refuse_interrupt();
    if (frames_check(print_text, (void *)&mp_plat_print)) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("broken frame allocator"));
    }
    return mp_const_true;
}
static MP_DEFINE_CONST_FUN_OBJ_0(frames_check_obj, frames_check_);

// show(columns=80, rows=24): a heat map of memory
static mp_obj_t frames_show_(size_t n_args, const mp_obj_t *args) {
    frames_refuse_interrupt();
    uint64_t columns = n_args > 0 ? frames_get_number(args[0], "columns") : 80;
    uint64_t rows = n_args > 1 ? frames_get_number(args[1], "rows") : 24;
    columns = MIN(columns, 1000);
    rows = MIN(rows, 1000);
    return none_or_raise(frames_show(print_text, (void *)&mp_plat_print, (unsigned)columns,
        (unsigned)rows));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(frames_show_obj, 0, 2, frames_show_);

// runs(): how many free runs there are of which length
static mp_obj_t frames_runs_(void) {
    frames_refuse_interrupt();
    return none_or_raise(frames_runs(print_text, (void *)&mp_plat_print));
}
static MP_DEFINE_CONST_FUN_OBJ_0(frames_runs_obj, frames_runs_);

static const mp_rom_map_elem_t frames_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_frames) },
    { MP_ROM_QSTR(MP_QSTR_init), MP_ROM_PTR(&frames_init_obj) },
    { MP_ROM_QSTR(MP_QSTR_alloc), MP_ROM_PTR(&frames_alloc_obj) },
    { MP_ROM_QSTR(MP_QSTR_free), MP_ROM_PTR(&frames_free_obj) },
    { MP_ROM_QSTR(MP_QSTR_fill), MP_ROM_PTR(&frames_fill_obj) },
    { MP_ROM_QSTR(MP_QSTR_drain), MP_ROM_PTR(&frames_drain_obj) },
    { MP_ROM_QSTR(MP_QSTR_reserve), MP_ROM_PTR(&frames_reserve_obj) },
    { MP_ROM_QSTR(MP_QSTR_stats), MP_ROM_PTR(&frames_stats_obj) },
    { MP_ROM_QSTR(MP_QSTR_check), MP_ROM_PTR(&frames_check_obj) },
    { MP_ROM_QSTR(MP_QSTR_show), MP_ROM_PTR(&frames_show_obj) },
    { MP_ROM_QSTR(MP_QSTR_runs), MP_ROM_PTR(&frames_runs_obj) },
    #ifdef UNIX
    { MP_ROM_QSTR(MP_QSTR_deinit), MP_ROM_PTR(&frames_deinit_obj) },
    #endif
};
static MP_DEFINE_CONST_DICT(frames_globals, frames_globals_table);

const mp_obj_module_t frames_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&frames_globals,
};
MP_REGISTER_MODULE(MP_QSTR_frames, frames_module);
