// 2 MiB frames: their hot paths, and where the next ones come from.
#include "frames_lock.h"
#include "frames_map.h"
#include "frames_quiesce.h"
#include "frames_refill.h"
#include "frames_reservation.h"
#include "frames_run.h"
#include "frames_state.h"
#include "frames_tree.h"
#include "frames_word.h"
#include "frames_zone.h"

// Let the CPU take the free chunks of this slot's group: with several CPUs, claim those of its unit.
// Only chunks of the zone [low, high) and of one segment, so that one address serves all.
static bool use_chunks(struct cpu *c, size_t slot, size_t low, size_t high) {
    const struct segment *s = frames_segment_of_bit((uint64_t)slot * 512);
    size_t first = slot - slot % GROUP_SLOTS;
    size_t from = s->bit / 512 > low ? (size_t)(s->bit / 512) : low;
    size_t to = (size_t)((s->bit + s->total + 511) / 512);
    to = to < high ? to : high;
    uint64_t valid = self.shared ? UNIT_MASK << (slot % GROUP_SLOTS & ~(UNIT_SLOTS - 1)) : ALL;
    if (from > first) {
        valid &= ALL << (from - first);
    }
    if (to < first + GROUP_SLOTS) {
        valid &= ~(ALL << (to - first));
    }
    uint64_t addr = (s->first - s->bit + (uint64_t)first * 512) * FRAMES_SIZE;
    if (self.shared) {
        if (!frames_claim_free(&c->reservation[UNIT], UNIT, slot / UNIT_SLOTS, valid, addr)) {
            return false;
        }
        own(c, slot);
    } else {
        c->take_2m = &self.groups[slot / GROUP_SLOTS].is[FREE];
        c->reservation[UNIT].mask = valid;
        c->reservation[UNIT].addr = addr;
    }
    PUT(&c->zone_end_2m, high);
    return true;
}

// The zone is [low, high).
static bool search_part(struct cpu *c, size_t from, size_t to, size_t low, size_t high, bool any) {
    for (size_t slot; (slot = frames_find(FREE, from, to)) != NONE; from = slot + 1) {
        if (!any && is_foreign(c, slot)) {
            slot |= GROUP_SLOTS - 1;
        } else if (use_chunks(c, slot, low, high)) {
            return true;
        } else {
            slot |= UNIT_SLOTS - 1;
        }
    }
    return false;
}

static bool search_2m(struct cpu *c, size_t low, size_t high, bool any) {
    size_t cursor = frames_start(c, low, high);
    return search_part(c, cursor, high, low, high, any)
           || search_part(c, low, cursor, low, high, any);
}

// Entered, or with the lock: as for single frames.
static bool refill_2m(struct cpu *c, bool locked) {
    if (self.shared) {
        frames_release(c, UNIT);
    }
    return frames_search_zones(c, locked, search_2m);
}

// --- Alloc ----------------------------------------------------------------------------------

static inline uint64_t chunk_addr(const struct cpu *c, uint64_t w) {
    return GET(&c->reservation[UNIT].addr) + (uint64_t)lowest(w) * FRAMES_2M * FRAMES_SIZE;
}

// With one CPU there is nothing to lock or to enter.
static inline uint64_t take_2m(struct cpu *c) {
    uint64_t w = *c->take_2m & c->reservation[UNIT].mask;
    if (UNLIKELY(w == 0)) {
        return FRAMES_FAILED(FRAMES_NO_MEMORY);
    }
    *c->take_2m ^= w & -w;
    return chunk_addr(c, w);
}

static inline uint64_t take_2m_shared(struct cpu *c) {
    uint64_t w = GET(&c->reservation[UNIT].mask);
    // Without a zone, a better one has something.
    if (UNLIKELY(w == 0 || GET(&c->zone_end_2m) == NONE)) {
        return FRAMES_FAILED(FRAMES_NO_MEMORY);
    }
    PUT(&c->reservation[UNIT].mask, w & (w - 1));
    return chunk_addr(c, w);
}

// With several CPUs: all of the word is free, and some of it reserved.
static bool is_reserved_whole(size_t word) {
    for (unsigned i = 0; self.shared && i < self.cpus; ++i) {
        const struct reservation *r = &self.cpu[i].reservation[WORD];
        if (GET(&r->index) == word && (GET(&r->mask) | GET(&self.bits[word])) == ALL) {
            return true;
        }
    }
    return false;
}

// Whether free chunks are in a unit that a CPU has claimed, or a word that one has reserved is all
// that a chunk needs to be free as a whole.
static bool is_one_reserved(void) {
    for (unsigned i = 0; i < self.cpus; ++i) {
        const struct cpu *c = self.shared ? &self.cpu[i] : &self.one;
        size_t unit = GET(&c->reservation[UNIT].index);
        if (self.shared && unit != NONE
            && (GET(&c->reservation[UNIT].mask) | GET(frames_bits_of(UNIT, unit)))) {
            return true;
        }
        size_t word = GET(&c->reservation[WORD].index);
        unsigned k = word == NONE ? 0 : LINE_WORDS;
        for (; k > 0; --k) {
            size_t other = word / LINE_WORDS * LINE_WORDS + k - 1;
            if (GET(&self.bits[other]) != ALL && !is_reserved_whole(other)) {
                break;
            }
        }
        if (word != NONE && k == 0) {
            return true;
        }
    }
    return false;
}

