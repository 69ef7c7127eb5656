#include <string.h>

#include "py/mphal.h"
#include "py/objarray.h"
#include "py/objint.h"
#include "py/objlist.h"
#include "py/objstr.h"
#include "py/objtuple.h"
#include "py/runtime.h"

#include "frames/frames.h"
#include "frames/modframes.h"
#include "mpy/message.h"
#include "mpy/modpages.h"

// What a value begins with. Numbers and lengths follow in 8 bytes, then what they are the length of.
typedef enum {
    TAG_NONE, TAG_FALSE, TAG_TRUE,
    TAG_SMALL,                      // a small int
    TAG_POSITIVE, TAG_NEGATIVE,     // a large one: its magnitude in bytes, the lowest first
    TAG_FLOAT,
    TAG_QSTR,                       // a string that the kernel's image has interned
    TAG_NAME,                       // one that only its interpreter has
    TAG_STR, TAG_BYTES, TAG_BYTEARRAY,
    TAG_TUPLE, TAG_LIST, TAG_DICT, TAG_SET, TAG_FROZENSET,
    TAG_SYNC,                       // 16: the address, and where the next one lies
} tag_t;

// As in upstream's objset.c.
typedef struct {
    mp_obj_base_t base;
    mp_set_t set;
} set_t;

// A container that is not yet done with.
typedef struct {
    mp_obj_t container;
    mp_obj_t held;      // encoding: the value of a dict's key; decoding: the key of a value
    size_t index;       // encoding: the next item; decoding: how many are still to come
    size_t count;       // encoding: how many there have been
    size_t place;       // encoding: where in the message that number goes
    tag_t tag;
} level_t;

// They lie on the stack, or when there are more, on the heap.
typedef struct {
    level_t *levels;
    size_t depth, room;
    level_t first[16];
} levels_t;

static void levels_init(levels_t *self) {
    self->levels = self->first;
    self->depth = 0;
    self->room = MP_ARRAY_SIZE(self->first);
}

static void levels_deinit(levels_t *self) {
    if (self->levels != self->first) {
        m_del(level_t, self->levels, self->room);
    }
}

// NULL: no memory.
static level_t *levels_push(levels_t *self) {
    if (self->depth == self->room) {
        level_t *levels = m_new_maybe(level_t, 2 * self->room);
        if (levels == NULL) {
            return NULL;
        }
        memcpy(levels, self->levels, self->room * sizeof(level_t));
        levels_deinit(self);
        self->levels = levels;
        self->room *= 2;
    }
    return &self->levels[self->depth++];
}

// --- Encoding -------------------------------------------------------------------------------

typedef enum {
    ENCODE_OK,
    ENCODE_TYPE,
    ENCODE_CYCLE,
    ENCODE_FRAMES,
    ENCODE_HEAP,
} encode_status_t;

typedef struct {
    message_t *message;
    size_t used; // bytes
    encode_status_t status;
} writer_t;

static bool fail(writer_t *writer, encode_status_t status) {
    writer->status = status;
    return false;
}

static uint8_t *reserve(writer_t *writer, size_t size) {
    message_t *message = writer->message;
    if (message == NULL || size > message->count * FRAMES_SIZE - writer->used) {
        message = size > SIZE_MAX / 4 ? NULL : message_grow(message, writer->used, writer->used + size);
        if (message == NULL) {
            fail(writer, ENCODE_FRAMES);
            return NULL;
        }
        writer->message = message;
    }
    uint8_t *place = (uint8_t *)writer->message + writer->used;
    writer->used += size;
    return place;
}

static bool put_tag(writer_t *writer, tag_t tag) {
    uint8_t *place = reserve(writer, 1);
    if (place != NULL) {
        *place = tag;
    }
    return place != NULL;
}

// The number and room for `size` bytes behind it.
static uint8_t *put(writer_t *writer, tag_t tag, uint64_t number, size_t size) {
    uint8_t *place = reserve(writer, 1 + sizeof(number) + size);
    if (place == NULL) {
        return NULL;
    }
    *place++ = tag;
    memcpy(place, &number, sizeof(number));
    return place + sizeof(number);
}

static bool put_bytes(writer_t *writer, tag_t tag, const void *bytes, size_t size) {
    uint8_t *place = put(writer, tag, size, size);
    if (place != NULL) {
        memcpy(place, bytes, size);
    }
    return place != NULL;
}

