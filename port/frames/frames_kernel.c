// Frames of the kernel: allocated as all others, and marked, so that only the kernel can free them.
#include "frames_cpus.h"
#include "frames_kernel.h"
#include "frames_refill.h"
#include "frames_run.h"
#include "frames_state.h"

// --- Which frames are the kernel's ----------------------------------------------------------

// The marks of a chunk that the kernel shares with others, or NULL.
static struct mixed *find_mixed(size_t slot) {
    struct mixed *m = __atomic_load_n(&self.groups[slot / GROUP_SLOTS].mixed, __ATOMIC_ACQUIRE);
    while (m && GET(&m->slot) != slot) {
        m = m->next;
    }
    return m;
}

uint64_t frames_kernel_mask(size_t word) {
    size_t slot = word / LINE_WORDS;
    const struct mixed *m;
    while ((m = find_mixed(slot)) != NULL) {
        // Only a slot and a mask of the same turn say something.
        uint32_t turn = __atomic_load_n(&m->turn, __ATOMIC_ACQUIRE);
        size_t slot_now = __atomic_load_n(&m->slot, __ATOMIC_ACQUIRE);
        uint64_t mask = __atomic_load_n(&m->mask[word % LINE_WORDS], __ATOMIC_ACQUIRE);
        if (slot_now == slot && GET(&m->turn) == turn && turn % 2 == 0) {
            return mask;
        }
    }
    return 0;
}

// --- Marking, locked ------------------------------------------------------------------------

static void set_slot(struct mixed *m, size_t slot) {
    __atomic_store_n(&m->turn, m->turn + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&m->slot, slot, __ATOMIC_RELEASE);
    __atomic_store_n(&m->turn, m->turn + 1, __ATOMIC_RELEASE);
}

static bool has_frames(const struct mixed *m) {
    uint64_t any = 0;
    for (unsigned k = 0; k < LINE_WORDS; ++k) {
        any |= m->mask[k];
    }
    return any != 0;
}

// Room for more, in a frame of its own.
static bool grow(void) {
    frames_expose();
    frames_close();
    struct mixed *more = frames_take_metadata(FRAMES_SIZE);
    frames_open();
    if (more == NULL) {
        return false;
    }
    self.metadata -= FRAMES_SIZE;   // Each is counted when it is used.
    self.mixed = more;
    self.mixed_room = FRAMES_SIZE / sizeof(struct mixed);
    return true;
}

// Where the marks of this chunk go: what it has, what another chunk of the group has left, or a new
// one. NULL if there is no memory.
static struct mixed *get_mixed(size_t slot) {
    struct mixed *m = find_mixed(slot);
    if (m == NULL) {
        struct group *group = &self.groups[slot / GROUP_SLOTS];
        for (m = group->mixed; m && m->slot != NONE; m = m->next) {
        }
        if (m) {
            set_slot(m, slot);
        } else if (self.mixed_room > 0 || grow()) {
            m = self.mixed++;
            --self.mixed_room;
            self.metadata += sizeof(*m);
            *m = (struct mixed) { .next = group->mixed, .slot = slot };
            __atomic_store_n(&group->mixed, m, __ATOMIC_RELEASE);
        }
    }
    return m;
}

static void set_mask(struct mixed *m, unsigned k, uint64_t mask) {
    __atomic_store_n(&m->mask[k], mask, __ATOMIC_RELEASE);
}

static void mark_kernel(size_t slot) {
    if (is(KERNEL, slot)) {
        return;
    }
    set_fact(KERNEL, slot);
    if (!self.shared) {
        self.groups[slot / GROUP_SLOTS].plain &= ~(UINT64_C(1) << slot % GROUP_SLOTS);
    } else if (__atomic_load_n(&self.claims[slot], __ATOMIC_SEQ_CST)) {
        // Who gives to a claim does not look for the kernel's frames. No new ones come.
        frames_close();
        frames_open();
    }
}