static NOINLINE uint64_t alloc_2m_slowly(void) {
    frames_status_t status = frames_not_ready();
    if (status != FRAMES_OK) {
        return FRAMES_FAILED(status);
    }
    struct cpu *c = this_cpu();
    uint64_t addr = FRAMES_FAILED(FRAMES_NO_MEMORY);
    if (self.shared) {
        enter(c);
        if (refill_2m(c, false)) {
            addr = take_2m_shared(c);
        }
        leave(c);
        if (!frames_failed(addr)) {
            return addr;
        }
    }
    // Nobody else can take away what this CPU has reserved while it has the lock.
    frames_lock();
    bool found = refill_2m(c, true);
    if (!found && is_one_reserved()) {
        // A chunk that frames are taken from, or that was, may be free as a whole.
        frames_quiesce();
        found = refill_2m(c, true);
        frames_resume();
    }
    if (found) {
        addr = self.shared ? take_2m_shared(c) : take_2m(c);
    }
    // The chunk in which a zone ends at 1 MiB is none for the map.
    bool first = !found && frames_owned(0, FRAMES_2M) == FRAMES_2M;
    frames_unlock();
    if (first) {
        addr = frames_search(FRAMES_2M, FRAMES_2M, FRAMES_2M * FRAMES_SIZE);
    }
    return addr;
}

static NOINLINE uint64_t alloc_2m_shared(void) {
    struct cpu *c = &self.cpu[frames_cpu()];
    uint64_t addr = FRAMES_FAILED(FRAMES_NO_MEMORY);
    if (LIKELY(try_enter(c))) {
        addr = take_2m_shared(c);
    }
    leave(c);
    return UNLIKELY(frames_failed(addr)) ? alloc_2m_slowly() : addr;
}

uint64_t frames_alloc_2m(void) {
    FRAMES_ASSERT_CONTEXT();
    if (UNLIKELY(is_shared())) {
        return alloc_2m_shared();
    }
    uint64_t addr = take_2m(&self.one);
    return UNLIKELY(frames_failed(addr)) ? alloc_2m_slowly() : addr;
}

// --- Free -----------------------------------------------------------------------------------

static NOINLINE frames_status_t became_free(size_t slot) {
    // Only above: the chunk itself may be somebody's again.
    frames_summarize(FREE, slot / GROUP_SLOTS);
    frames_prefer(slot);
    return FRAMES_OK;
}

// A chunk of a unit that a CPU has claimed: into the mask, if that is this one, and if the chunk is
// of the same segment and zone.
static NOINLINE frames_status_t free_2m_claimed(uint64_t addr, size_t slot) {
    struct cpu *c = &self.cpu[frames_cpu()];
    size_t unit = slot / UNIT_SLOTS;
    uint64_t mask = UINT64_C(1) << slot % GROUP_SLOTS;
    frames_status_t status;
    if (chunk_addr(c, mask) == addr && frames_zone_end(slot) == GET(&c->zone_end_2m)
        && frames_put_own(c, UNIT, unit, mask, &status)) {
        return status;
    }
    if (frames_is_reserved(UNIT, unit, mask)
        || (__atomic_fetch_or(frames_bits_of(UNIT, unit), mask, __ATOMIC_SEQ_CST) & mask)) {
        return FRAMES_BAD_FREE;
    }
    return became_free(slot);
}

static NOINLINE frames_status_t free_2m_shared(uint64_t addr, size_t slot) {
    // The chunk is huge and not free, or was a moment ago.
    if (UNLIKELY(is_claimed(UNIT, slot / UNIT_SLOTS))) {
        return free_2m_claimed(addr, slot);
    }
    size_t group = slot / GROUP_SLOTS;
    uint64_t mask = UINT64_C(1) << slot % GROUP_SLOTS;
    if (UNLIKELY(__atomic_fetch_or(&self.groups[group].is[FREE], mask, __ATOMIC_SEQ_CST) & mask)) {
        return FRAMES_BAD_FREE;
    }
    const struct cpu *c = &self.cpu[frames_cpu()];
    if (UNLIKELY(!(GET(&self.sum1[FREE][group / 64]) >> group % 64 & 1)
        || slot >= GET(&c->zone_end) || slot >= GET(&c->zone_end_2m))) {
        return became_free(slot);
    }
    return FRAMES_OK;
}

// Free the chunk at `addr`, whose bit is known.
static ALWAYS_INLINE frames_status_t free_2m_at(uint64_t addr, uint64_t bit) {
    size_t slot = bit / 512;
    struct group *group = &self.groups[slot / GROUP_SLOTS];
    uint64_t mask = UINT64_C(1) << slot % GROUP_SLOTS;
    uint64_t free = GET(&group->is[FREE]);
    // Allocated whole: huge, neither free nor in a 1 GiB frame.
    if (UNLIKELY(bit % 512 || !(GET(&group->is[HUGE]) & ~free & ~GET(&group->is[EDGE]) & mask))) {
        return frames_free_run(addr, FRAMES_2M);
    }
    if (UNLIKELY(is_shared())) {
        return free_2m_shared(addr, slot);
    }
    group->is[FREE] = free | mask;
    if (UNLIKELY(free == 0 || slot >= self.one.zone_end || slot >= self.one.zone_end_2m)) {
        return became_free(slot);
    }
    return FRAMES_OK;
}

static NOINLINE frames_status_t free_2m_far(uint64_t addr) {
    uint64_t bit;
    return locate(addr, &bit) ? free_2m_at(addr, bit) : frames_nowhere();
}

// Every other function is called last, so that no register has to be saved here.
frames_status_t frames_free_2m(uint64_t addr) {
    FRAMES_ASSERT_CONTEXT();
    uint64_t frame = frame_of(addr);
    const struct near *near = near_segment(frame);
    if (UNLIKELY(frame - near->first >= GET(&near->count))) {
        return free_2m_far(addr);
    }
    return free_2m_at(addr, frame + near->offset);
}
