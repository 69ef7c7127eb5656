// ramdisk: block devices in memory. In C, as file systems also write when the heap is locked.
#include <string.h>

#include "py/mperrno.h"
#include "py/runtime.h"
#include "extmod/vfs.h"

#include "cpu/cpus.h"
#include "frames/frames.h"
#include "frames/modframes.h"
#include "mpy/modblock.h"
#include "mpy/modhandoff.h"
#include "mpy/modramdisk.h"
#include "mpy/vfs_lazy.h"

typedef struct {
    mp_obj_base_t base;
    uint8_t *data;
    size_t size;        // In bytes, whole blocks; 0 once closed.
    size_t block_size;
    uint64_t count;     // Of own frames.
} ramdisk_t;

static const mp_obj_type_t ramdisk_type;

// RAMDisk(size, block_size=4096, addr=None): a block device of at least `size` bytes, in
// contiguous frames that it takes, as they are, until close(). With `addr` it lies over memory that
// is the caller's instead, and only over whole blocks of it.
static mp_obj_t ramdisk_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *all_args) {
    enum { ARG_size, ARG_block_size, ARG_addr };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_size, MP_ARG_OBJ | MP_ARG_REQUIRED, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_block_size, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_INT(FRAMES_SIZE)} },
        { MP_QSTR_addr, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all_kw_array(n_args, n_kw, all_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    frames_refuse_interrupt();
    uint64_t size = frames_get_number(args[ARG_size].u_obj, "size");
    uint64_t block_size = frames_get_number(args[ARG_block_size].u_obj, "block_size");
    bool over = args[ARG_addr].u_obj != mp_const_none;
    uint64_t addr = over ? frames_get_number(args[ARG_addr].u_obj, "addr") : 0;
    if (size == 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("size is at least 1, not 0"));
    }
    if (block_size < 128 || (block_size & (block_size - 1)) != 0) {
        mp_raise_msg_varg(&mp_type_ValueError,
            MP_ERROR_TEXT("block_size is a power of two from 128 on, not %lu"), (unsigned long)block_size);
    }
    if (over && (size > INT64_MAX || addr + size < addr)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("size 0x%lx is too large for addr 0x%lx"),
            (unsigned long)size, (unsigned long)addr);
    }

    if (cpus_number != 0) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("RAM disks are CPU 0's"));
    }
    ramdisk_t *self = mp_obj_malloc(ramdisk_t, type);
    self->block_size = block_size;
    self->count = 0;
    if (!over) {
        uint64_t bytes = MAX(size, block_size);
        uint64_t count = bytes / FRAMES_SIZE + (bytes % FRAMES_SIZE != 0);
        addr = frames_alloc_kernel(count, FRAMES_SIZE, 0);
        if (frames_failed(addr)) {
            frames_raise_alloc(frames_why(addr), count, FRAMES_SIZE, 0);
        }
        self->count = count;
        size = count * FRAMES_SIZE;
    }
    self->data = (uint8_t *)addr;
    self->size = size - size % block_size;
    return MP_OBJ_FROM_PTR(self);
}

// Where [offset, offset + len) of a block lies, or an exception. File systems stay inside.
static uint8_t *get_bytes(ramdisk_t *self, const mp_obj_t *args, size_t n_args, size_t len) {
    frames_refuse_interrupt();
    mp_uint_t block = modblock_index(args[1]);
    mp_uint_t offset = n_args == 4 ? modblock_index(args[3]) : 0;
    if (block >= self->size / self->block_size
        || offset > self->size - block * self->block_size
        || len > self->size - block * self->block_size - offset) {
        mp_raise_OSError(MP_EINVAL);
    }
    return self->data + block * self->block_size + offset;
}

