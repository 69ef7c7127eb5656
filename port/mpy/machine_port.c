// machine.mem64 and machine.port8, port16, port32, used as upstream's machine.mem8 is.
#include "py/runtime.h"
#include "extmod/modmachine.h"

#include "cpu/io.h"
#include "mpy/modmachine.h"

typedef struct _machine_port_obj_t {
    mp_obj_base_t base;
    uint8_t size; // bytes
} machine_port_obj_t;

static mp_obj_t mem64_subscr(mp_obj_t self_in, mp_obj_t index, mp_obj_t value) {
    if (value == MP_OBJ_NULL) {
        return MP_OBJ_NULL; // there is nothing to delete
    }
    uintptr_t addr = mp_obj_get_int_truncated(index);
    if (addr % sizeof(uint64_t) != 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("address %08x is not aligned to %d bytes"),
            (unsigned)addr, (int)sizeof(uint64_t));
    }
    volatile uint64_t *place = (volatile uint64_t *)addr;
    if (value == MP_OBJ_SENTINEL) {
        return mp_obj_new_int_from_uint(*place);
    }
    *place = mp_obj_get_int_truncated(value);
    return mp_const_none;
}

static void mem64_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    mp_print_str(print, "<64-bit memory>");
}

MP_DEFINE_CONST_OBJ_TYPE(
    machine_mem64_type,
    MP_QSTR_mem,
    MP_TYPE_FLAG_NONE,
    print, mem64_print,
    subscr, mem64_subscr
    );

const mp_obj_base_t machine_mem64_obj = { &machine_mem64_type };

static mp_obj_t port_subscr(mp_obj_t self_in, mp_obj_t index, mp_obj_t value) {
    machine_port_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (value == MP_OBJ_NULL) {
        return MP_OBJ_NULL;
    }
    mp_int_t port = mp_obj_get_int(index);
    if (port < 0 || port > 0x10000 - self->size) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("port%u has 0 to 0x%x, not %ld"),
            8 * self->size, 0x10000 - self->size, (long)port);
    }
    if (value == MP_OBJ_SENTINEL) {
        switch (self->size) {
            case 1:
                return MP_OBJ_NEW_SMALL_INT(io_in8(port));
            case 2:
                return MP_OBJ_NEW_SMALL_INT(io_in16(port));
            default:
                return MP_OBJ_NEW_SMALL_INT(io_in32(port));
        }
    }
    uint32_t bits = mp_obj_get_int_truncated(value);
    switch (self->size) {
        case 1:
            io_out8(port, bits);
            break;
        case 2:
            io_out16(port, bits);
            break;
        default:
            io_out32(port, bits);
            break;
    }
    return mp_const_none;
}

static void port_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    machine_port_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "<%u-bit port>", 8 * self->size);
}

MP_DEFINE_CONST_OBJ_TYPE(
    machine_port_type,
    MP_QSTR_port,
    MP_TYPE_FLAG_NONE,
    print, port_print,
    subscr, port_subscr
    );

const machine_port_obj_t machine_port8_obj = { { &machine_port_type }, 1 };
const machine_port_obj_t machine_port16_obj = { { &machine_port_type }, 2 };
const machine_port_obj_t machine_port32_obj = { { &machine_port_type }, 4 };
