// The allocator's state, which all of its files share. Private to port/frames/.
//
// One bit per frame, 1 = free. 512 of them, the frames of one 2 MiB chunk, are one cache line.
// Chunks are numbered densely by `slot`: segments, maximal stretches of the map with no big hole,
// have their slots one after the other, so a hole of a terabyte costs nothing. A segment's first
// frame and its first bit are congruent modulo 512. `bit` numbers frames densely: slot * 512 + n.
//
// 64 slots are a group, with a mask for each of five facts:
//   partial  the line may have free frames. Always set if it has any, except in words that a CPU
//            has claimed, or takes from now.
//   free     the whole chunk is free, and no CPU has reserved it. `huge` is set as well.
//   huge     the line is not in use and must not be read for facts: the chunk is free or allocated
//            as a whole.
//   edge     the chunk has frames that do not belong to the allocator. Their bits are 1, so that
//            freeing them fails as it does for free frames, and frames_valid() keeps them from being
//            allocated. An edge chunk is never free or huge, with one exception: huge and edge mean
//            "not to be given back as a 2 MiB frame": part of a 1 GiB frame, or the kernel's.
//   kernel   the chunk has frames of the kernel, or is the kernel's as a whole.
// `plain` comes from the others: a free in the chunk need not be noticed, because it has no bound
// (frames_bound.h). With one CPU, it also needs no closer look: the chunk is partial, and not kernel.
// Two levels of summaries, 64 to 1 each, stand above `partial` and `free`.
//
// Groups from `ready` on have not been touched: all of their memory is free, and their data is
// whatever was in the memory before.
#ifndef RINGZERO_FRAMES_STATE_H
#define RINGZERO_FRAMES_STATE_H

#include "frames.h"
#include "frames_cpu.h"

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define NOINLINE __attribute__((noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline))

#define ALL UINT64_MAX
#define NONE SIZE_MAX
#define NOWHERE UINT64_MAX
#define LINE_WORDS (8u)
#define GROUP_SLOTS (64u)
#define UNIT_SLOTS (16u)
#define UNIT_MASK ((UINT64_C(1) << UNIT_SLOTS) - 1)
#define GROUP_UNITS (GROUP_SLOTS / UNIT_SLOTS)
#define ZONES (4u)
#define NEAR (16u)

enum { PARTIAL, FREE, HUGE, EDGE, KERNEL, FACTS };

// Which frames of a chunk that others have frames of, too, are the kernel's: in a list that belongs
// to the chunk's group. It can change its chunk, when it has no frames.
struct mixed {
    struct mixed *next;
    uint64_t mask[LINE_WORDS];
    size_t slot;            // Or NONE.
    uint32_t sequence;          // Odd while `slot` changes.
};

struct group {
    uint64_t is[FACTS];
    uint64_t plain;         // A free here need not be noticed.
    struct mixed *mixed;
    uint8_t claims;         // With several CPUs: which units are claimed,
    uint8_t owner;          // and who took something here last: a CPU's number, or 0.
};

_Static_assert(sizeof(struct group) == 64, "struct group");

struct segment {
    uint64_t first;     // Its first frame.
    uint64_t count;     // Frames from there on that are ready.
    uint64_t bit;       // The first frame's bit.
    uint64_t total;     // Frames in all.
};

// What a free needs of a segment.
struct near {
    uint64_t first, count;
    uint64_t offset;        // From a frame to its bit.
};

struct region {
    uint64_t start, end;    // In frames.
};

// Free frames that one CPU alone may take, without an atomic: those of a word of the bitmap, or
// chunks of a unit, sixteen of a group's `free`. Every word and every unit has a claim, a bit.
struct reservation {
    size_t index;           // Which word or unit, or NONE.
    uint64_t mask;          // What is reserved of it. With one CPU: which of its bits may be allocated.
    uint64_t addr;          // The address of bit 0, or NOWHERE.
    uint32_t sequence;      // Odd while `index` and `mask` do not belong together.
};

enum { WORD, UNIT };

#define HINT_CLASSES (56u)

// See frames_hint.h.
struct hints {
    uint64_t some;          // Which classes have one.
    size_t low;             // The first slot of the highest zone.
    uint32_t wide;          // From this class on, the shortest run that has a hint is the best.
    uint64_t two[HINT_CLASSES];     // The bits of two first frames, from that slot on, and 1; or 0.
};

