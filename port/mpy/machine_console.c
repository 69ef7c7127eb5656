// machine.Console: the consoles of virtio, as streams.
#include <string.h>

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"

#include "cpu/cpus.h"
#include "devices/virtio_console.h"
#include "frames/modframes.h"
#include "memory/space.h"
#include "mpy/modmachine.h"

enum {
    TIMEOUT_MAX = 0x7fffffff, // ms
    LOOK_MS = 1, // on a CPU that no interrupt of the device's reaches
    WAIT_MS = 10,
    PART = 65536, // bytes at once: all of them are looked at before one moves
};

typedef struct {
    mp_obj_base_t base;
    unsigned number;
    uint32_t timeout; // ms
} console_obj_t;

static void console_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    console_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "Console(%u, timeout=%u, name='%s')", self->number, (unsigned)self->timeout,
        virtio_console_name(self->number));
}

// A console's number, which is its id, or by its name.
static unsigned find(mp_obj_t id) {
    if (!mp_obj_is_str(id)) {
        uint64_t number = frames_get_number(id, "id");
        if (virtio_console_name(number) == NULL) {
            mp_raise_msg_varg(&mp_type_ValueError,
                cpus_number == 0 ? MP_ERROR_TEXT("there is no console %lu")
                    : MP_ERROR_TEXT("there is no console %lu that CPU 0 has found"), (unsigned long)number);
        }
        return number;
    }
    const char *name, *wanted = mp_obj_str_get_str(id);
    for (unsigned i = 0; (name = virtio_console_name(i)) != NULL; ++i) {
        if (strcmp(name, wanted) == 0) {
            return i;
        }
    }
    mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("there is no console '%s'"), wanted);
}

// Console(id=0, *, timeout=0): the id-th one, or the one of that name. The first time the machine is looked
// through for them.
static mp_obj_t console_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *all_args) {
    enum { ARG_id, ARG_timeout };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_id, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_INT(0)} },
        { MP_QSTR_timeout, MP_ARG_OBJ | MP_ARG_KW_ONLY, {.u_rom_obj = MP_ROM_INT(0)} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all_kw_array(n_args, n_kw, all_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    frames_refuse_interrupt();
    uint64_t timeout = frames_get_number(args[ARG_timeout].u_obj, "timeout");
    if (timeout > TIMEOUT_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("timeout is 0 to 0x7fffffff ms"));
    }
    mp_import_name(MP_QSTR__virtio_console, mp_const_none, MP_OBJ_NEW_SMALL_INT(0));
    unsigned number = find(args[ARG_id].u_obj);
    console_obj_t *self = mp_obj_malloc(console_obj_t, type);
    self->number = number;
    self->timeout = timeout;
    return MP_OBJ_FROM_PTR(self);
}

static void wait(void) {
    mp_event_wait_ms(cpus_number == 0 ? WAIT_MS : LOOK_MS);
}

// Why nothing can be moved to or from a buffer; 0: it can.
static int problem(const console_obj_t *self, bool can_reach) {
    frames_refuse_interrupt();
    return !can_reach ? MP_EFAULT : virtio_console_broken(self->number) ? MP_EIO : 0;
}

static mp_uint_t console_read(mp_obj_t self_in, void *buf, mp_uint_t size, int *errcode) {
    console_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_uint_t start = mp_hal_ticks_ms();
    size = MIN(size, PART);
    while (size > 0) {
        *errcode = problem(self, space_writable((uint64_t)buf, size));
        if (*errcode != 0) {
            return MP_STREAM_ERROR;
        }
        size_t got = virtio_console_read(self->number, buf, size);
        if (got > 0) {
            return got;
        }
        if (mp_hal_ticks_ms() - start >= self->timeout) {
            *errcode = MP_EAGAIN;
            return MP_STREAM_ERROR;
        }
        wait();
    }
    return 0;
}

static mp_uint_t console_write(mp_obj_t self_in, const void *buf, mp_uint_t size, int *errcode) {
    console_obj_t *self = MP_OBJ_TO_PTR(self_in);
    for (mp_uint_t done = 0; done < size;) {
        const char *rest = (const char *)buf + done;
        mp_uint_t part = MIN(size - done, PART);
        *errcode = problem(self, space_readable((uint64_t)rest, part));
        if (*errcode != 0) {
            return MP_STREAM_ERROR;
        }
        part = virtio_console_write(self->number, rest, part);
        done += part;
        if (part == 0) {
            wait();
        }
    }
    return size;
}

static mp_uint_t console_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t arg, int *errcode) {
    console_obj_t *self = MP_OBJ_TO_PTR(self_in);
    frames_refuse_interrupt();
    switch (request) {
        case MP_STREAM_POLL: {
            mp_uint_t ready = virtio_console_broken(self->number) ? MP_STREAM_POLL_ERR : 0;
            if ((arg & MP_STREAM_POLL_RD) && virtio_console_readable(self->number)) {
                ready |= MP_STREAM_POLL_RD;
            }
            if ((arg & MP_STREAM_POLL_WR) && virtio_console_writable(self->number)) {
                ready |= MP_STREAM_POLL_WR;
            }
            return ready;
        }
        case MP_STREAM_FLUSH:
            while (!virtio_console_sent(self->number) && !virtio_console_broken(self->number)) {
                wait();
            }
            return 0;
        case MP_STREAM_CLOSE:
            return 0;
        default:
            *errcode = MP_EINVAL;
            return MP_STREAM_ERROR;
    }
}

static const mp_rom_map_elem_t console_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_read), MP_ROM_PTR(&mp_stream_read_obj) },
    { MP_ROM_QSTR(MP_QSTR_readinto), MP_ROM_PTR(&mp_stream_readinto_obj) },
    { MP_ROM_QSTR(MP_QSTR_readline), MP_ROM_PTR(&mp_stream_unbuffered_readline_obj) },
    { MP_ROM_QSTR(MP_QSTR_write), MP_ROM_PTR(&mp_stream_write_obj) },
    { MP_ROM_QSTR(MP_QSTR_flush), MP_ROM_PTR(&mp_stream_flush_obj) },
    { MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&mp_stream_close_obj) },
};
static MP_DEFINE_CONST_DICT(console_locals, console_locals_table);

static const mp_stream_p_t console_stream = {
    .read = console_read,
    .write = console_write,
    .ioctl = console_ioctl,
};

MP_DEFINE_CONST_OBJ_TYPE(
    machine_console_type,
    MP_QSTR_Console,
    MP_TYPE_FLAG_ITER_IS_STREAM,
    make_new, console_make_new,
    print, console_print,
    protocol, &console_stream,
    locals_dict, &console_locals
    );
