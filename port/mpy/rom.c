// vfs.rom_ioctl: the one segment that can hold a ROMFS, which mpremote looks at and writes to.
#include <string.h>

#include "py/mperrno.h"
#include "py/objarray.h"
#include "py/runtime.h"
#include "extmod/vfs.h"

#include "boot/percpu.h"
#include "mpy/modhandoff.h"
#include "mpy/rom.h"

const uint64_t rom_in_image[2] = { 0, 0 };

SHARED static mp_buffer_info_t segment;

// set_rom(addr, size): the segment from now on, mounted at /rom if it holds a ROMFS; mp_init() does
// that at each soft reset.
static mp_obj_t rom_set_(mp_obj_t addr_in, mp_obj_t size_in) {
    mp_call_function_0(MP_OBJ_FROM_PTR(&handoff_need_start_obj));
    void *addr = (void *)mp_obj_get_int(addr_in);
    size_t size = mp_obj_get_int(size_in);
    if (addr != segment.buf || size != segment.len) {
        segment.buf = addr;
        segment.len = size;
        mp_vfs_mount_romfs_protected();
    }
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_2(rom_set_obj, rom_set_);

// mp_init() would call up an exception to find that there is no segment.
int __real_mp_vfs_mount_romfs_protected(void);
int __wrap_mp_vfs_mount_romfs_protected(void);
int __wrap_mp_vfs_mount_romfs_protected(void) {
    return segment.len == 0 ? -MP_ENODEV : __real_mp_vfs_mount_romfs_protected();
}

// Copies `data` to `offset`, in whole or not at all.
static int write_segment(mp_obj_t offset_in, mp_obj_t data_in) {
    mp_buffer_info_t data;
    mp_get_buffer_raise(data_in, &data, MP_BUFFER_READ);
    mp_uint_t offset = mp_obj_get_int(offset_in);
    if (offset > segment.len || data.len > segment.len - offset) {
        return -MP_EINVAL;
    }
    memcpy((char *)segment.buf + offset, data.buf, data.len);
    return 0;
}

mp_obj_t mp_vfs_rom_ioctl(size_t n_args, const mp_obj_t *args) {
    mp_int_t request = mp_obj_get_int(args[0]);
    if (request == MP_VFS_ROM_IOCTL_GET_NUMBER_OF_SEGMENTS) {
        return MP_OBJ_NEW_SMALL_INT(segment.len > 0);
    }
    if (segment.len == 0 || n_args < 2 || mp_obj_get_int(args[1]) != 0) {
        return MP_OBJ_NEW_SMALL_INT(-MP_EINVAL);
    }
    switch (request) {
        case MP_VFS_ROM_IOCTL_GET_SEGMENT:
            return mp_obj_new_bytearray_by_ref(segment.len, segment.buf);
        case MP_VFS_ROM_IOCTL_WRITE_PREPARE: {
            // The answer is the least number of bytes that a write can have.
            bool fits = n_args >= 3 && (mp_uint_t)mp_obj_get_int(args[2]) <= segment.len;
            return MP_OBJ_NEW_SMALL_INT(fits ? 1 : -MP_EINVAL);
        }
        case MP_VFS_ROM_IOCTL_WRITE:
            if (n_args == 4) {
                return MP_OBJ_NEW_SMALL_INT(write_segment(args[2], args[3]));
            }
            break;
        case MP_VFS_ROM_IOCTL_WRITE_COMPLETE:
            return MP_OBJ_NEW_SMALL_INT(0);
    }
    return MP_OBJ_NEW_SMALL_INT(-MP_EINVAL);
}