// With several CPUs, who may change what a CPU has for itself:
//
//   busy  quiesced  the CPU                                another CPU, which has the lock
//   0     0         is elsewhere                           may set `quiesced`
//   1     0         changes its reservations, no atomic    has set `quiesced`: waits for `busy` to be 0
//   1     1         has come too late: it clears `busy`    waits
//   0     1         waits for `quiesced` to be 0           changes the reservations, then clears it
//
// and what a reservation, its claim (a bit for the word or unit) and its sequence number say of a
// frame in it:
//
//   claim  sequence  the frame is
//   0      even      what the bitmap says
//   1      odd       on its way from the bitmap into `mask`, or back: look again
//   1      even      free if the bitmap or `mask` says so
//
// All claims of a chunk together with `huge`: it is being made whole, wait until one of them ends.

// What a CPU has for itself. With one CPU, `take` and `take_2m` are the words that frames come from.
struct cpu {
    struct reservation reservation[2];
    uint64_t *take;         // With several CPUs: the reservation's mask.
    uint64_t *take_2m;
    size_t cursor;          // The slot where the search for the next chunk begins.
    size_t zone_low;        // The slots of the zone of the word: a free below is in a worse zone,
    size_t zone_end;        // and one from here on is in a better one.
    size_t zone_end_2m;     // The same for 2 MiB frames.
    size_t free_word;       // The word of the last free,
    uint8_t free_row;       // and how many there were in a row.
    uint8_t busy;           // The CPU is between enter() and leave().
    uint8_t quiesced;       // Another CPU, with the lock, wants what this one has.
    uint16_t segment;       // Where the last word was found.
    uint16_t yield;         // The frames that its last words had, on average; in 256ths.
};

// The prefetcher fetches lines in pairs.
_Static_assert(sizeof(struct cpu) == 128, "struct cpu");

// With one CPU: the word that frames come from, for a free that finds it by its address alone. With
// no such word, `word` is one in which every frame is free already, whatever the address.
struct give {
    uint64_t addr;          // Of bit 0.
    uint64_t *word;
};

#define FRAMES_CPU_START(take_) { .reservation = { { NONE, 0, NOWHERE, 0 }, { NONE, 0, NOWHERE, 0 } }, \
                                  .take = (take_), .take_2m = &frames_nothing, .zone_low = NONE, \
                                  .zone_end = NONE, .zone_end_2m = NONE }

struct state {
    uint64_t *bits;
    struct group *groups;
    struct cpu one;             // The only CPU's.
    struct give give;
    uint32_t shared;            // More than one CPU.
    uint32_t near_shift;
    struct near near[NEAR];     // By (frame >> near_shift) % NEAR: a segment that may hold it.
    uint32_t ready_to_use;
    uint32_t cpus;
    struct cpu *cpu;            // With several CPUs.
    uint8_t *claims;            // With several CPUs: per slot, which words are claimed.
    uint64_t *sum1[2], *sum2[2];    // Over `partial` and `free`.
    size_t sum1_words, sum2_words;
    uint8_t *bounds;            // Per slot; see frames_bound.h.
    uint8_t *group_bounds;      // Per group.
    struct segment *segments;
    size_t segment_count;
    struct region *regions;
    size_t region_count, region_room;
    uint32_t last_region, last_segment;     // Where one was found last.
    struct mixed *mixed;        // For groups that need one more.
    size_t mixed_room;
    size_t slots;
    size_t ready;               // Slots below are ready; a multiple of 64, or `slots`.
    size_t zone_slot[ZONES + 1];
    uint32_t locked;
    frames_reach_t reach;
    uint64_t reserved, metadata, metadata_addr, metadata_frames;
    struct hints hints;
};

#define self frames_state
extern struct state frames_state;
extern uint64_t frames_nothing;     // A word with no frames,
extern uint64_t frames_all_free;    // and one with nothing but free ones. Neither is ever written to.

#define FRAMES_STATE_START { .one = FRAMES_CPU_START(&frames_nothing), \
                             .give = { NOWHERE, &frames_all_free } }

// Memory that other CPUs may change: never torn, in no order of its own.
#define GET(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define PUT(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)

// Other CPUs may ask before the map is there.
static inline bool is_shared(void) {
    return __atomic_load_n(&self.shared, __ATOMIC_ACQUIRE);
}

static inline unsigned lowest(uint64_t word) {
    return (unsigned)__builtin_ctzll(word);
}

// Read, change and write a word; with one CPU not atomically. They return the old value.
static inline uint64_t word_or(uint64_t *p, uint64_t mask) {
    if (self.shared) {
        return __atomic_fetch_or(p, mask, __ATOMIC_SEQ_CST);
    }
    uint64_t old = *p;
    *p = old | mask;
    return old;
}

