#include "devices/virtqueue.h"

enum {
    // Of a descriptor; of the rings.
    DESC_NEXT = 1,
    DESC_WRITE = 2,
    AVAIL_NO_INTERRUPT = 1,
    USED_NO_NOTIFY = 1,
};

void virtqueue_init(virtqueue_t *queue, void *memory, unsigned size) {
    queue->descs = memory;
    queue->avail = (volatile uint16_t *)((char *)memory + virtqueue_avail_offset(size));
    queue->used = (volatile uint16_t *)((char *)memory + virtqueue_used_offset(size));
    queue->size = size;
    queue->free = 0;
    queue->free_count = size;
    queue->added = queue->taken = 0;
    queue->broken = false;
    for (unsigned i = 0; i < size; ++i) {
        queue->own[i] = (virtqueue_own_t) { .next = i + 1 };
    }
}

void virtqueue_without_interrupts(virtqueue_t *queue) {
    queue->avail[0] = AVAIL_NO_INTERRUPT;
}

bool virtqueue_add(virtqueue_t *queue, const dma_part_t *parts, unsigned outs, unsigned ins, uint64_t token) {
    unsigned count = outs + ins;
    if (queue->broken || count == 0 || count > queue->free_count) {
        return false;
    }
    uint16_t head = queue->free, at = head;
    virtqueue_own_t *first = &queue->own[head];
    first->room = 0;
    for (unsigned i = 0; i < count; ++i) {
        bool last = i + 1 == count;
        uint16_t next = queue->own[at].next;
        queue->descs[at] = (virtqueue_desc_t) {
            .addr = parts[i].addr,
            .size = parts[i].size,
            .flags = (last ? 0 : DESC_NEXT) | (i < outs ? 0 : DESC_WRITE),
            .next = last ? 0 : next,
        };
        if (i >= outs) {
            first->room += parts[i].size;
        }
        at = next;
    }
    queue->free = at;
    queue->free_count -= count;
    first->token = token;
    first->count = count;
    queue->avail[2 + queue->added % queue->size] = head;
    ++queue->added;
    // The buffer is there before the index says so.
    __atomic_store_n(&queue->avail[1], queue->added, __ATOMIC_RELEASE);
    return true;
}

bool virtqueue_wants_notice(const virtqueue_t *queue) {
    // 2.7.13.4.1: the index is written before this is read.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return !(queue->used[0] & USED_NO_NOTIFY);
}

bool virtqueue_take(virtqueue_t *queue, uint64_t *token, uint32_t *written) {
    if (queue->broken) {
        return false;
    }
    uint16_t done = (uint16_t)(__atomic_load_n(&queue->used[1], __ATOMIC_ACQUIRE) - queue->taken);
    if (done == 0) {
        return false;
    }
    const volatile uint32_t *entry =
        (const volatile uint32_t *)&queue->used[2] + 2 * (queue->taken % queue->size);
    uint32_t head = entry[0], size = entry[1];
    // No more come back than are out, each one by its first descriptor, with no more than it had room for.
    if (done > (uint16_t)(queue->added - queue->taken) || head >= queue->size || queue->own[head].count == 0
        || size > queue->own[head].room) {
        queue->broken = true;
        return false;
    }
    virtqueue_own_t *first = &queue->own[head];
    *token = first->token;
    *written = size;
    uint16_t last = head;
    for (unsigned i = 1; i < first->count; ++i) {
        last = queue->own[last].next;
    }
    queue->own[last].next = queue->free;
    queue->free = head;
    queue->free_count += first->count;
    first->count = 0;
    ++queue->taken;
    return true;
}
