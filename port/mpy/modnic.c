// _nic: network interfaces, for their drivers in Python, and their frames as they are.
#include <string.h>

#include "py/mperrno.h"
#include "py/runtime.h"

#include "cpu/cpus.h"
#include "devices/dma.h"
#include "devices/nic.h"
#include "frames/modframes.h"
#include "memory/space.h"

static void check_context(void) {
    frames_refuse_interrupt();
    if (cpus_number != 0) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("network interfaces are CPU 0's"));
    }
}

static unsigned get_nic(mp_obj_t obj) {
    check_context();
    uint64_t number = frames_get_number(obj, "nic");
    if (!nic_is(number)) {
        mp_raise_OSError(MP_ENODEV);
    }
    return number;
}

// _add(driver, words, text) -> number: VIRTIO or E1000, and a nic_setup_t
static mp_obj_t modnic_add(mp_obj_t driver_in, mp_obj_t words, mp_obj_t text) {
    static const nic_driver_t *const drivers[] = { &nic_virtio, &nic_e1000 };
    check_context();
    uint64_t driver = frames_get_number(driver_in, "driver");
    mp_buffer_info_t buf;
    mp_get_buffer_raise(words, &buf, MP_BUFFER_READ);
    const char *name = mp_obj_str_get_str(text);
    nic_setup_t setup;
    if (driver >= MP_ARRAY_SIZE(drivers) || buf.len != sizeof(setup)) {
        mp_raise_ValueError(MP_ERROR_TEXT("there is no such driver, or these are not its words"));
    }
    memcpy(&setup, buf.buf, sizeof(setup));
    if (!dma_is(setup.dma)) {
        mp_raise_ValueError(MP_ERROR_TEXT("there is no such device"));
    }
    int number = nic_add(drivers[driver], &setup, name);
    if (number < 0) {
        mp_raise_msg(&mp_type_MemoryError, MP_ERROR_TEXT("too many network interfaces, or no memory for one more"));
    }
    return MP_OBJ_NEW_SMALL_INT(number);
}
static MP_DEFINE_CONST_FUN_OBJ_3(modnic_add_obj, modnic_add);

// _all() -> [(number, text), ...]: those that are there and not broken
static mp_obj_t modnic_all(void) {
    check_context();
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (unsigned i = 0; nic_is(i); ++i) {
        if (!nic_is_dead(i)) {
            const char *text = nic_text(i);
            mp_obj_t items[] = { MP_OBJ_NEW_SMALL_INT(i), mp_obj_new_str(text, strlen(text)) };
            mp_obj_list_append(list, mp_obj_new_tuple(MP_ARRAY_SIZE(items), items));
        }
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_0(modnic_all_obj, modnic_all);

// mac(nic) -> 6 bytes
static mp_obj_t modnic_mac(mp_obj_t nic) {
    return mp_obj_new_bytes(nic_mac(get_nic(nic)), 6);
}
static MP_DEFINE_CONST_FUN_OBJ_1(modnic_mac_obj, modnic_mac);

// link(nic) -> whether a cable is in
static mp_obj_t modnic_link(mp_obj_t nic) {
    return mp_obj_new_bool(nic_link(get_nic(nic)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(modnic_link_obj, modnic_link);

// listen(nic, on): whether frames that come are kept
static mp_obj_t modnic_listen(mp_obj_t nic, mp_obj_t on) {
    nic_listen(get_nic(nic), mp_obj_is_true(on));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(modnic_listen_obj, modnic_listen);

// take(nic) -> bytes of the oldest frame that has come; None: none has
static mp_obj_t modnic_take(mp_obj_t nic_in) {
    unsigned nic = get_nic(nic_in);
    size_t size;
    const uint8_t *frame = nic_peek(nic, &size);
    if (frame == NULL) {
        return mp_const_none;
    }
    mp_obj_t bytes = mp_obj_new_bytes(frame, size);
    nic_done(nic);
    return bytes;
}
static MP_DEFINE_CONST_FUN_OBJ_1(modnic_take_obj, modnic_take);

// send(nic, frame) -> whether there was room for it. OSError (EINVAL): it has not 14 to 1514 bytes; (EFAULT): there is
// no such memory.
static mp_obj_t modnic_send(mp_obj_t nic_in, mp_obj_t frame) {
    unsigned nic = get_nic(nic_in);
    mp_buffer_info_t buf;
    mp_get_buffer_raise(frame, &buf, MP_BUFFER_READ);
    if (buf.len < NIC_FRAME_MIN || buf.len > NIC_FRAME_MAX) {
        mp_raise_OSError(MP_EINVAL);
    }
    if (!space_readable((uint64_t)buf.buf, buf.len)) {
        mp_raise_OSError(MP_EFAULT);
    }
    nic_part_t part = { buf.buf, buf.len };
    return mp_obj_new_bool(nic_send(nic, &part, 1));
}
static MP_DEFINE_CONST_FUN_OBJ_2(modnic_send_obj, modnic_send);

// stats(nic) -> (received, sent, received bytes, sent bytes, dropped, errors)
static mp_obj_t modnic_stats(mp_obj_t nic) {
    nic_stats_t stats;
    nic_get_stats(get_nic(nic), &stats);
    uint64_t counts[] = {
        stats.received, stats.sent, stats.received_bytes, stats.sent_bytes, stats.dropped, stats.errors,
    };
    mp_obj_t items[MP_ARRAY_SIZE(counts)];
    for (size_t i = 0; i < MP_ARRAY_SIZE(counts); ++i) {
        items[i] = mp_obj_new_int_from_uint(counts[i]);
    }
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
static MP_DEFINE_CONST_FUN_OBJ_1(modnic_stats_obj, modnic_stats);

static const mp_rom_map_elem_t nic_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__nic) },
    { MP_ROM_QSTR(MP_QSTR__add), MP_ROM_PTR(&modnic_add_obj) },
    { MP_ROM_QSTR(MP_QSTR__all), MP_ROM_PTR(&modnic_all_obj) },
    { MP_ROM_QSTR(MP_QSTR_link), MP_ROM_PTR(&modnic_link_obj) },
    { MP_ROM_QSTR(MP_QSTR_listen), MP_ROM_PTR(&modnic_listen_obj) },
    { MP_ROM_QSTR(MP_QSTR_mac), MP_ROM_PTR(&modnic_mac_obj) },
    { MP_ROM_QSTR(MP_QSTR_send), MP_ROM_PTR(&modnic_send_obj) },
    { MP_ROM_QSTR(MP_QSTR_stats), MP_ROM_PTR(&modnic_stats_obj) },
    { MP_ROM_QSTR(MP_QSTR_take), MP_ROM_PTR(&modnic_take_obj) },
    { MP_ROM_QSTR(MP_QSTR_VIRTIO), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_E1000), MP_ROM_INT(1) },
};
static MP_DEFINE_CONST_DICT(nic_globals, nic_globals_table);

const mp_obj_module_t nic_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&nic_globals,
};

MP_REGISTER_MODULE(MP_QSTR__nic, nic_module);
