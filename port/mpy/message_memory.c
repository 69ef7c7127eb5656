// The memory of messages. Nobody leaves these functions in their middle: kernel.ld has them among those
// that hold something.
#include <string.h>

#include "py/mphal.h"
#include "py/mpconfig.h"

#include "frames/frames.h"
#include "mpy/message.h"

// What this CPU holds.
static message_t *held;

void message_take(message_t *message) {
    message->next = held;
    held = message;
}

void message_give(message_t *message) {
    message_t **place = &held;
    while (*place != message) {
        place = &(*place)->next;
    }
    *place = message->next;
}

static void free_frames(message_t *message) {
    frames_free_kernel((uintptr_t)message, message->count);
}

message_t *message_grow(message_t *old, size_t used, size_t size) {
    uint64_t count = size / FRAMES_SIZE + (size % FRAMES_SIZE != 0);
    if (old != NULL && count < 2 * old->count) {
        count = 2 * old->count;
    }
    uint64_t addr = frames_alloc_kernel(count, FRAMES_SIZE, 0);
    if (frames_failed(addr)) {
        return NULL;
    }
    message_t *message = (message_t *)(uintptr_t)addr;
    message->shares = 0;
    if (old != NULL) {
        memcpy(message, old, used);
        message_give(old);
        free_frames(old);
    }
    message->count = count;
    message_take(message);
    return message;
}

void message_discard(message_t *message, sync_t **dead) {
    message_give(message);
    while (message->shares != 0) {
        // An address, and where the next reference lies.
        uint64_t share[2];
        memcpy(share, (uint8_t *)message + message->shares, sizeof(share));
        message->shares = share[1];
        sync_release((sync_t *)(uintptr_t)share[0], 1, dead);
    }
    free_frames(message);
}

void message_free(message_t *message) {
    sync_t *dead = NULL;
    message_discard(message, &dead);
    sync_bury(dead);
}

void message_reset(void) {
    while (held != NULL) {
        message_free(held);
    }
}

void message_init(void) {
    held = NULL;
}
