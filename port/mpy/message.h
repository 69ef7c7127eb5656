// Values as bytes in frames, for interpreters that have no objects in common: None, bool, int, float, str,
// bytes, bytearray, and tuple, list, dict, set and frozenset of those, nested as deep as memory goes. Pages
// go by reference: what comes out is a view of the same frames, which stay whose they are; and what
// modsync.h has is the same thing over there. What occurs twice in a value comes out as two.
#ifndef RINGZERO_MPY_MESSAGE_H
#define RINGZERO_MPY_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "py/obj.h"

#include "mpy/modsync.h"

// One run of frames of the kernel's, at the same address on every CPU, that goes from hand to hand. A CPU
// holds it until it gives it away, so that whoever resets its interpreter finds it.
typedef struct message {
    struct message *next;   // of the list that it is in: its holder's, or that of whoever it was given to
    uint64_t count;         // frames
    uint64_t shares;        // where in it the last reference to something shared lies, 0 if there is none
    // Of a call: calls.c.
    struct message *answer;
    struct message *mine_next, *mine_previous;
    uint8_t state, caller, callee;
    bool forgotten;
    uint8_t bytes[];
} message_t;

// The value as it is at one moment, but for what hard callbacks change; this CPU holds the message.
// TypeError names the type of what cannot go over, ValueError is a container in itself, MemoryError is that
// no frames are left; not for hard callbacks.
message_t *message_encode(mp_obj_t value);

// The message stays as it is, also where memory is not enough for its objects: held, so that it can be.
mp_obj_t message_decode(const message_t *message);

// Of a message that this CPU holds. What it had the last reference to goes as well, or into that list.
void message_free(message_t *message);
void message_discard(message_t *message, sync_t **dead);

// From now on it is somebody else's, or this CPU's. Interrupts are off until it is in the other's list.
void message_give(message_t *message);
void message_take(message_t *message);

// Frees what this CPU holds, when its interpreter is left wherever it was.
void message_reset(void);

// It holds none: their frames belong to nobody any more.
void message_init(void);

// For message_encode(): a message with room for `size` bytes, header included, and what `old`, if it is not
// NULL, has up to `used`; that is freed. NULL: no memory, and then nothing has changed.
message_t *message_grow(message_t *old, size_t used, size_t size);

#endif