// How many strings are the same number on every CPU.
static size_t image_qstrs(void) {
    #ifdef MICROPY_QSTR_EXTRA_POOL
    extern const qstr_pool_t MICROPY_QSTR_EXTRA_POOL;
    return MICROPY_QSTR_EXTRA_POOL.total_prev_len + MICROPY_QSTR_EXTRA_POOL.len;
    #else
    return MP_QSTRnumber_of;
    #endif
}

static bool put_long(writer_t *writer, mp_obj_t value) {
    const mpz_t *number = &((mp_obj_int_t *)MP_OBJ_TO_PTR(value))->mpz;
    size_t size = (number->len * MPZ_DIG_SIZE + 7) / 8;
    uint8_t *place = put(writer, number->neg ? TAG_NEGATIVE : TAG_POSITIVE, size, size);
    if (place == NULL) {
        return false;
    }
    for (size_t i = 0; i < size; ++i) {
        size_t bit = 8 * i;
        place[i] = number->dig[bit / MPZ_DIG_SIZE] >> bit % MPZ_DIG_SIZE;
    }
    return true;
}

static bool put_sync(writer_t *writer, sync_t *sync) {
    if (!put_bytes(writer, TAG_SYNC, &(uint64_t[]) { (uintptr_t)sync, 0 }, 16)) {
        return false;
    }
    size_t place = writer->used - 16;
    uint8_t *bytes = (uint8_t *)writer->message;
    mp_uint_t state = MICROPY_BEGIN_ATOMIC_SECTION();
    memcpy(bytes + place + 8, &writer->message->shares, sizeof(uint64_t));
    writer->message->shares = place;
    sync_hold(sync);
    MICROPY_END_ATOMIC_SECTION(state);
    return true;
}

static bool put_container(writer_t *writer, levels_t *levels, tag_t tag, mp_obj_t container) {
    // Brent: going down in a cycle comes to the container that lay at the last power of two.
    if (levels->depth != 0) {
        size_t power = (size_t)1 << (63 - __builtin_clzll(levels->depth));
        if (levels->levels[power - 1].container == container) {
            return fail(writer, ENCODE_CYCLE);
        }
    }
    if (put(writer, tag, 0, 0) == NULL) {
        return false;
    }
    level_t *level = levels_push(levels);
    if (level == NULL) {
        return fail(writer, ENCODE_HEAP);
    }
    *level = (level_t) { .container = container, .place = writer->used - sizeof(uint64_t), .tag = tag };
    return true;
}

// A value, or of a container its head.
static bool put_value(writer_t *writer, levels_t *levels, mp_obj_t value) {
    if (mp_obj_is_small_int(value)) {
        return put(writer, TAG_SMALL, (uint64_t)MP_OBJ_SMALL_INT_VALUE(value), 0) != NULL;
    }
    if (value == mp_const_none) {
        return put_tag(writer, TAG_NONE);
    }
    if (value == mp_const_false || value == mp_const_true) {
        return put_tag(writer, value == mp_const_true ? TAG_TRUE : TAG_FALSE);
    }
    if (mp_obj_is_qstr(value) && MP_OBJ_QSTR_VALUE(value) < image_qstrs()) {
        return put(writer, TAG_QSTR, MP_OBJ_QSTR_VALUE(value), 0) != NULL;
    }
    if (mp_obj_is_str(value)) {
        size_t size;
        const char *text = mp_obj_str_get_data(value, &size);
        return put_bytes(writer, mp_obj_is_qstr(value) ? TAG_NAME : TAG_STR, text, size);
    }
    const mp_obj_type_t *type = mp_obj_get_type(value);
    if (type == &mp_type_tuple) {
        return put_container(writer, levels, TAG_TUPLE, value);
    }
    if (type == &mp_type_list) {
        return put_container(writer, levels, TAG_LIST, value);
    }
    if (type == &mp_type_dict) {
        return put_container(writer, levels, TAG_DICT, value);
    }
    if (type == &mp_type_set || type == &mp_type_frozenset) {
        return put_container(writer, levels, type == &mp_type_set ? TAG_SET : TAG_FROZENSET, value);
    }
    if (type == &mp_type_bytes) {
        size_t size;
        const char *bytes = mp_obj_str_get_data(value, &size);
        return put_bytes(writer, TAG_BYTES, bytes, size);
    }
    if (type == &mp_type_bytearray) {
        const mp_obj_array_t *array = MP_OBJ_TO_PTR(value);
        return put_bytes(writer, TAG_BYTEARRAY, array->items, array->len);
    }
    if (type == &mp_type_float) {
        mp_float_t number = mp_obj_float_get(value);
        uint64_t bits;
        _Static_assert(sizeof(number) == sizeof(bits), "a float has 64 bits");
        memcpy(&bits, &number, sizeof(bits));
        return put(writer, TAG_FLOAT, bits, 0) != NULL;
    }
    if (type == &mp_type_int) {
        return put_long(writer, value);
    }
    if (type == &pages_type) {
        sync_t *shared = pages_share(value);
        return shared != NULL ? put_sync(writer, shared)
               : fail(writer, pages_is_open(value) ? ENCODE_FRAMES : ENCODE_TYPE);
    }
    sync_t *sync = sync_get(value);
    return sync != NULL ? put_sync(writer, sync) : fail(writer, ENCODE_TYPE);
}

