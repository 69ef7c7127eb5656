// os.urandom and random's first seed; included by extmod/modos.c.
#include "devices/random.h"

static void urandom_fill(void *buf, size_t size) {
    static bool told;
    if (!random_fill(buf, size) && !told) {
        told = true;
        mp_printf(MICROPY_ERROR_PRINTER,
            "Warning: this CPU has no RDSEED or RDRAND: its random numbers can be guessed\n");
    }
}

// urandom(size): bytes that nobody can guess, or a warning, once, that these can be.
static mp_obj_t mp_os_urandom(mp_obj_t size_in) {
    mp_int_t size = mp_obj_get_int(size_in);
    if (size < 0) {
        mp_raise_ValueError(NULL);
    }
    vstr_t vstr;
    vstr_init_len(&vstr, size);
    urandom_fill(vstr.buf, size);
    return mp_obj_new_bytes_from_vstr(&vstr);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mp_os_urandom_obj, mp_os_urandom);
