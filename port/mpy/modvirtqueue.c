// _virtqueue: queues of virtio devices, for drivers in Python.
#include "py/mperrno.h"
#include "py/runtime.h"

#include "devices/entropy.h"
#include "devices/virtio.h"
#include "devices/virtio_console.h"
#include "frames/modframes.h"

static virtio_queue_t *get_queue(mp_obj_t obj) {
    frames_refuse_interrupt();
    virtio_queue_t *queue = virtio_queue_get(frames_get_number(obj, "queue"));
    if (queue == NULL) {
        mp_raise_ValueError(MP_ERROR_TEXT("there is no such queue"));
    }
    return queue;
}

// new(size) -> (queue, descriptors, avail, used): the number of a queue of so many entries, a power of two, and the
// physical addresses of its parts
static mp_obj_t queue_new(mp_obj_t size_in) {
    frames_refuse_interrupt();
    uint64_t size = frames_get_number(size_in, "size");
    if (size == 0 || size > VIRTQUEUE_MAX || (size & (size - 1)) != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("size is a power of two up to 256"));
    }
    int number = virtio_queue_new(size);
    if (number < 0) {
        mp_raise_msg(&mp_type_MemoryError, MP_ERROR_TEXT("too many queues, or no memory for one more"));
    }
    const virtqueue_t *ring = &virtio_queue_get(number)->ring;
    mp_obj_t items[] = {
        MP_OBJ_NEW_SMALL_INT(number),
        mp_obj_new_int_from_uint((uint64_t)ring->descs),
        mp_obj_new_int_from_uint((uint64_t)ring->avail),
        mp_obj_new_int_from_uint((uint64_t)ring->used),
    };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
static MP_DEFINE_CONST_FUN_OBJ_1(queue_new_obj, queue_new);

// notify_by(queue, va, value, size): how the device is told of what is new
static mp_obj_t queue_notify_by(size_t n_args, const mp_obj_t *args) {
    virtio_queue_t *queue = get_queue(args[0]);
    uint64_t va = frames_get_number(args[1], "va");
    queue->notify_value = frames_get_number(args[2], "value");
    queue->notify_size = frames_get_number(args[3], "size");
    queue->notify = va;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(queue_notify_by_obj, 4, 4, queue_notify_by);

// add(queue, token, outs, addr, size, ...) -> bool: memory for the device, of which it reads the first `outs` parts
// and writes the others. False: the queue is full.
static mp_obj_t queue_add(size_t n_args, const mp_obj_t *args) {
    enum { MOST = 8 };
    virtio_queue_t *queue = get_queue(args[0]);
    uint64_t token = frames_get_number(args[1], "token");
    uint64_t outs = frames_get_number(args[2], "outs");
    size_t count = (n_args - 3) / 2;
    if (n_args != 3 + 2 * count || outs > count || count > MOST) {
        mp_raise_ValueError(MP_ERROR_TEXT("one to eight parts, each an address and a size"));
    }
    dma_part_t parts[MOST];
    for (size_t i = 0; i < count; ++i) {
        parts[i].addr = frames_get_number(args[3 + 2 * i], "addr");
        parts[i].size = frames_get_number(args[4 + 2 * i], "size");
    }
    uint64_t state = lock_save(&queue->lock);
    bool added = virtqueue_add(&queue->ring, parts, outs, count - outs, token);
    if (added) {
        virtio_notify(queue);
    }
    lock_restore(&queue->lock, state);
    return mp_obj_new_bool(added);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(queue_add_obj, 5, 19, queue_add);

// take(queue) -> (token, written), of what the device is done with and how many bytes it has written there; None:
// nothing; OSError (EIO): the device has broken the rules, and the queue is of no use any more
static mp_obj_t queue_take(mp_obj_t queue_in) {
    virtio_queue_t *queue = get_queue(queue_in);
    uint64_t token;
    uint32_t written;
    uint64_t state = lock_save(&queue->lock);
    bool taken = virtqueue_take(&queue->ring, &token, &written);
    bool broken = queue->ring.broken;
    lock_restore(&queue->lock, state);
    if (broken) {
        mp_raise_OSError(MP_EIO);
    }
    if (!taken) {
        return mp_const_none;
    }
    mp_obj_t items[] = { mp_obj_new_int_from_uint(token), MP_OBJ_NEW_SMALL_INT(written) };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
static MP_DEFINE_CONST_FUN_OBJ_1(queue_take_obj, queue_take);

// entropy(queue, dma): the queue gives random bytes, for os.urandom()
static mp_obj_t queue_entropy(mp_obj_t queue, mp_obj_t dma) {
    get_queue(queue);
    if (!entropy_use(mp_obj_get_int(queue), mp_obj_get_int(dma))) {
        mp_raise_type(&mp_type_MemoryError);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(queue_entropy_obj, queue_entropy);

// console(receive, send, name): two queues of a console's, for machine.Console
static mp_obj_t queue_console(mp_obj_t receive, mp_obj_t send, mp_obj_t name) {
    get_queue(receive);
    get_queue(send);
    if (virtio_console_add(mp_obj_get_int(receive), mp_obj_get_int(send), mp_obj_str_get_str(name)) < 0) {
        mp_raise_msg(&mp_type_MemoryError, MP_ERROR_TEXT("too many consoles, or no memory for one more"));
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(queue_console_obj, queue_console);

static const mp_rom_map_elem_t queue_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__virtqueue) },
    { MP_ROM_QSTR(MP_QSTR_new), MP_ROM_PTR(&queue_new_obj) },
    { MP_ROM_QSTR(MP_QSTR_notify_by), MP_ROM_PTR(&queue_notify_by_obj) },
    { MP_ROM_QSTR(MP_QSTR_add), MP_ROM_PTR(&queue_add_obj) },
    { MP_ROM_QSTR(MP_QSTR_console), MP_ROM_PTR(&queue_console_obj) },
    { MP_ROM_QSTR(MP_QSTR_entropy), MP_ROM_PTR(&queue_entropy_obj) },
    { MP_ROM_QSTR(MP_QSTR_take), MP_ROM_PTR(&queue_take_obj) },
};
static MP_DEFINE_CONST_DICT(queue_globals, queue_globals_table);

const mp_obj_module_t virtqueue_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&queue_globals,
};

MP_REGISTER_MODULE(MP_QSTR__virtqueue, virtqueue_module);