// The next item. A hard callback may have made the container shorter.
static bool next_item(level_t *level, mp_obj_t *item) {
    mp_obj_t found = MP_OBJ_NULL;
    switch (level->tag) {
        case TAG_TUPLE:
        case TAG_LIST: {
            size_t count;
            mp_obj_t *items;
            mp_obj_get_array(level->container, &count, &items);
            if (level->index < count) {
                found = items[level->index++];
            }
            break;
        }
        case TAG_DICT: {
            if (level->held != MP_OBJ_NULL) {
                found = level->held;
                level->held = MP_OBJ_NULL;
                break;
            }
            const mp_map_t *map = &((mp_obj_dict_t *)MP_OBJ_TO_PTR(level->container))->map;
            for (; level->index < map->alloc; ++level->index) {
                if (mp_map_slot_is_filled(map, level->index)) {
                    const mp_map_elem_t *element = &map->table[level->index++];
                    found = element->key;
                    level->held = element->value;
                    break;
                }
            }
            break;
        }
        default: {
            const mp_set_t *set = &((set_t *)MP_OBJ_TO_PTR(level->container))->set;
            for (; level->index < set->alloc; ++level->index) {
                if (mp_set_slot_is_filled(set, level->index)) {
                    found = set->table[level->index++];
                    break;
                }
            }
            break;
        }
    }
    *item = found;
    level->count += found != MP_OBJ_NULL;
    return found != MP_OBJ_NULL;
}

static bool put_all(writer_t *writer, levels_t *levels, mp_obj_t *value) {
    for (;;) {
        if (!put_value(writer, levels, *value)) {
            return false;
        }
        level_t *level;
        do {
            if (levels->depth == 0) {
                return true;
            }
            level = &levels->levels[levels->depth - 1];
        } while (!next_item(level, value) && (
            memcpy((uint8_t *)writer->message + level->place, &(uint64_t) { level->count }, sizeof(uint64_t)),
            --levels->depth, true));
    }
}

static const char *name_of(mp_obj_t value) {
    if (mp_obj_is_type(value, &pages_type)) {
        return "a closed Pages";
    }
    // Ellipsis and NotImplemented are of a type without a name.
    const char *name = mp_obj_get_type_str(value);
    return *name != '\0' ? name : value == MP_OBJ_FROM_PTR(&mp_const_ellipsis_obj) ? "Ellipsis" : "NotImplemented";
}

message_t *message_encode(mp_obj_t value) {
    frames_refuse_interrupt();
    writer_t writer = { .used = offsetof(message_t, bytes) };
    levels_t levels;
    levels_init(&levels);
    bool done = put_all(&writer, &levels, &value);
    levels_deinit(&levels);
    if (done) {
        return writer.message;
    }
    if (writer.message != NULL) {
        message_free(writer.message);
    }
    switch (writer.status) {
        case ENCODE_TYPE:
            mp_raise_msg_varg(&mp_type_TypeError, MP_ERROR_TEXT("%s cannot go to another CPU"), name_of(value));
        case ENCODE_CYCLE:
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s contains itself"), mp_obj_get_type_str(value));
        case ENCODE_FRAMES:
            mp_raise_msg(&mp_type_MemoryError, MP_ERROR_TEXT("no frames for the message"));
        default:
            mp_raise_type(&mp_type_MemoryError);
    }
}

// --- Decoding -------------------------------------------------------------------------------

static uint64_t get_number(const uint8_t **at) {
    uint64_t number;
    memcpy(&number, *at, sizeof(number));
    *at += sizeof(number);
    return number;
}

// Nobody may ever ask for its hash.
static mp_obj_t new_string(const mp_obj_type_t *type, const uint8_t *bytes, size_t size) {
    mp_obj_str_t *string = mp_obj_malloc(mp_obj_str_t, type);
    byte *data = m_new(byte, size + 1);
    memcpy(data, bytes, size);
    data[size] = 0;
    string->hash = 0;
    string->len = size;
    string->data = data;
    return MP_OBJ_FROM_PTR(string);
}

