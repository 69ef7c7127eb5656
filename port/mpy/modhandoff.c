// _handoff: what the boot loader left, for bootinfo.py, and what _boot.py makes of it, for main.c.
#include "py/mphal.h"
#include "py/objstr.h"
#include "py/objtuple.h"
#include "py/runtime.h"

#include "boot/handoff.h"
#include "devices/framebuffer.h"
#include "frames/modframes.h"
#include "main.h"
#include "mpy/cpus.h"
#include "mpy/heap.h"
#include "mpy/modhandoff.h"
#include "mpy/modmachine.h"
#include "mpy/rom.h"

// Memory that stays as it is over a soft reset, by number: start, end.
#define KEPT_MAX 4
static uint64_t kept[KEPT_MAX][2];

// Error: the loader's handoff cannot be believed; the message says what is wrong with it.
static MP_DEFINE_CONST_OBJ_TYPE(
    handoff_error_type, MP_QSTR_Error, MP_TYPE_FLAG_NONE,
    make_new, mp_obj_exception_make_new,
    print, mp_obj_exception_print,
    attr, mp_obj_exception_attr,
    parent, &mp_type_ValueError
    );

// need_start(): what only the start may do goes no further once that is over.
static mp_obj_t handoff_need_start_(void) {
    if (main_has_started()) {
        mp_raise_msg(&mp_type_RuntimeError,
            MP_ERROR_TEXT("only the start does this, and it is over: nothing has changed"));
    }
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_0(handoff_need_start_obj, handoff_need_start_);

static mp_obj_t new_range(uint64_t start, uint64_t end) {
    mp_obj_t range[2] = { mp_obj_new_int_from_uint(start), mp_obj_new_int_from_uint(end) };
    return mp_obj_new_tuple(2, range);
}

// image_rom() -> (start, end): the ROMFS in the kernel's own file, or None.
static mp_obj_t handoff_image_rom_(void) {
    return rom_in_image[0] == rom_in_image[1] ? mp_const_none : new_range(rom_in_image[0], rom_in_image[1]);
}
static MP_DEFINE_CONST_FUN_OBJ_0(handoff_image_rom_obj, handoff_image_rom_);

// Nobody changes it while it is read, as a terminal in Python or a finaliser could a list.
static void get_tuple(mp_obj_t value, size_t *count, mp_obj_t **items) {
    if (!mp_obj_is_type(value, &mp_type_tuple)) {
        mp_raise_TypeError(MP_ERROR_TEXT("a tuple is needed"));
    }
    mp_obj_tuple_get(value, count, items);
}

// in_use(loaders=()) -> ((start, end), ...): the loader's, then the bytes that the kernel itself occupies, with
// the ROMFS in its file, those that it draws on, and those kept.
static mp_obj_t handoff_in_use_(size_t argument_count, const mp_obj_t *arguments) {
    size_t count = 0;
    mp_obj_t *given = NULL;
    if (argument_count != 0) {
        get_tuple(arguments[0], &count, &given);
    }
    mp_obj_t *ranges = m_new(mp_obj_t, count + 2 + KEPT_MAX);
    for (size_t i = 0; i < count; ++i) {
        ranges[i] = given[i];
    }
    uintptr_t end_of_image = rom_in_image[1] ? rom_in_image[1] : (uintptr_t)image_end;
    ranges[count++] = new_range((uintptr_t)image_start, end_of_image);
    uint64_t start, end;
    framebuffer_memory(&start, &end);
    if (start < end) {
        ranges[count++] = new_range(start, end);
    }
    for (size_t i = 0; i < KEPT_MAX; ++i) {
        if (kept[i][0] < kept[i][1]) {
            ranges[count++] = new_range(kept[i][0], kept[i][1]);
        }
    }
    return mp_obj_new_tuple(count, ranges);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(handoff_in_use_obj, 0, 1, handoff_in_use_);

bool handoff_keep_disk(uint64_t start, uint64_t end) {
    uint64_t *range = kept[HANDOFF_KEPT_DISK];
    if (range[0] < range[1]) {
        return false;
    }
    range[0] = start;
    range[1] = end;
    return true;
}

static uint64_t *get_kept(mp_obj_t number_in) {
    mp_int_t number = mp_obj_get_int(number_in);
    if (number < 0 || number >= KEPT_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("a kept range has a number from 0 to 3"));
    }
    return kept[number];
}

// keep(number, start, end): lets in_use() report [start, end) from now on; nothing if it is empty.
static mp_obj_t handoff_keep_(mp_obj_t number, mp_obj_t start, mp_obj_t end) {
    handoff_need_start_();
    uint64_t *range = get_kept(number);
    uint64_t start_addr = mp_obj_get_int(start);
    range[1] = mp_obj_get_int(end);
    range[0] = start_addr;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(handoff_keep_obj, handoff_keep_);

// kept(number) -> (start, end)
static mp_obj_t handoff_kept_(mp_obj_t number) {
    uint64_t *range = get_kept(number);
    return new_range(range[0], range[1]);
}
static MP_DEFINE_CONST_FUN_OBJ_1(handoff_kept_obj, handoff_kept_);

// set_program(path): what to run in place of the start files and the prompt.
static mp_obj_t handoff_set_program_(mp_obj_t path_in) {
    handoff_need_start_();
    size_t len;
    const char *path = mp_obj_str_get_data(path_in, &len);
    if (len == 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("command line: main= has no path: one is like /rom/main.py"));
    }
    if (!main_set_program(path, len)) {
        mp_raise_msg_varg(&mp_type_ValueError,
            MP_ERROR_TEXT("command line: main= has a path that is too long: %u bytes, more than %u"),
            (unsigned)len, MICROPY_ALLOC_PATH_MAX - 1);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(handoff_set_program_obj, handoff_set_program_);

// set_eof_poweroff(on): whether Ctrl-D at the prompt ends the machine.
static mp_obj_t handoff_set_eof_poweroff_(mp_obj_t on) {
    handoff_need_start_();
    main_set_eof_is_poweroff(mp_obj_is_true(on));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(handoff_set_eof_poweroff_obj, handoff_set_eof_poweroff_);

// set_heap(size): how much Python's heap may have in all.
static mp_obj_t handoff_set_heap_(mp_obj_t size_in) {
    handoff_need_start_();
    mp_int_t least = heap_end - heap_start;
    mp_int_t size = mp_obj_get_int(size_in);
    if (size < least) {
        mp_raise_msg_varg(&mp_type_ValueError,
            MP_ERROR_TEXT("command line: heap= is at least 1M, not %lu bytes"), (unsigned long)size);
    }
    heap_set_max(size - least);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(handoff_set_heap_obj, handoff_set_heap_);

// set_console(serial, screen): where output goes. A panic goes to both, always.
static mp_obj_t handoff_set_console_(mp_obj_t serial, mp_obj_t screen) {
    handoff_need_start_();
    mp_hal_set_console(mp_obj_is_true(serial), mp_obj_is_true(screen));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(handoff_set_console_obj, handoff_set_console_);

// set_cpus(count): never more than so many.
static mp_obj_t handoff_set_cpus_(mp_obj_t count) {
    handoff_need_start_();
    cpus_set_limit(mp_obj_get_int(count));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(handoff_set_cpus_obj, handoff_set_cpus_);

static void write_number(uint64_t number, unsigned base) {
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number != 0);
    mp_hal_stdout_tx_strn(digits + at, sizeof(digits) - at);
}

// log(texts, ...): prints a line. Each argument is a tuple of strings and of numbers from 0 to 2^64 - 1, in
// hexadecimal after a string that ends in 0x.
static mp_obj_t handoff_log_(size_t argument_count, const mp_obj_t *arguments) {
    for (size_t i = 0; i < argument_count; ++i) {
        size_t count;
        mp_obj_t *texts;
        get_tuple(arguments[i], &count, &texts);
        unsigned base = 10;
        for (size_t j = 0; j < count; ++j) {
            if (mp_obj_is_str(texts[j])) {
                GET_STR_DATA_LEN(texts[j], text, size);
                base = size != 0 && text[size - 1] == 'x' ? 16 : 10;
                mp_hal_stdout_tx_strn((const char *)text, size);
            } else {
                write_number(frames_get_number(texts[j], "a number"), base);
            }
        }
    }
    mp_hal_stdout_tx_strn("\r\n", 2);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR(handoff_log_obj, 0, handoff_log_);

// start_ms(): how long the machine has been up, in milliseconds; None after a soft reset.
static mp_obj_t handoff_start_ms_(void) {
    return machine_soft_reset_done() ? mp_const_none : mp_obj_new_int_from_uint(mp_hal_ticks_ms());
}
static MP_DEFINE_CONST_FUN_OBJ_0(handoff_start_ms_obj, handoff_start_ms_);

void handoff_attr(mp_obj_t self, qstr attr, mp_obj_t *dest) {
    if (attr == MP_QSTR_protocol) {
        dest[0] = mp_obj_new_int_from_uint(handoff.protocol);
    } else if (attr == MP_QSTR_addr) {
        dest[0] = mp_obj_new_int_from_uint(handoff.addr);
    } else if (attr == MP_QSTR_started) {
        dest[0] = mp_obj_new_bool(main_has_started());
    }
}

static const mp_rom_map_elem_t handoff_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__handoff) },
    { MP_ROM_QSTR(MP_QSTR_Error), MP_ROM_PTR(&handoff_error_type) },
    { MP_ROM_QSTR(MP_QSTR_need_start), MP_ROM_PTR(&handoff_need_start_obj) },
    { MP_ROM_QSTR(MP_QSTR_image_rom), MP_ROM_PTR(&handoff_image_rom_obj) },
    { MP_ROM_QSTR(MP_QSTR_in_use), MP_ROM_PTR(&handoff_in_use_obj) },
    { MP_ROM_QSTR(MP_QSTR_keep), MP_ROM_PTR(&handoff_keep_obj) },
    { MP_ROM_QSTR(MP_QSTR_kept), MP_ROM_PTR(&handoff_kept_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_program), MP_ROM_PTR(&handoff_set_program_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_heap), MP_ROM_PTR(&handoff_set_heap_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_console), MP_ROM_PTR(&handoff_set_console_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_eof_poweroff), MP_ROM_PTR(&handoff_set_eof_poweroff_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_cpus), MP_ROM_PTR(&handoff_set_cpus_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_rom), MP_ROM_PTR(&rom_set_obj) },
    { MP_ROM_QSTR(MP_QSTR_log), MP_ROM_PTR(&handoff_log_obj) },
    { MP_ROM_QSTR(MP_QSTR_start_ms), MP_ROM_PTR(&handoff_start_ms_obj) },
};
static MP_DEFINE_CONST_DICT(handoff_globals, handoff_globals_table);

const mp_obj_module_t handoff_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&handoff_globals,
};

MP_REGISTER_MODULE(MP_QSTR__handoff, handoff_module);
MP_REGISTER_MODULE_DELEGATION(handoff_module, handoff_attr);
