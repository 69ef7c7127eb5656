// _block: disks as block devices. In C, as file systems also write when the heap is locked.
#include <string.h>

#include "py/mperrno.h"
#include "py/runtime.h"
#include "extmod/vfs.h"

#include "devices/block.h"
#include "frames/modframes.h"
#include "mpy/holding.h"
#include "mpy/modblock.h"

// A device, or a part of it.
typedef struct {
    mp_obj_base_t base;
    unsigned device;
    uint64_t start, size;   // bytes, whole sectors and whole blocks
    uint64_t block_size;    // bytes, whole sectors
} part_t;

static const mp_obj_type_t part_type;

// Block(device, start=0, size=None, block_size=None): so many bytes of a device from a sector on, up to its
// end if nothing is said, in blocks of a sector or as large as is said.
static mp_obj_t part_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *all_args) {
    enum { ARG_device, ARG_start, ARG_size, ARG_block_size };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_device, MP_ARG_OBJ | MP_ARG_REQUIRED, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_start, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_INT(0)} },
        { MP_QSTR_size, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_block_size, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all_kw_array(n_args, n_kw, all_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    frames_refuse_interrupt();
    uint64_t number = frames_get_number(args[ARG_device].u_obj, "device");
    const block_t *block = block_get(number);
    if (block == NULL) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("there is no device %lu"), (unsigned long)number);
    }
    uint64_t sector = block->setup.sector_size, end = block->setup.sectors * sector;
    uint64_t start = frames_get_number(args[ARG_start].u_obj, "start");
    uint64_t size = start > end ? 0 : end - start;
    uint64_t block_size = sector;
    if (args[ARG_block_size].u_obj != mp_const_none) {
        block_size = frames_get_number(args[ARG_block_size].u_obj, "block_size");
        if (block_size == 0 || block_size % sector != 0) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("block_size %lu is no multiple of the sector's %lu"),
                (unsigned long)block_size, (unsigned long)sector);
        }
    }
    if (args[ARG_size].u_obj != mp_const_none) {
        size = frames_get_number(args[ARG_size].u_obj, "size");
    }
    if (start > end || size > end - start || start % sector != 0 || size % sector != 0) {
        mp_raise_msg_varg(&mp_type_ValueError,
            MP_ERROR_TEXT("start 0x%lx, size 0x%lx: not in the device's 0x%lx bytes, or no multiples of %lu"),
            (unsigned long)start, (unsigned long)size, (unsigned long)end, (unsigned long)sector);
    }
    part_t *self = mp_obj_malloc(part_t, type);
    self->device = number;
    self->start = start;
    self->size = size - size % block_size;
    self->block_size = block_size;
    return MP_OBJ_FROM_PTR(self);
}

// UINT64_MAX, which lies outside of any disk, for more than 64 bits.
mp_uint_t modblock_index(mp_obj_t obj) {
    if (!mp_obj_is_exact_type(obj, &mp_type_int)) {
        return mp_obj_get_int(obj);
    }
    mp_uint_t index = mp_obj_get_int_truncated(obj);
    return mp_obj_equal(obj, mp_obj_new_int_from_uint(index)) ? index : UINT64_MAX;
}

static void raise_status(block_status_t status) {
    static const uint8_t numbers[] = {
        [BLOCK_ERROR] = MP_EIO,
        [BLOCK_READ_ONLY] = MP_EROFS,
        [BLOCK_GONE] = MP_ENODEV,
        [BLOCK_TIMED_OUT] = MP_ETIMEDOUT,
        [BLOCK_LIES] = MP_EIO,
        [BLOCK_NO_MEMORY] = MP_EFAULT,
    };
    if (status != BLOCK_OK) {
        mp_raise_OSError(numbers[status]);
    }
}

static HOLDING block_status_t move(unsigned device, bool write, uint64_t offset, void *buf, uint64_t size) {
    return block_move(device, write, offset, buf, size);
}

static HOLDING block_status_t flush(unsigned device) {
    return block_flush(device);
}

// args: self, block, buffer and perhaps offset
static mp_obj_t transfer(size_t n_args, const mp_obj_t *args, bool write) {
    const part_t *self = MP_OBJ_TO_PTR(args[0]);
    mp_buffer_info_t buf;
    mp_get_buffer_raise(args[2], &buf, write ? MP_BUFFER_READ : MP_BUFFER_WRITE);
    frames_refuse_interrupt();
    mp_uint_t block = modblock_index(args[1]);
    mp_uint_t offset = n_args == 4 ? modblock_index(args[3]) : 0;
    if (block >= self->size / self->block_size
        || offset > self->size - block * self->block_size
        || buf.len > self->size - block * self->block_size - offset) {
        mp_raise_OSError(MP_EINVAL);
    }
    raise_status(move(self->device, write, self->start + block * self->block_size + offset, buf.buf, buf.len));
    return MP_OBJ_NEW_SMALL_INT(0);
}