static mp_obj_t new_long(tag_t tag, const uint8_t *bytes, size_t size) {
    mp_obj_int_t *number = mp_obj_int_new_mpz();
    mpz_set_from_bytes(&number->mpz, false, size, bytes);
    number->mpz.neg = tag == TAG_NEGATIVE;
    return MP_OBJ_FROM_PTR(number);
}

// A value, or of a container that is not empty, one that takes its items.
static mp_obj_t get_value(const uint8_t **at, levels_t *levels) {
    tag_t tag = *(*at)++;
    if (tag == TAG_NONE) {
        return mp_const_none;
    }
    if (tag == TAG_FALSE || tag == TAG_TRUE) {
        return mp_obj_new_bool(tag == TAG_TRUE);
    }
    uint64_t number = get_number(at);
    mp_obj_t value;
    switch (tag) {
        case TAG_SMALL:
            return MP_OBJ_NEW_SMALL_INT((mp_int_t)number);
        case TAG_QSTR:
            return MP_OBJ_NEW_QSTR(number);
        case TAG_FLOAT: {
            mp_float_t real;
            memcpy(&real, &number, sizeof(real));
            return mp_obj_new_float(real);
        }
        case TAG_TUPLE:
            value = mp_obj_new_tuple(number, NULL);
            break;
        case TAG_LIST:
            value = mp_obj_new_list(number, NULL);
            break;
        case TAG_DICT:
            value = mp_obj_new_dict(number / 2);
            break;
        case TAG_SET:
        case TAG_FROZENSET:
            value = mp_obj_new_set(0, NULL);
            if (number == 0 && tag == TAG_FROZENSET) {
                ((mp_obj_base_t *)MP_OBJ_TO_PTR(value))->type = &mp_type_frozenset;
            }
            break;
        default: {
            const uint8_t *bytes = *at;
            *at += number;
            switch (tag) {
                case TAG_NAME:
                    return MP_OBJ_NEW_QSTR(qstr_from_strn((const char *)bytes, number));
                case TAG_STR:
                    return new_string(&mp_type_str, bytes, number);
                case TAG_BYTES:
                    return new_string(&mp_type_bytes, bytes, number);
                case TAG_BYTEARRAY:
                    return mp_obj_new_bytearray(number, bytes);
                case TAG_SYNC: {
                    sync_t *sync = (sync_t *)(uintptr_t)get_number(&bytes);
                    return sync_is_pages(sync) ? pages_new_view(sync) : sync_new(sync);
                }
                default:
                    return new_long(tag, bytes, number);
            }
        }
    }
    if (number != 0) {
        level_t *level = levels_push(levels);
        if (level == NULL) {
            mp_raise_type(&mp_type_MemoryError);
        }
        *level = (level_t) { .container = value, .index = number, .tag = tag };
    }
    return value;
}

static void add_item(level_t *level, mp_obj_t item) {
    size_t index = level->index--;
    switch (level->tag) {
        case TAG_TUPLE: {
            mp_obj_tuple_t *tuple = MP_OBJ_TO_PTR(level->container);
            tuple->items[tuple->len - index] = item;
            break;
        }
        case TAG_LIST: {
            mp_obj_list_t *list = MP_OBJ_TO_PTR(level->container);
            list->items[list->len - index] = item;
            break;
        }
        case TAG_DICT:
            if (index % 2 == 0) {
                level->held = item;
            } else {
                mp_obj_dict_store(level->container, level->held, item);
            }
            break;
        default:
            mp_obj_set_store(level->container, item);
            if (index == 1 && level->tag == TAG_FROZENSET) {
                ((mp_obj_base_t *)MP_OBJ_TO_PTR(level->container))->type = &mp_type_frozenset;
            }
            break;
    }
}

mp_obj_t message_decode(const message_t *message) {
    const uint8_t *at = message->bytes;
    levels_t levels;
    levels_init(&levels);
    for (;;) {
        size_t depth = levels.depth;
        mp_obj_t value = get_value(&at, &levels);
        if (levels.depth != depth) {
            continue;
        }
        // What is whole goes into what it is in, which may be whole then, too.
        level_t *level;
        do {
            if (levels.depth == 0) {
                levels_deinit(&levels);
                return value;
            }
            level = &levels.levels[levels.depth - 1];
            add_item(level, value);
            value = level->container;
        } while (level->index == 0 && levels.depth-- != 0);
    }
}
