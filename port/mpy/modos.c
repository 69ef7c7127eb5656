// os.urandom, random's first seed and what os.sync() does; included by extmod/modos.c.
#include "py/gc.h"

#include "cpu/irq.h"
#include "devices/entropy.h"
#include "devices/random.h"
#include "mpy/filesystem.h"
#include "mpy/holding.h"
#include "mpy/versions.h"

// Upstream's os.sync() asks of each file system that is mounted whether it is FAT, and if so tells its disk.
#undef mp_obj_is_type
#define mp_obj_is_type(fs, fat) filesystem_can_sync(fs)
#define disk_ioctl(fs, op, arg) filesystem_sync(fs)

// Has Python look for a device that gives random bytes: the first time that this module is imported.
static void find_entropy(void) {
    if (!irq_active && !gc_is_locked()) {
        mp_import_name(MP_QSTR__virtio_rng, mp_const_none, MP_OBJ_NEW_SMALL_INT(0));
    }
}

// No program is left while it waits for the device.
static HOLDING bool mix_entropy(uint8_t *buf, size_t size) {
    return !irq_active && entropy_mix(buf, size);
}

// Bytes that nobody can guess, or a warning, once, that these can be.
void mp_hal_get_random(size_t size, uint8_t *buf) {
    static bool told;
    find_entropy();
    bool good = random_fill(buf, size);
    good = mix_entropy(buf, size) || good;
    if (!good && !told) {
        told = true;
        mp_printf(MICROPY_ERROR_PRINTER,
            "Warning: no RDSEED, RDRAND or virtio-rng: random numbers can be guessed\n");
    }
}

#if !VERSION_URANDOM_UPSTREAM
static mp_obj_t mp_os_urandom(mp_obj_t size_in) {
    mp_int_t size = mp_obj_get_int(size_in);
    if (size < 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("size is at least 0, not %ld"), (long)size);
    }
    vstr_t vstr;
    vstr_init_len(&vstr, size);
    mp_hal_get_random(size, (uint8_t *)vstr.buf);
    return mp_obj_new_bytes_from_vstr(&vstr);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mp_os_urandom_obj, mp_os_urandom);
#endif
