// What the files of the allocator share. Private to port/frames/.
//
// One bit per frame, 1 = free. 512 of them, the frames of one 2 MiB chunk, are one cache line.
// Chunks are numbered densely by `slot`: segments, maximal stretches of the map with no big hole,
// have their slots one after the other, so a hole of a terabyte costs nothing. A segment's first
// frame and its first bit are congruent modulo 512. `bit` numbers frames densely: slot * 512 + n.
//
// 64 slots are a group, with a mask for each of five facts:
//   some  the line may have free frames. Always set if it has any, except in words that a CPU
//         has claimed, or takes from now.
//   idle  the whole chunk is free, and no CPU holds it. `shut` is set as well.
//   shut  the line is not in use and must not be read for facts: the chunk is free or allocated whole.
//   edge  the chunk has frames that do not belong to the allocator. Their bits are 1, so that
//         freeing them fails as it does for free frames, and `valid_mask` keeps them from being
//         allocated. An edge chunk is never idle or shut, with one exception: shut and edge together
//         mean "not to be given back as a 2 MiB frame": part of a 1 GiB frame, or the kernel's.
//   kernel  the chunk has frames of the kernel, or is the kernel's as a whole.
// Two levels of summaries, 64 to 1 each, stand above `some` and `idle`.
//
// Groups from `ready` on have not been touched: all of their memory is free, and their data is
// whatever was in the memory before.
#ifndef RINGZERO_FRAMES_CORE_H
#define RINGZERO_FRAMES_CORE_H

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
#define NEAR (32u)

enum { SOME, IDLE, SHUT, EDGE, KERNEL, FACTS };

// Which frames of a chunk that others have frames of, too, are the kernel's: in a list that belongs
// to the chunk's group. It can change its chunk, when it has no frames.
struct mixed {
    struct mixed *next;
    uint64_t mask[LINE_WORDS];
    size_t slot;            // Or NONE.
    uint32_t turn;          // Odd while `slot` changes.
};