static inline uint64_t word_clear(uint64_t *p, uint64_t mask) {
    if (self.shared) {
        return __atomic_fetch_and(p, ~mask, __ATOMIC_SEQ_CST);
    }
    uint64_t old = *p;
    *p = old & ~mask;
    return old;
}

static inline bool shared_word_swap(uint64_t *p, uint64_t old, uint64_t new) {
    return __atomic_compare_exchange_n(p, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static inline bool word_swap(uint64_t *p, uint64_t old, uint64_t new) {
    if (self.shared) {
        return shared_word_swap(p, old, new);
    }
    if (*p != old) {
        return false;
    }
    *p = new;
    return true;
}

static inline bool is(unsigned fact, size_t slot) {
    return GET(&self.groups[slot / GROUP_SLOTS].is[fact]) >> slot % GROUP_SLOTS & 1;
}

// A free must look closer: the line is not in use, or has frames of the kernel.
static inline bool is_guarded(size_t slot) {
    const struct group *group = &self.groups[slot / GROUP_SLOTS];
    return (GET(&group->is[HUGE]) | GET(&group->is[KERNEL])) >> slot % GROUP_SLOTS & 1;
}

// With several CPUs: every word is, which together with `huge` means that the chunk is being made huge.
#define ALL_CLAIMS (UINT8_MAX)

// Whether the chunk is huge, once that is certain.
static inline bool is_huge(size_t slot) {
    while (is(HUGE, slot)) {
        if (!self.shared || __atomic_load_n(&self.claims[slot], __ATOMIC_ACQUIRE) != ALL_CLAIMS) {
            return is(HUGE, slot);
        }
        frames_cpu_wait();
    }
    return false;
}

static inline bool is_plain(size_t slot) {
    return GET(&self.groups[slot / GROUP_SLOTS].plain) >> slot % GROUP_SLOTS & 1;
}

static inline bool is_partial_and_plain(size_t slot) {
    const struct group *group = &self.groups[slot / GROUP_SLOTS];
    return (GET(&group->is[PARTIAL]) & GET(&group->plain)) >> slot % GROUP_SLOTS & 1;
}

static inline uint64_t *line_of(size_t slot) {
    return self.bits + slot * LINE_WORDS;
}

static inline struct cpu *this_cpu(void) {
    return self.shared ? &self.cpu[frames_cpu()] : &self.one;
}

static inline uint64_t round_up(uint64_t value, uint64_t power) {
    return (value + power - 1) & ~(power - 1);
}

static inline uint8_t *claims_of(unsigned kind, size_t index) {
    return kind == WORD ? &self.claims[index / LINE_WORDS] : &self.groups[index / GROUP_UNITS].claims;
}

static inline bool is_claimed(unsigned kind, size_t index) {
    return __atomic_load_n(claims_of(kind, index), __ATOMIC_ACQUIRE) >> index % 8 & 1;
}

// A 2 MiB frame has become free in this slot: if the zone is a better one, look there next.
static inline void prefer_2m(struct cpu *c, size_t slot) {
    if (slot >= c->zone_end_2m) {
        c->take_2m = &frames_nothing;
        c->zone_end_2m = NONE;
    }
}

static inline unsigned ones(uint64_t w) {
    w -= w >> 1 & UINT64_C(0x5555555555555555);
    w = (w & UINT64_C(0x3333333333333333)) + (w >> 2 & UINT64_C(0x3333333333333333));
    w = (w + (w >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned)(w * UINT64_C(0x0101010101010101) >> 56);
}

// A misaligned address becomes a frame beyond every segment.
static inline uint64_t frame_of(uint64_t addr) {
    return addr >> 12 | addr << 52;
}

// A line that two CPUs write is slow for both, so each CPU takes from groups of its own, as long as
// it has some.
static inline unsigned owner_number(const struct cpu *c) {
    return (unsigned)(c - self.cpu) % UINT8_MAX + 1;
}

static inline bool is_foreign(const struct cpu *c, size_t slot) {
    unsigned owner = GET(&self.groups[slot / GROUP_SLOTS].owner);
    return owner != 0 && owner != owner_number(c);
}

static inline void own(const struct cpu *c, size_t slot) {
    uint8_t *owner = &self.groups[slot / GROUP_SLOTS].owner;
    if (GET(owner) != owner_number(c)) {
        PUT(owner, (uint8_t)owner_number(c));
    }
}

// The segment that most likely has the frame.
static inline const struct near *near_segment(uint64_t frame) {
    return &self.near[frame >> self.near_shift & (NEAR - 1)];
}

#endif // RINGZERO_FRAMES_STATE_H