static void unmark_kernel(size_t slot) {
    clear_fact(KERNEL, slot);
    if (!self.shared && is(SOME, slot)) {
        self.groups[slot / GROUP_SLOTS].plain |= UINT64_C(1) << slot % GROUP_SLOTS;
    }
}

// A chunk that has none of the kernel's frames gives up its marks.
static void leave_mixed(size_t slot) {
    struct mixed *m = find_mixed(slot);
    if (m && !has_frames(m)) {
        unmark_kernel(slot);
        set_slot(m, NONE);
    }
}

// Mark frames that have just been allocated, or none of them.
static bool mark(uint64_t frame, uint64_t count) {
    uint64_t end = frame + count, at;
    struct part part;
    for (at = frame; at < end; at += part.to - part.from) {
        if (!frames_part(at, end, &part) || (!is(SHUT, part.slot) && !get_mixed(part.slot))) {
            break;
        }
    }
    bool good = at == end;
    for (at = frame; at < end && frames_part(at, end, &part); at += part.to - part.from) {
        if (is(SHUT, part.slot)) {
            if (good) {
                mark_kernel(part.slot);
                set_fact(EDGE, part.slot);
            }
            continue;
        }
        struct mixed *m = find_mixed(part.slot);
        for (unsigned k = 0; good && k < LINE_WORDS; ++k) {
            set_mask(m, k, m->mask[k] | frames_part_mask(&part, k));
        }
        if (good) {
            mark_kernel(part.slot);
            frames_guard_word(part.slot);
        } else {
            leave_mixed(part.slot);
        }
    }
    return good;
}

// Whether all of this is the kernel's. With `commit`, it is not any more.
static bool unmark(uint64_t frame, uint64_t count, bool commit) {
    uint64_t end = frame + count;
    struct part part;
    for (uint64_t at = frame; at < end; at += part.to - part.from) {
        if (!frames_part(at, end, &part) || !is(KERNEL, part.slot)) {
            return false;
        }
        if (is(SHUT, part.slot)) {
            if (!is_whole(&part)) {
                return false;
            }
            if (commit) {
                unmark_kernel(part.slot);
                clear_fact(EDGE, part.slot);
            }
            continue;
        }
        struct mixed *m = find_mixed(part.slot);
        for (unsigned k = 0; k < LINE_WORDS; ++k) {
            uint64_t mask = frames_part_mask(&part, k);
            if ((m->mask[k] & mask) != mask) {
                return false;
            }
            if (commit) {
                set_mask(m, k, m->mask[k] & ~mask);
            }
        }
        if (commit) {
            leave_mixed(part.slot);
        }
    }
    return true;
}

// --- Alloc and free -------------------------------------------------------------------------

uint64_t frames_alloc_kernel(uint64_t count, uint64_t align, uint64_t below) {
    FRAMES_ASSERT_CONTEXT();
    uint64_t addr = frames_alloc_run(count, align, below);
    if (frames_failed(addr)) {
        return addr;
    }
    frames_lock();
    bool good = mark(addr / FRAMES_SIZE, count);
    if (!good) {
        frames_free_locked(addr / FRAMES_SIZE, count);
    }
    frames_unlock();
    return good ? addr : FRAMES_FAILED(FRAMES_NO_MEMORY);
}

frames_status_t frames_free_kernel(uint64_t addr, uint64_t count) {
    FRAMES_ASSERT_CONTEXT();
    frames_status_t status = frames_not_ready();
    if (status != FRAMES_OK) {
        return status;
    }
    uint64_t frame = addr / FRAMES_SIZE;
    if (addr % FRAMES_SIZE || count == 0 || count > UINT64_MAX / FRAMES_SIZE - frame) {
        return FRAMES_BAD_FREE;
    }
    frames_lock();
    status = FRAMES_BAD_FREE;
    if (unmark(frame, count, false)) {
        unmark(frame, count, true);
        status = frames_free_locked(frame, count);
    }
    frames_unlock();
    return status;
}
