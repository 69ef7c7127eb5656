// machine.mem8 to mem64 and port8 to port32: memory and I/O ports by address. Upstream's mem8 to mem32
// take any int for an address and a value, and cut off what does not fit.
#include "py/objint.h"
#include "py/runtime.h"
#include "extmod/modmachine.h"

#include "cpu/io.h"
#include "mpy/fault.h"
#include "mpy/modmachine.h"

typedef struct _machine_port_obj_t {
    mp_obj_base_t base;
    uint8_t size; // bytes
} machine_port_obj_t;

// True and False are numbers, too.
static mp_obj_t as_int(mp_obj_t obj) {
    return mp_obj_is_int(obj) ? obj : mp_obj_new_int(mp_obj_get_int(obj));
}

// 0 to 2^64 - 1.
static uint64_t get_addr(mp_obj_t obj) {
    obj = as_int(obj);
    uint64_t addr = mp_obj_get_int_truncated(obj);
    if (mp_obj_is_small_int(obj) && MP_OBJ_SMALL_INT_VALUE(obj) < 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("an address is 0 to 0xffffffffffffffff, not %ld"),
            (long)MP_OBJ_SMALL_INT_VALUE(obj));
    }
    if (!mp_obj_is_small_int(obj) && !mp_obj_equal(obj, mp_obj_new_int_from_uint(addr))) {
        mp_raise_ValueError(MP_ERROR_TEXT("an address is 0 to 0xffffffffffffffff"));
    }
    return addr;
}

// What is not a small int can have a small one's value: the result of arithmetic that needed more on the
// way, or a constant in a frozen module.
static bool has_value(mp_obj_t obj, mp_int_t value) {
    return mp_obj_is_small_int(obj) || mp_obj_equal(obj, mp_obj_new_int(value));
}

// A number of that many bytes, with a sign or without one.
uint64_t machine_get_bits(mp_obj_t obj, unsigned size) {
    obj = as_int(obj);
    mp_int_t value = mp_obj_get_int_truncated(obj);
    bool is_value = has_value(obj, value);
    bool fits = is_value;
    if (size == sizeof(uint64_t)) {
        fits = fits || mp_obj_equal(obj, mp_obj_new_int_from_uint(value));
    } else {
        fits = fits && value >= -(INT64_C(1) << (8 * size - 1)) && value < INT64_C(1) << 8 * size;
    }
    if (!fits && is_value) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%ld does not fit %u bits"), (long)value, 8 * size);
    }
    if (!fits) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("the value does not fit %u bits"), 8 * size);
    }
    return value;
}

static mp_obj_t machine_mem_subscr(mp_obj_t self_in, mp_obj_t index, mp_obj_t value) {
    machine_port_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (value == MP_OBJ_NULL) {
        return MP_OBJ_NULL; // there is nothing to delete
    }
    uint64_t addr = get_addr(index);
    if (addr % self->size != 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("address 0x%lx is not aligned to %u bytes"),
            (unsigned long)addr, self->size);
    }
    bool write = value != MP_OBJ_SENTINEL;
    uint64_t bits = write ? machine_get_bits(value, self->size) : 0;
    fault_check_canonical(addr);
    switch (self->size) {
        case 1: {
            volatile uint8_t *place = (volatile uint8_t *)addr;
            if (!write) {
                return MP_OBJ_NEW_SMALL_INT(*place);
            }
            *place = bits;
            break;
        }
        case 2: {
            volatile uint16_t *place = (volatile uint16_t *)addr;
            if (!write) {
                return MP_OBJ_NEW_SMALL_INT(*place);
            }
            *place = bits;
            break;
        }
        case 4: {
            volatile uint32_t *place = (volatile uint32_t *)addr;
            if (!write) {
                return MP_OBJ_NEW_SMALL_INT(*place);
            }
            *place = bits;
            break;
        }
        default: {
            volatile uint64_t *place = (volatile uint64_t *)addr;
            if (!write) {
                return mp_obj_new_int_from_uint(*place);
            }
            *place = bits;
            break;
        }
    }
    return mp_const_none;
}

static void mem_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    machine_port_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "<%u-bit memory>", 8 * self->size);
}

static MP_DEFINE_CONST_OBJ_TYPE(
    memory_type,
    MP_QSTR_mem,
    MP_TYPE_FLAG_NONE,
    print, mem_print,
    subscr, machine_mem_subscr
    );

const machine_port_obj_t machine_memory8_obj = { { &memory_type }, 1 };
const machine_port_obj_t machine_memory16_obj = { { &memory_type }, 2 };
const machine_port_obj_t machine_memory32_obj = { { &memory_type }, 4 };
const machine_port_obj_t machine_memory64_obj = { { &memory_type }, 8 };

static mp_obj_t port_subscr(mp_obj_t self_in, mp_obj_t index, mp_obj_t value) {
    machine_port_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (value == MP_OBJ_NULL) {
        return MP_OBJ_NULL;
    }
    index = as_int(index);
    mp_int_t port = mp_obj_get_int_truncated(index);
    if (!has_value(index, port)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("port%u has 0 to 0x%x"), 8 * self->size, 0x10000 - self->size);
    }
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
    uint32_t bits = machine_get_bits(value, self->size);
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