// readblocks(block, buf, offset=0)
static mp_obj_t part_readblocks(size_t n_args, const mp_obj_t *args) {
    return transfer(n_args, args, false);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(part_readblocks_obj, 3, 4, part_readblocks);

// writeblocks(block, buf, offset=0)
static mp_obj_t part_writeblocks(size_t n_args, const mp_obj_t *args) {
    return transfer(n_args, args, true);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(part_writeblocks_obj, 3, 4, part_writeblocks);

bool modblock_is_method(mp_const_obj_t obj) {
    return obj == MP_OBJ_FROM_PTR(&part_readblocks_obj) || obj == MP_OBJ_FROM_PTR(&part_writeblocks_obj);
}

// ioctl(op, arg)
static mp_obj_t part_ioctl(mp_obj_t self_in, mp_obj_t op, mp_obj_t arg) {
    const part_t *self = MP_OBJ_TO_PTR(self_in);
    switch (mp_obj_get_int(op)) {
        case MP_BLOCKDEV_IOCTL_DEINIT:
        case MP_BLOCKDEV_IOCTL_SYNC:
            frames_refuse_interrupt();
            raise_status(flush(self->device));
            return MP_OBJ_NEW_SMALL_INT(0);
        case MP_BLOCKDEV_IOCTL_BLOCK_COUNT:
            return mp_obj_new_int_from_uint(self->size / self->block_size);
        case MP_BLOCKDEV_IOCTL_BLOCK_SIZE:
            return mp_obj_new_int_from_uint(self->block_size);
        default:
            return MP_OBJ_NEW_SMALL_INT(0);
    }
}
static MP_DEFINE_CONST_FUN_OBJ_3(part_ioctl_obj, part_ioctl);

static void part_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    const part_t *self = MP_OBJ_TO_PTR(self_in);
    if (dest[0] != MP_OBJ_NULL) {
        return;
    }
    const block_setup_t *setup = &block_get(self->device)->setup;
    switch (attr) {
        case MP_QSTR_device:
            dest[0] = MP_OBJ_NEW_SMALL_INT(self->device);
            break;
        case MP_QSTR_start:
            dest[0] = mp_obj_new_int_from_uint(self->start);
            break;
        case MP_QSTR_size:
            dest[0] = mp_obj_new_int_from_uint(self->size);
            break;
        case MP_QSTR_block_size:
            dest[0] = mp_obj_new_int_from_uint(self->block_size);
            break;
        case MP_QSTR_sector:
            dest[0] = MP_OBJ_NEW_SMALL_INT(setup->sector_size);
            break;
        case MP_QSTR_readonly:
            dest[0] = mp_obj_new_bool(setup->flags & BLOCK_IS_READ_ONLY);
            break;
        default:
            dest[1] = MP_OBJ_SENTINEL;
    }
}

static const mp_rom_map_elem_t part_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_readblocks), MP_ROM_PTR(&part_readblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_writeblocks), MP_ROM_PTR(&part_writeblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_ioctl), MP_ROM_PTR(&part_ioctl_obj) },
};
static MP_DEFINE_CONST_DICT(part_locals, part_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    part_type,
    MP_QSTR_Block,
    MP_TYPE_FLAG_NONE,
    make_new, part_make_new,
    attr, part_attr,
    locals_dict, &part_locals
    );

static mp_obj_t number_or_raise(int number) {
    if (number < 0) {
        mp_raise_msg(&mp_type_MemoryError, MP_ERROR_TEXT("too many devices, or no memory for one more"));
    }
    return MP_OBJ_NEW_SMALL_INT(number);
}

static unsigned get_dma(mp_obj_t obj) {
    mp_int_t number = mp_obj_get_int(obj);
    if (!dma_is(number)) {
        mp_raise_ValueError(MP_ERROR_TEXT("there is no such device"));
    }
    return number;
}

// Words of 64 bits from a buffer of this size.
static const void *get_words(mp_obj_t obj, size_t size) {
    mp_buffer_info_t buf;
    mp_get_buffer_raise(obj, &buf, MP_BUFFER_READ);
    frames_refuse_interrupt();
    if (buf.len != size) {
        mp_raise_ValueError(MP_ERROR_TEXT("the wrong number of words"));
    }
    return buf.buf;
}

