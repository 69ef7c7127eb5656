// The module `frames`: the allocator's Python face.
#include <string.h>

#include "py/binary.h"
#include "py/mperrno.h"
#include "py/mphal.h"
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

// A kernel that does not map all of its memory at its physical address from the start says up to
// where it does.
#ifndef MICROPY_FRAMES_REACH_END
#define MICROPY_FRAMES_REACH_END (UINT64_MAX)
#endif

static void *reach_frames(uint64_t addr, uint64_t size) {
    return addr + size <= MICROPY_FRAMES_REACH_END ? (void *)(uintptr_t)addr : NULL;
}

#endif

// --- Between C and Python -------------------------------------------------------------------

static NORETURN void raise_status(frames_status_t status) {
    const mp_obj_type_t *type = &mp_type_ValueError;
    if (status == FRAMES_NO_MEMORY) {
        type = &mp_type_MemoryError;
    } else if (status == FRAMES_NO_MAP || status == FRAMES_HAVE_MAP) {
        type = &mp_type_RuntimeError;
    }
    // The text is in the kernel's image: no heap is needed for it.
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

static mp_obj_t addr_or_raise(uint64_t addr) {
    if (frames_failed(addr)) {
        raise_status(frames_why(addr));
    }
    return MP_OBJ_NEW_SMALL_INT((mp_int_t)addr);
}

// A number from 0 on. Large ones are an OverflowError.
static uint64_t get_number(mp_obj_t obj) {
    mp_int_t value = mp_obj_get_int(obj);
    if (value < 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("negative number"));
    }
    return (uint64_t)value;
}

static void get_addresses(mp_obj_t obj, mp_buffer_info_t *buf, int flags) {
    mp_get_buffer_raise(obj, buf, flags);
    if (buf->typecode != 'Q' && buf->typecode != 'L') {
        mp_raise_TypeError(MP_ERROR_TEXT("array('Q') needed"));
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
        number[i] = get_number(values[i].u_obj);
    }
    frames_refuse_interrupt();
    return addr_or_raise(frames_alloc_run(number[0], number[1], number[2]));
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
    uint64_t addr = get_number(values[0].u_obj);
    uint64_t count = get_number(values[1].u_obj);
    frames_refuse_interrupt();
    return none_or_raise(count == 1 ? frames_free(addr)
        : count == FRAMES_2M ? frames_free_2m(addr) : frames_free_run(addr, count));
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
        raise_status(status);
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
    uint64_t cpus = get_number(values[1].u_obj);
    if (buf.len % 16 || cpus > FRAMES_CPUS_MAX) {
        raise_status(FRAMES_BAD_ARGUMENT);
    }
    size_t count = buf.len / 16;
    // frames_init() sorts its ranges in place.
    uint64_t *ranges = m_new(uint64_t, 2 * count);
    memcpy(ranges, buf.buf, buf.len);
    frames_status_t status = frames_init(ranges, count, (unsigned)cpus, reach_frames);
    m_del(uint64_t, ranges, 2 * count);
    return none_or_raise(status);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(frames_init_obj, 1, frames_init_);

// fill(buf) -> len(buf), the addresses of as many frames as fit in it
static mp_obj_t frames_fill_(mp_obj_t obj) {
    frames_refuse_interrupt();
    mp_buffer_info_t buf;
    get_addresses(obj, &buf, MP_BUFFER_WRITE);
    none_or_raise(frames_fill(buf.buf, buf.len / 8));
    return MP_OBJ_NEW_SMALL_INT(buf.len / 8);
}
static MP_DEFINE_CONST_FUN_OBJ_1(frames_fill_obj, frames_fill_);

// drain(buf) -> len(buf), give all of them back
static mp_obj_t frames_drain_(mp_obj_t obj) {
    frames_refuse_interrupt();
    mp_buffer_info_t buf;
    get_addresses(obj, &buf, MP_BUFFER_READ);
    none_or_raise(frames_drain(buf.buf, buf.len / 8));
    return MP_OBJ_NEW_SMALL_INT(buf.len / 8);
}
static MP_DEFINE_CONST_FUN_OBJ_1(frames_drain_obj, frames_drain_);

// reserve(start, end): take this memory out for good
static mp_obj_t frames_reserve_(mp_obj_t start, mp_obj_t end) {
    frames_refuse_interrupt();
    return none_or_raise(frames_reserve(get_number(start), get_number(end)));
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
    uint64_t columns = n_args > 0 ? get_number(args[0]) : 80;
    uint64_t rows = n_args > 1 ? get_number(args[1]) : 24;
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