// readblocks(block, buf, offset=0)
static mp_obj_t ramdisk_readblocks(size_t n_args, const mp_obj_t *args) {
    mp_buffer_info_t buf;
    mp_get_buffer_raise(args[2], &buf, MP_BUFFER_WRITE);
    memmove(buf.buf, get_bytes(MP_OBJ_TO_PTR(args[0]), args, n_args, buf.len), buf.len);
    return MP_OBJ_NEW_SMALL_INT(0);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(ramdisk_readblocks_obj, 3, 4, ramdisk_readblocks);

// writeblocks(block, buf, offset=0)
static mp_obj_t ramdisk_writeblocks(size_t n_args, const mp_obj_t *args) {
    mp_buffer_info_t buf;
    mp_get_buffer_raise(args[2], &buf, MP_BUFFER_READ);
    memmove(get_bytes(MP_OBJ_TO_PTR(args[0]), args, n_args, buf.len), buf.buf, buf.len);
    return MP_OBJ_NEW_SMALL_INT(0);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(ramdisk_writeblocks_obj, 3, 4, ramdisk_writeblocks);

bool ramdisk_is_method(mp_const_obj_t obj) {
    return obj == MP_OBJ_FROM_PTR(&ramdisk_readblocks_obj) || obj == MP_OBJ_FROM_PTR(&ramdisk_writeblocks_obj);
}

// ioctl(op, arg)
static mp_obj_t ramdisk_ioctl(mp_obj_t self_in, mp_obj_t op, mp_obj_t arg) {
    ramdisk_t *self = MP_OBJ_TO_PTR(self_in);
    switch (mp_obj_get_int(op)) {
        case MP_BLOCKDEV_IOCTL_BLOCK_COUNT:
            return MP_OBJ_NEW_SMALL_INT(self->size / self->block_size);
        case MP_BLOCKDEV_IOCTL_BLOCK_SIZE:
            return MP_OBJ_NEW_SMALL_INT(self->block_size);
        default:
            return MP_OBJ_NEW_SMALL_INT(0);
    }
}
static MP_DEFINE_CONST_FUN_OBJ_3(ramdisk_ioctl_obj, ramdisk_ioctl);

// close(): gives the frames back, if they are its own. Unmount first.
static mp_obj_t ramdisk_close(mp_obj_t self_in) {
    ramdisk_t *self = MP_OBJ_TO_PTR(self_in);
    frames_refuse_interrupt();
    if (self->count > 0) {
        frames_status_t status = frames_free_kernel((uint64_t)self->data, self->count);
        if (status != FRAMES_OK) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s"), frames_text(status));
        }
    }
    self->count = 0;
    self->size = 0;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(ramdisk_close_obj, ramdisk_close);

// _keep(): its frames stay over soft resets, as those of the disk at / do, and are its own no more.
static mp_obj_t ramdisk_keep(mp_obj_t self_in) {
    ramdisk_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->count == 0 || !handoff_keep_disk((uint64_t)self->data, (uint64_t)self->data + self->size)) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("only one disk, in frames of its own, is kept"));
    }
    self->count = 0;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(ramdisk_keep_obj, ramdisk_keep);

static mp_obj_t ramdisk_exit(size_t n_args, const mp_obj_t *args) {
    return ramdisk_close(args[0]);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(ramdisk_exit_obj, 4, 4, ramdisk_exit);

static void ramdisk_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    ramdisk_t *self = MP_OBJ_TO_PTR(self_in);
    if (dest[0] != MP_OBJ_NULL) {
        return;
    }
    if (attr == MP_QSTR_addr) {
        dest[0] = mp_obj_new_int_from_ull((uint64_t)self->data);
    } else if (attr == MP_QSTR_size) {
        dest[0] = mp_obj_new_int_from_ull(self->size);
    } else {
        dest[1] = MP_OBJ_SENTINEL;
    }
}

static mp_int_t ramdisk_get_buffer(mp_obj_t self_in, mp_buffer_info_t *buf, mp_uint_t flags) {
    ramdisk_t *self = MP_OBJ_TO_PTR(self_in);
    buf->buf = self->data;
    buf->len = self->size;
    buf->typecode = 'B';
    return 0;
}

static const mp_rom_map_elem_t ramdisk_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_readblocks), MP_ROM_PTR(&ramdisk_readblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_writeblocks), MP_ROM_PTR(&ramdisk_writeblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_ioctl), MP_ROM_PTR(&ramdisk_ioctl_obj) },
    { MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&ramdisk_close_obj) },
    { MP_ROM_QSTR(MP_QSTR__keep), MP_ROM_PTR(&ramdisk_keep_obj) },
    { MP_ROM_QSTR(MP_QSTR___enter__), MP_ROM_PTR(&mp_identity_obj) },
    { MP_ROM_QSTR(MP_QSTR___exit__), MP_ROM_PTR(&ramdisk_exit_obj) },
};
static MP_DEFINE_CONST_DICT(ramdisk_locals, ramdisk_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    ramdisk_type,
    MP_QSTR_RAMDisk,
    MP_TYPE_FLAG_NONE,
    make_new, ramdisk_make_new,
    attr, ramdisk_attr,
    buffer, ramdisk_get_buffer,
    locals_dict, &ramdisk_locals
    );

static const mp_rom_map_elem_t ramdisk_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR__lazy), MP_ROM_PTR(&vfs_lazy_obj) },
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_ramdisk) },
    { MP_ROM_QSTR(MP_QSTR_RAMDisk), MP_ROM_PTR(&ramdisk_type) },
};
static MP_DEFINE_CONST_DICT(ramdisk_globals, ramdisk_globals_table);

const mp_obj_module_t ramdisk_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&ramdisk_globals,
};

MP_REGISTER_MODULE(MP_QSTR_ramdisk, ramdisk_module);