// _dma(words) -> number: a dma_device_t
static mp_obj_t block_dma(mp_obj_t words) {
    return number_or_raise(dma_add(get_words(words, sizeof(dma_device_t))));
}
static MP_DEFINE_CONST_FUN_OBJ_1(block_dma_obj, block_dma);

// _msi(dma) -> (addr, data): what the device has to write for an interrupt; None: it cannot have one
static mp_obj_t block_msi(mp_obj_t dma) {
    uint64_t addr;
    uint32_t data;
    if (!dma_use_msi(get_dma(dma), &addr, &data)) {
        return mp_const_none;
    }
    mp_obj_t items[] = { mp_obj_new_int_from_uint(addr), mp_obj_new_int_from_uint(data) };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
static MP_DEFINE_CONST_FUN_OBJ_1(block_msi_obj, block_msi);

// _share(dma, with): the same interrupt for another one
static mp_obj_t block_share(mp_obj_t dma, mp_obj_t with) {
    dma_share(get_dma(dma), get_dma(with));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(block_share_obj, block_share);

// _input(dma, global): its input of an I/O APIC -> whether there is one
static mp_obj_t block_input(mp_obj_t dma, mp_obj_t global) {
    return mp_obj_new_bool(dma_use_input(get_dma(dma), mp_obj_get_int(global)));
}
static MP_DEFINE_CONST_FUN_OBJ_2(block_input_obj, block_input);

// _stop(dma) -> whether it has
static mp_obj_t block_stop(mp_obj_t dma) {
    return mp_obj_new_bool(dma_stop(get_dma(dma)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(block_stop_obj, block_stop);

// _add(driver, words, text) -> number: VIRTIO, NVME or AHCI, and a block_setup_t
static mp_obj_t block_add_(mp_obj_t driver, mp_obj_t words, mp_obj_t text) {
    static const block_driver_t *const drivers[] = { &block_virtio, &block_nvme, &block_ahci };
    mp_int_t kind = mp_obj_get_int(driver);
    if (kind < 0 || kind >= (mp_int_t)MP_ARRAY_SIZE(drivers)) {
        mp_raise_ValueError(MP_ERROR_TEXT("there is no such driver"));
    }
    return number_or_raise(block_add(drivers[kind], get_words(words, sizeof(block_setup_t)), mp_obj_str_get_str(text)));
}
static MP_DEFINE_CONST_FUN_OBJ_3(block_add_obj, block_add_);

// _devices() -> [(number, text), ...]: those that have not been stopped
static mp_obj_t block_devices(void) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    const block_t *block;
    for (uint64_t i = 0; (block = block_get(i)) != NULL; ++i) {
        if (block->dead == BLOCK_OK) {
            mp_obj_t items[] = { MP_OBJ_NEW_SMALL_INT(i), mp_obj_new_str(block->text, strlen(block->text)) };
            mp_obj_list_append(list, mp_obj_new_tuple(MP_ARRAY_SIZE(items), items));
        }
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_0(block_devices_obj, block_devices);

static const mp_rom_map_elem_t block_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__block) },
    { MP_ROM_QSTR(MP_QSTR_Block), MP_ROM_PTR(&part_type) },
    { MP_ROM_QSTR(MP_QSTR__dma), MP_ROM_PTR(&block_dma_obj) },
    { MP_ROM_QSTR(MP_QSTR__msi), MP_ROM_PTR(&block_msi_obj) },
    { MP_ROM_QSTR(MP_QSTR__share), MP_ROM_PTR(&block_share_obj) },
    { MP_ROM_QSTR(MP_QSTR__input), MP_ROM_PTR(&block_input_obj) },
    { MP_ROM_QSTR(MP_QSTR__stop), MP_ROM_PTR(&block_stop_obj) },
    { MP_ROM_QSTR(MP_QSTR__add), MP_ROM_PTR(&block_add_obj) },
    { MP_ROM_QSTR(MP_QSTR__devices), MP_ROM_PTR(&block_devices_obj) },
    { MP_ROM_QSTR(MP_QSTR_VIRTIO), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_NVME), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_AHCI), MP_ROM_INT(2) },
};
static MP_DEFINE_CONST_DICT(block_globals, block_globals_table);

const mp_obj_module_t block_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&block_globals,
};

MP_REGISTER_MODULE(MP_QSTR__block, block_module);
