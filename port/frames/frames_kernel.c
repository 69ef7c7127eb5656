// Marking frames of the kernel, which are allocated as all others.
#include "frames_bound.h"
#include "frames_kernel.h"
#include "frames_mixed.h"
#include "frames_quiesce.h"
#include "frames_range.h"
#include "frames_refill.h"
#include "frames_reservation.h"
#include "frames_reserve.h"
#include "frames_state.h"

static void set_slot(struct mixed *m, size_t slot) {
    __atomic_store_n(&m->sequence, m->sequence + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&m->slot, slot, __ATOMIC_RELEASE);
    __atomic_store_n(&m->sequence, m->sequence + 1, __ATOMIC_RELEASE);
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
    frames_quiesce();
    struct mixed *more = frames_take_metadata(FRAMES_SIZE);
    frames_resume();
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
    struct mixed *m = frames_find_mixed(slot);
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
        frames_quiesce();
        frames_resume();
    }
}

static void unmark_kernel(size_t slot) {
    clear_fact(KERNEL, slot);
    if (!self.shared && is(PARTIAL, slot) && self.bounds[slot] == UNKNOWN) {
        self.groups[slot / GROUP_SLOTS].plain |= UINT64_C(1) << slot % GROUP_SLOTS;
    }
}

// A chunk that has none of the kernel's frames gives up its marks.
static void leave_mixed(size_t slot) {
    struct mixed *m = frames_find_mixed(slot);
    if (m && !has_frames(m)) {
        unmark_kernel(slot);
        set_slot(m, NONE);
    }
}

bool frames_mark_kernel(uint64_t frame, uint64_t count) {
    uint64_t end = frame + count, at;
    struct part part;
    for (at = frame; at < end; at += part.to - part.from) {
        if (!frames_part(at, end, &part) || (!is(HUGE, part.slot) && !get_mixed(part.slot))) {
            break;
        }
    }
    bool good = at == end;
    for (at = frame; at < end && frames_part(at, end, &part); at += part.to - part.from) {
        if (is(HUGE, part.slot)) {
            if (good) {
                mark_kernel(part.slot);
                set_fact(EDGE, part.slot);
            }
            continue;
        }
        struct mixed *m = frames_find_mixed(part.slot);
        for (unsigned k = part.from / 64; good && k <= (part.to - 1) / 64; ++k) {
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

bool frames_unmark_kernel(uint64_t frame, uint64_t count, bool commit) {
    uint64_t end = frame + count;
    struct part part;
    for (uint64_t at = frame; at < end; at += part.to - part.from) {
        if (!frames_part(at, end, &part) || !is(KERNEL, part.slot)) {
            return false;
        }
        if (is(HUGE, part.slot)) {
            if (!is_whole(&part)) {
                return false;
            }
            if (commit) {
                unmark_kernel(part.slot);
                clear_fact(EDGE, part.slot);
            }
            continue;
        }
        struct mixed *m = frames_find_mixed(part.slot);
        for (unsigned k = part.from / 64; k <= (part.to - 1) / 64; ++k) {
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