struct group {
    uint64_t is[FACTS];
    uint64_t plain;         // With one CPU: `some` and not `kernel`.
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
// chunks of a unit, sixteen of a group's `idle`. Every word and every unit has a claim, a bit.
struct hold {
    size_t index;           // Which word or unit, or NONE.
    uint64_t mask;          // What is held of it. With one CPU: which of its bits may be allocated.
    uint64_t addr;          // The address of bit 0, or NOWHERE.
    uint32_t turn;          // Odd while `index` and `mask` do not belong together.
};

enum { WORD, UNIT };

// What a CPU has for itself. With one CPU, `take` and `take_2m` are the words that frames come from.
struct cpu {
    struct hold hold[2];
    uint64_t *take;         // With several CPUs: the hold's mask.
    uint64_t *take_2m;
    size_t rotor;           // The slot where the search for the next chunk begins.
    size_t zone_low;        // The slots of the zone of the word: a free below is in a worse zone,
    size_t zone_end;        // and one from here on is in a better one.
    size_t zone_end_2m;     // The same for 2 MiB frames.
    size_t free_word;       // The word of the last free,
    uint8_t free_row;       // and how many there were in a row.
    uint8_t busy;           // The CPU is between enter() and leave().
    uint8_t closed;         // Another CPU, with the lock, wants what this one holds.
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

#define FRAMES_CPU_START(take_) { .hold = { { NONE, 0, NOWHERE, 0 }, { NONE, 0, NOWHERE, 0 } }, \
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
    uint64_t *sum1[2], *sum2[2];    // Over `some` and `idle`.
    size_t sum1_words, sum2_words;
    struct segment *segments;
    size_t segment_count;
    struct region *regions;
    size_t region_count, region_room;
    struct mixed *mixed;        // For groups that need one more.
    size_t mixed_room;
    size_t slots;
    size_t ready;               // Slots below are ready; a multiple of 64, or `slots`.
    size_t zone_slot[ZONES + 1];
    uint32_t ticket, serving;
    frames_reach_t reach;
    uint64_t reserved, metadata, metadata_addr, metadata_frames;
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

static inline bool word_swap(uint64_t *p, uint64_t old, uint64_t new) {
    if (self.shared) {
        return __atomic_compare_exchange_n(p, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
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
    return (GET(&group->is[SHUT]) | GET(&group->is[KERNEL])) >> slot % GROUP_SLOTS & 1;
}

// With several CPUs: every word is, which together with `shut` means that the chunk is being shut.
#define ALL_CLAIMS (UINT8_MAX)

// Whether the chunk is shut, once that is certain.
static inline bool is_shut(size_t slot) {
    while (is(SHUT, slot)) {
        if (!self.shared || __atomic_load_n(&self.claims[slot], __ATOMIC_ACQUIRE) != ALL_CLAIMS) {
            return is(SHUT, slot);
        }
        frames_cpu_wait();
    }
    return false;
}

static inline bool is_plain(size_t slot) {
    return self.groups[slot / GROUP_SLOTS].plain >> slot % GROUP_SLOTS & 1;
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

// frames_tree.c: facts and their summaries.
void frames_mark(unsigned fact, size_t slot);           // Set `some` or `idle`.
bool frames_unmark(unsigned fact, size_t slot);         // Clear it; whether it was set.
void frames_summarize(unsigned fact, size_t group);
size_t frames_find(unsigned fact, size_t low, size_t high);

// frames_map.c: the map.
const struct segment *frames_segment(uint64_t frame);   // Ready ones only; NULL if there is none.
uint64_t frames_frame(uint64_t bit);                    // The frame that has this bit.
uint64_t frames_addr(struct cpu *c, size_t word);       // The address of bit 0 of a word.
const struct segment *frames_segment_of_bit(uint64_t bit);
uint64_t frames_valid(size_t word);                     // Which bits of a word are frames.
void frames_carve(uint64_t start, uint64_t end);        // Take frames out of the regions.
bool frames_more(size_t groups);                        // Make so many more ready. Locked.
uint64_t frames_owned(uint64_t start, uint64_t end);    // How many frames in [start, end).

// The bit of the frame at `addr`; false if nothing is there.
static inline bool locate(uint64_t addr, uint64_t *bit) {
    uint64_t frame = frame_of(addr);
    const struct near *near = near_segment(frame);
    if (LIKELY(frame - near->first < GET(&near->count))) {
        *bit = frame + near->offset;
        return true;
    }
    const struct segment *s = frames_segment(frame);
    if (s == NULL) {
        return false;
    }
    *bit = frame - s->first + s->bit;
    return true;
}

// frames_cpus.c: the lock, and what each CPU holds.
frames_status_t frames_not_ready(void);     // FRAMES_OK once there is a map; may wait.
void frames_lock(void);
void frames_unlock(void);
void frames_enter_slowly(struct cpu *c);

// What a CPU holds is changed without an atomic: `busy` says that it is being changed. Who wants it
// sets `closed` and then makes every CPU pass a barrier. After that, either the CPU has seen
// `closed` or its `busy` can be seen, although nothing but the compiler keeps the two in order here.
static inline bool try_enter(struct cpu *c) {
    PUT(&c->busy, 1);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return LIKELY(!__atomic_load_n(&c->closed, __ATOMIC_ACQUIRE));
}

static inline void leave(struct cpu *c) {
    __atomic_store_n(&c->busy, 0, __ATOMIC_RELEASE);
}

static inline void enter(struct cpu *c) {
    if (!try_enter(c)) {
        frames_enter_slowly(c);
    }
}

// Give back what the hold may have: frames of its word or chunks of its unit, whose other free ones
// are in *bits. Entered.
static inline frames_status_t put_held(struct hold *hold, const uint64_t *bits, uint64_t mask) {
    if ((hold->mask | GET(bits)) & mask) {
        return FRAMES_BAD_FREE;
    }
    PUT(&hold->mask, hold->mask | mask);
    return FRAMES_OK;
}

// enter() and leave() where there may be one CPU only, which has nobody to tell.
static inline void frames_enter(struct cpu *c) {
    if (self.shared) {
        enter(c);
    }
}

static inline void frames_leave(struct cpu *c) {
    if (self.shared) {
        leave(c);
    }
}

uint64_t *frames_bits_of(unsigned kind, size_t index);  // Where a word's or unit's free bits are.
bool frames_claim(struct hold *hold, unsigned kind, size_t index);     // False: it is somebody's;
void frames_claimed(struct hold *hold, unsigned kind, uint64_t mask, uint64_t addr);    // else next.
uint64_t frames_claim_free(struct hold *hold, unsigned kind, size_t index, uint64_t valid,
    uint64_t addr);                         // Both: take what is free, and return that.
void frames_unclaim(struct hold *hold, unsigned kind);
bool frames_hand_back(struct cpu *c, unsigned kind);    // Give up a hold; whether it had anything.
bool frames_put_own(struct cpu *c, unsigned kind, size_t index, uint64_t mask,
    frames_status_t *status);               // False if this CPU has not claimed it.
bool frames_held(unsigned kind, size_t index, uint64_t mask);   // A CPU holds some of these.
void frames_drop(struct cpu *c);            // Give up the word that frames come from.
void frames_close(void);                    // Locked: stop every CPU and take back what it has,
void frames_expose(void);                   // Locked: show all free frames to a search.
void frames_open(void);                     // and let them go on.
void frames_prefer(size_t slot);            // Something became free in this chunk.
size_t frames_zone_end(size_t slot);        // The end of the zone of a slot.
void frames_enter_zone(struct cpu *c, size_t slot); // The word is in a better zone now.

// frames_refill.c: where the next word comes from.
bool frames_refill(struct cpu *c);          // Entered; give it a word to take from.
// Search the zones [low, high) from the best one on, with several CPUs first without `any`, where
// others take from. Entered, or with the lock: only then can more of the map be made ready, so
// without it a failure means "try again with the lock".
bool frames_search_zones(struct cpu *c, bool locked,
    bool (*search)(struct cpu *c, size_t low, size_t high, bool any));
size_t frames_start(const struct cpu *c, size_t low, size_t high);  // Where it begins to search.
void frames_split(size_t slot);             // Turn an idle chunk into a line of free frames.
void frames_quiet(size_t slot);             // Clear `some` if nothing is free.
void frames_settle(size_t slot);            // Make the chunk idle if all of it is free.
void frames_aim(size_t word, uint64_t valid, uint64_t addr);  // With one CPU: they come from here,
void frames_guard_word(size_t slot);        // which is in this chunk: frees must look closer,
void frames_leave_word(struct cpu *c);      // or from elsewhere next.

// frames.c: single frames.
frames_status_t frames_put(size_t word, uint64_t mask);     // Free frames of one word.
bool frames_take(size_t word, uint64_t mask);       // Allocate exactly these frames, or none.
void frames_retake(size_t word, uint64_t mask);     // Undo frames_put() of one frame. Entered.
frames_status_t frames_nowhere(void);               // Why there is nothing at an address.

// frames_text.c: text on its way to a frames_print_t.
struct out {
    frames_print_t print;
    void *context;
    char text[80];
    size_t length;
};

void frames_put_char(struct out *out, char c);
void frames_put_text(struct out *out, const char *text);
void frames_put_number(struct out *out, uint64_t value, unsigned base, unsigned width, char fill);
void frames_put_size(struct out *out, uint64_t size);   // In the largest unit that divides it.
void frames_flush(struct out *out);

// frames_run.c
uint64_t frames_search(uint64_t count, uint64_t align, uint64_t below);
// Locked, and closed: memory for the allocator's own data, or NULL. It is no longer in the map.
void *frames_take_metadata(uint64_t bytes);
frames_status_t frames_free_locked(uint64_t frame, uint64_t count);

// A part of a range of frames that lies in one chunk.
struct part {
    size_t slot;
    unsigned from, to;      // Frames in the chunk.
};

// The part at `frame`, which is ready, at most up to `end`. False if nothing is there.
bool frames_part(uint64_t frame, uint64_t end, struct part *part);
uint64_t frames_part_mask(const struct part *part, unsigned k);     // Of frames in its word k.

static inline bool is_whole(const struct part *part) {
    return part->from == 0 && part->to == 512;
}

static inline void set_fact(unsigned fact, size_t slot) {
    word_or(&self.groups[slot / GROUP_SLOTS].is[fact], UINT64_C(1) << slot % GROUP_SLOTS);
}

static inline void clear_fact(unsigned fact, size_t slot) {
    word_clear(&self.groups[slot / GROUP_SLOTS].is[fact], UINT64_C(1) << slot % GROUP_SLOTS);
}

// frames_kernel.c: which frames are the kernel's.
uint64_t frames_kernel_mask(size_t word);

#endif // RINGZERO_FRAMES_CORE_H
