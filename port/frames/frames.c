// Single frames and 2 MiB frames: the hot paths, and what they fall back on.
#include "frames_core.h"

uint64_t frames_nothing;
struct state frames_state = {
    .one = FRAMES_CPU_START(&frames_nothing),
};

// --- The lock and the CPUs ------------------------------------------------------------------

frames_status_t frames_not_ready(void) {
    while (!__atomic_load_n(&self.ready_to_use, __ATOMIC_ACQUIRE)) {
        if (frames_cpu() == 0) {
            return FRAMES_NO_MAP;
        }
        frames_cpu_wait();
    }
    return FRAMES_OK;
}

void frames_lock(void) {
    if (self.shared) {
        uint32_t ticket = __atomic_fetch_add(&self.ticket, 1, __ATOMIC_RELAXED);
        while (__atomic_load_n(&self.serving, __ATOMIC_ACQUIRE) != ticket) {
            frames_cpu_wait();
        }
    }
}

void frames_unlock(void) {
    if (self.shared) {
        __atomic_store_n(&self.serving, self.serving + 1, __ATOMIC_RELEASE);
    }
}

// A CPU's own mask has no atomic: `busy` says that it is being changed. Who wants it sets `closed`
// and then makes every CPU pass a barrier. After that, either the CPU has seen `closed` or its
// `busy` can be seen, although nothing but the compiler keeps the two in order here.
static inline bool try_enter(struct cpu *c) {
    PUT(&c->busy, 1);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return LIKELY(!__atomic_load_n(&c->closed, __ATOMIC_ACQUIRE));
}

static inline void leave(struct cpu *c) {
    __atomic_store_n(&c->busy, 0, __ATOMIC_RELEASE);
}

static NOINLINE void enter_slowly(struct cpu *c) {
    do {
        leave(c);
        while (GET(&c->closed)) {
            frames_cpu_wait();
        }
    } while (!try_enter(c));
}

static inline void enter(struct cpu *c) {
    if (!try_enter(c)) {
        enter_slowly(c);
    }
}

void frames_enter(struct cpu *c) {
    if (self.shared) {
        enter(c);
    }
}

void frames_leave(struct cpu *c) {
    if (self.shared) {
        leave(c);
    }
}

// --- Lines ----------------------------------------------------------------------------------

static inline bool line_is_full(const uint64_t *line) {
    for (unsigned k = 0; k < LINE_WORDS; ++k) {
        if (GET(&line[k]) != ALL) {
            return false;
        }
    }
    return true;
}

// Whether the chunk has free frames that nobody has claimed.
static bool line_has(size_t slot) {
    uint64_t *line = line_of(slot);
    uint64_t any = 0;
    if (UNLIKELY(is(EDGE, slot))) {
        for (unsigned k = 0; k < LINE_WORDS; ++k) {
            any |= GET(&line[k]) & frames_valid(slot * LINE_WORDS + k);
        }
        return any != 0;
    }
    for (unsigned k = 0; k < LINE_WORDS; ++k) {
        any |= GET(&line[k]);
    }
    return any != 0;
}

// Clear `some`, if it is set, when nothing is free. Another CPU's free either sees it cleared and sets it again,
// or is seen here.
static void quiet(size_t slot) {
    if (is(SOME, slot) && !line_has(slot)) {
        frames_unmark(SOME, slot);
        if (self.shared && line_has(slot)) {
            frames_mark(SOME, slot);
        }
    }
}

// A 2 MiB frame has become free in this slot.
static inline void prefer_2m(struct cpu *c, size_t slot) {
    if (slot >= c->zone_end_2m) {
        c->take_2m = &frames_nothing;
        c->zone_end_2m = NONE;
    }
}

bool frames_settle(size_t slot) {
    uint64_t *line = line_of(slot);
    if (is(EDGE, slot) || is(SHUT, slot) || !line_is_full(line)) {
        return false;
    }
    if (self.shared) {
        // Take all of the line, so that it is ours alone; on failure put it back.
        for (unsigned k = 0; k < LINE_WORDS; ++k) {
            if (!word_swap(&line[k], ALL, 0)) {
                while (k-- > 0) {
                    word_or(&line[k], ALL);
                }
                frames_mark(SOME, slot);
                return false;
            }
        }
        // A CPU that still has a claim here would take its own frees for good ones.
        if (__atomic_load_n(&self.claims[slot], __ATOMIC_SEQ_CST)) {
            for (unsigned k = 0; k < LINE_WORDS; ++k) {
                word_or(&line[k], ALL);
            }
            frames_mark(SOME, slot);
            return false;
        }
    }
    frames_unmark(SOME, slot);
    word_or(&self.groups[slot / GROUP_SLOTS].is[SHUT], UINT64_C(1) << slot % GROUP_SLOTS);
    frames_mark(IDLE, slot);
    prefer_2m(this_cpu(), slot);
    return true;
}

// The chunk was idle, and the caller has unmarked that.
void frames_split(size_t slot) {
    uint64_t *line = line_of(slot);
    for (unsigned k = 0; k < LINE_WORDS; ++k) {
        PUT(&line[k], ALL);
    }
    word_clear(&self.groups[slot / GROUP_SLOTS].is[SHUT], UINT64_C(1) << slot % GROUP_SLOTS);
    frames_mark(SOME, slot);
}

// --- The word that a CPU takes from ---------------------------------------------------------

// With one CPU: let `take` point at this word if it has frames.
static bool aim(struct cpu *c, size_t word) {
    uint64_t *p = &self.bits[word];
    uint64_t valid = is(EDGE, word / LINE_WORDS) ? frames_valid(word) : ALL;
    if ((*p & valid) == 0) {
        return false;
    }
    c->take = p;
    c->valid = valid;
    c->word = word;
    PUT(&c->addr, frames_addr(c, word));
    return true;
}

static void aim_nowhere(struct cpu *c) {
    c->take = &frames_nothing;
    c->valid = ALL;
    c->word = NONE;
    PUT(&c->addr, NOWHERE);
}

static inline uint8_t *claim_of(size_t word) {
    return &self.claims[word / LINE_WORDS];
}

static void unclaim(struct cpu *c) {
    __atomic_fetch_and(claim_of(c->word), (uint8_t) ~(1u << c->word % LINE_WORDS), __ATOMIC_SEQ_CST);
    PUT(&c->word, NONE);
    PUT(&c->addr, NOWHERE);
}

// With several: move the frames of this word into `mask`. A word with a single frame needs no
// claim, because the caller takes that one at once.
static bool claim(struct cpu *c, size_t word) {
    uint64_t *p = &self.bits[word];
    uint64_t w = GET(p);
    if (w == 0) {
        return false;
    }
    bool edge = is(EDGE, word / LINE_WORDS);
    if ((w & (w - 1)) == 0 && !edge) {
        if (!word_swap(p, w, 0)) {
            return false;
        }
        PUT(&c->mask, w);
        PUT(&c->addr, frames_addr(c, word));
        return true;
    }
    uint8_t bit = (uint8_t)(1u << word % LINE_WORDS);
    if (__atomic_fetch_or(claim_of(word), bit, __ATOMIC_SEQ_CST) & bit) {
        return false;
    }
    __atomic_store_n(&c->turn, c->turn + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&c->word, word, __ATOMIC_RELEASE);
    uint64_t valid = edge ? frames_valid(word) : ALL;
    w = __atomic_fetch_and(p, ~valid, __ATOMIC_SEQ_CST) & valid;
    __atomic_store_n(&c->mask, w, __ATOMIC_RELEASE);
    __atomic_store_n(&c->turn, c->turn + 1, __ATOMIC_RELEASE);
    if (w == 0) {
        unclaim(c);
        return false;
    }
    PUT(&c->addr, frames_addr(c, word));
    return true;
}

static inline bool get_word(struct cpu *c, size_t word) {
    return self.shared ? claim(c, word) : aim(c, word);
}

// The first word with frames from the k-th of a line on.
static inline bool get_word_of(struct cpu *c, size_t slot, size_t k) {
    const uint64_t *line = line_of(slot);
    for (; k < LINE_WORDS; ++k) {
        if (GET(&line[k]) && get_word(c, slot * LINE_WORDS + k)) {
            return true;
        }
    }
    return false;
}

// With one CPU: the current chunk need not be marked for the frames of the current word. It must
// be when other frames come from there next, or when somebody looks for it.
static void leave_word(struct cpu *c) {
    size_t word = c->word;
    if (word != NONE && (*c->take & c->valid)) {
        frames_mark(SOME, word / LINE_WORDS);
        aim_nowhere(c);
        frames_settle(word / LINE_WORDS);
    }
}

// With several CPUs: give up the claim, and what is left of it.
static void hand_back(struct cpu *c) {
    size_t word = c->word;
    uint64_t mask = c->mask;
    if (word == NONE) {
        return;
    }
    PUT(&c->mask, 0);
    if (mask) {
        mask |= word_or(&self.bits[word], mask);
        frames_mark(SOME, word / LINE_WORDS);
    }
    unclaim(c);
    if (mask == ALL) {
        frames_settle(word / LINE_WORDS);
    }
}

// Give up the word that the CPU takes from.
static void drop(struct cpu *c) {
    size_t word = c->word;
    PUT(&c->zone_low, NONE);
    PUT(&c->zone_end, NONE);
    if (word == NONE) {
        return;
    }
    if (self.shared) {
        hand_back(c);
    } else {
        leave_word(c);
        aim_nowhere(c);
    }
    frames_settle(word / LINE_WORDS);
}

static bool search_chunks(struct cpu *c, size_t low, size_t high) {
    for (size_t slot; (slot = frames_find(SOME, low, high)) != NONE; low = slot + 1) {
        if (get_word_of(c, slot, 0)) {
            c->rotor = slot;
            return true;
        }
        quiet(slot);
    }
    return false;
}

// Turn one idle chunk into a line. With several CPUs another one can be faster.
static bool search_idle(struct cpu *c, size_t low, size_t high) {
    size_t slot;
    while ((slot = frames_find(IDLE, low, high)) != NONE) {
        if (slot < c->rotor && c->rotor < high) {
            size_t next = frames_find(IDLE, c->rotor, high);
            slot = next != NONE ? next : slot;
        }
        if (frames_unmark(IDLE, slot)) {
            frames_split(slot);
            c->rotor = slot;
            return true;
        }
    }
    return false;
}

// Find the next word, in the best zone that has one. Entered, or with the lock: only then can more
// of the map be made ready, so without it a failure means "try again with the lock".
static bool refill(struct cpu *c, bool locked) {
    if (c->word != NONE) {
        size_t word = c->word, slot = word / LINE_WORDS;
        if (self.shared) {
            unclaim(c);
        } else {
            aim_nowhere(c);
            ++word;
        }
        if (is(SOME, slot)) {
            if (get_word_of(c, slot, word - slot * LINE_WORDS)) {
                return true;
            }
            quiet(slot);
        }
        c->rotor = slot + 1;
    }
    for (unsigned zone = ZONES; zone-- > 0;) {
        size_t low = self.zone_slot[zone], high = self.zone_slot[zone + 1];
        if (low == high) {
            continue;
        }
        PUT(&c->zone_low, low);
        PUT(&c->zone_end, high);
        do {
            do {
                size_t rotor = c->rotor > low && c->rotor < high ? c->rotor : low;
                size_t first = rotor > low ? frames_find(SOME, low, high) : low;
                if (first != NONE && (search_chunks(c, first > rotor ? first : rotor, high)
                                      || (first < rotor && search_chunks(c, first, rotor)))) {
                    return true;
                }
            } while (search_idle(c, low, high));
            if (GET(&self.ready) < high && !locked) {
                return false;
            }
        } while (GET(&self.ready) < high && frames_more(1));
    }
    return false;
}

bool frames_refill(struct cpu *c) {
    if (!self.shared) {
        return refill(c, true);
    }
    if (refill(c, false)) {
        return true;
    }
    leave(c);
    frames_lock();
    bool found = refill(c, true);
    if (!found) {
        // All that is left is what other CPUs hold back.
        frames_close();
        for (size_t group = 0; group * GROUP_SLOTS < self.ready; ++group) {
            frames_summarize(SOME, group);
            frames_summarize(IDLE, group);
        }
        found = refill(c, true);
        frames_open();
    }
    // Nobody can close this CPU before the lock is free, and then it is seen to be busy.
    PUT(&c->busy, 1);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    frames_unlock();
    return found;
}

// With one CPU: mark what only the current word knows of.
void frames_expose(void) {
    struct cpu *c = &self.one;
    if (c->word != NONE && (*c->take & c->valid)) {
        frames_mark(SOME, c->word / LINE_WORDS);
    }
}

void frames_close(void) {
    if (!self.shared) {
        drop(&self.one);
        return;
    }
    for (unsigned i = 0; i < self.cpus; ++i) {
        __atomic_store_n(&self.cpu[i].closed, 1, __ATOMIC_SEQ_CST);
    }
    frames_cpus_sync();
    for (unsigned i = 0; i < self.cpus; ++i) {
        while (__atomic_load_n(&self.cpu[i].busy, __ATOMIC_ACQUIRE)) {
            frames_cpu_wait();
        }
        drop(&self.cpu[i]);
    }
}

void frames_open(void) {
    for (unsigned i = 0; self.shared && i < self.cpus; ++i) {
        __atomic_store_n(&self.cpu[i].closed, 0, __ATOMIC_RELEASE);
    }
}

// --- Alloc ----------------------------------------------------------------------------------

static NOINLINE uint64_t alloc_slowly(void) {
    frames_status_t status = frames_not_ready();
    if (status != FRAMES_OK) {
        return FRAMES_FAILED(status);
    }
    if (self.shared) {
        return frames_alloc();
    }
    struct cpu *c = &self.one;
    if ((*c->take & c->valid) == 0 && !refill(c, true)) {
        return FRAMES_FAILED(FRAMES_NO_MEMORY);
    }
    uint64_t w = *c->take & c->valid;
    *c->take ^= w & -w;
    return c->addr + (uint64_t)lowest(w) * FRAMES_SIZE;
}

static NOINLINE uint64_t alloc_shared_slowly(struct cpu *c) {
    enter(c);
    if (GET(&c->mask) == 0 && !frames_refill(c)) {
        leave(c);
        return FRAMES_FAILED(FRAMES_NO_MEMORY);
    }
    uint64_t w = GET(&c->mask);
    PUT(&c->mask, w & (w - 1));
    uint64_t addr = c->addr + (uint64_t)lowest(w) * FRAMES_SIZE;
    leave(c);
    return addr;
}

static NOINLINE uint64_t alloc_shared(void) {
    struct cpu *c = &self.cpu[frames_cpu()];
    uint64_t w;
    if (UNLIKELY(!try_enter(c) || (w = GET(&c->mask)) == 0)) {
        leave(c);
        return alloc_shared_slowly(c);
    }
    PUT(&c->mask, w & (w - 1));
    uint64_t addr = c->addr + (uint64_t)lowest(w) * FRAMES_SIZE;
    leave(c);
    return addr;
}

uint64_t frames_alloc(void) {
    if (UNLIKELY(is_shared())) {
        return alloc_shared();
    }
    uint64_t *take = self.one.take;
    uint64_t w = *take;
    if (UNLIKELY(w == 0 || self.one.valid != ALL)) {
        return alloc_slowly();
    }
    *take = w & (w - 1);
    return self.one.addr + (uint64_t)lowest(w) * FRAMES_SIZE;
}

// --- Free -----------------------------------------------------------------------------------

// Frames in a better zone than the current one: come back there at once.
void frames_prefer(size_t slot) {
    struct cpu *c = this_cpu();
    if (slot >= GET(&c->zone_end)) {
        frames_enter(c);
        drop(c);
        frames_leave(c);
    }
    prefer_2m(c, slot);
}

// The end of the zone of a slot.
static size_t zone_end_of(size_t slot) {
    unsigned zone = 1;
    while (self.zone_slot[zone] <= slot) {
        ++zone;
    }
    return self.zone_slot[zone];
}

// The zone that the current word has moved to, which is not a worse one.
static inline void enter_zone(struct cpu *c, size_t slot) {
    while (UNLIKELY(slot >= GET(&c->zone_end))) {
        PUT(&c->zone_low, c->zone_end);
        PUT(&c->zone_end, zone_end_of(c->zone_low));
        prefer_2m(c, slot);
    }
}

// With one CPU: the chunk has no free frames yet, or its line is not in use.
// `addr` is the address of the word's bit 0.
static NOINLINE frames_status_t put_first(size_t word, uint64_t mask, uint64_t addr) {
    size_t slot = word / LINE_WORDS;
    uint64_t w = self.bits[word];
    // The line is not read while the chunk is shut: it may hold garbage.
    if (is(SHUT, slot) || (w & mask)) {
        return FRAMES_BAD_FREE;
    }
    self.bits[word] = w | mask;
    struct cpu *c = &self.one;
    if (slot >= c->zone_low && (*c->take == 0 || slot >= c->zone_end) && (w | mask) != ALL) {
        // With nothing at hand, or in a better zone, take from here next: no search, and the
        // frame is still warm.
        leave_word(c);
        c->take = &self.bits[word];
        c->valid = UNLIKELY(is(EDGE, slot)) ? frames_valid(word) : ALL;
        c->word = word;
        c->addr = addr;
        enter_zone(c, slot);
        return FRAMES_OK;
    }
    frames_mark(SOME, slot);
    frames_prefer(slot);
    if ((w | mask) == ALL) {
        frames_settle(slot);
    }
    return FRAMES_OK;
}

// Returns FRAMES_OK, so that a free can end with it.
static NOINLINE frames_status_t word_is_full(size_t word) {
    // The chunk that frames are taken from stays a line: it would be split again at once.
    if (word / LINE_WORDS != self.one.word / LINE_WORDS) {
        frames_settle(word / LINE_WORDS);
    }
    return FRAMES_OK;
}

// Whether a CPU has claimed these frames and not lent them.
bool frames_held(size_t word, uint64_t mask) {
    for (unsigned i = 0; self.shared && i < self.cpus; ++i) {
        const struct cpu *c = &self.cpu[i];
        while (__atomic_load_n(&c->word, __ATOMIC_ACQUIRE) == word) {
            // Only a word and a mask of the same claim say something.
            uint32_t turn = __atomic_load_n(&c->turn, __ATOMIC_ACQUIRE);
            size_t word_now = __atomic_load_n(&c->word, __ATOMIC_ACQUIRE);
            uint64_t mask_now = __atomic_load_n(&c->mask, __ATOMIC_ACQUIRE);
            if (word_now == word && GET(&c->turn) == turn && turn % 2 == 0) {
                if (mask_now & mask) {
                    return true;
                }
                break;
            }
        }
    }
    return false;
}

// A frame of the word that this CPU has claimed goes back into its mask.
static inline bool put_own(struct cpu *c, size_t word, uint64_t mask, frames_status_t *status) {
    enter(c);
    bool own = c->word == word && word != NONE;
    if (LIKELY(own)) {
        bool bad = ((c->mask | GET(&self.bits[word])) & mask) != 0;
        if (LIKELY(!bad)) {
            PUT(&c->mask, c->mask | mask);
        }
        *status = bad ? FRAMES_BAD_FREE : FRAMES_OK;
    }
    leave(c);
    return own;
}

// Claim the word of a frame that comes back and keep the frame: the next one needs no search and is
// still warm, and more frees of this word need no atomic. Give back what was kept before.
static bool keep(struct cpu *c, size_t word, uint64_t mask, uint64_t addr) {
    size_t slot = word / LINE_WORDS;
    bool kept = false;
    enter(c);
    // A bad free must not even move the claim.
    if (slot >= c->zone_low && !is(SHUT, slot) && !(GET(&self.bits[word]) & mask)) {
        hand_back(c);
        uint8_t bit = (uint8_t)(1u << word % LINE_WORDS);
        if (!(__atomic_fetch_or(claim_of(word), bit, __ATOMIC_SEQ_CST) & bit)) {
            // Nobody else has frames of this word now, and the chunk is not shut from here on.
            __atomic_store_n(&c->turn, c->turn + 1, __ATOMIC_RELEASE);
            __atomic_store_n(&c->word, word, __ATOMIC_RELEASE);
            kept = !is(SHUT, slot) && !(GET(&self.bits[word]) & mask);
            __atomic_store_n(&c->mask, kept ? mask : 0, __ATOMIC_RELEASE);
            __atomic_store_n(&c->turn, c->turn + 1, __ATOMIC_RELEASE);
            if (kept) {
                PUT(&c->addr, addr);
                enter_zone(c, slot);
            } else {
                unclaim(c);
            }
        }
    }
    leave(c);
    return kept;
}

static frames_status_t put_shared(size_t word, uint64_t mask) {
    size_t slot = word / LINE_WORDS;
    uint64_t *p = &self.bits[word];
    struct cpu *c = &self.cpu[frames_cpu()];
    frames_status_t status;
    if (GET(&c->word) == word && put_own(c, word, mask, &status)) {
        return status;
    }
    uint64_t w;
    do {
        // The word before the rest: who claims these frames or shuts the chunk changes it.
        w = __atomic_load_n(p, __ATOMIC_ACQUIRE);
        if (is(SHUT, slot) || (w & mask)) {
            return FRAMES_BAD_FREE;
        }
        if (UNLIKELY(__atomic_load_n(claim_of(word), __ATOMIC_ACQUIRE) >> word % LINE_WORDS & 1)
            && frames_held(word, mask)) {
            return FRAMES_BAD_FREE;
        }
    } while (UNLIKELY(!__atomic_compare_exchange_n(p, &w, w | mask, false, __ATOMIC_SEQ_CST,
        __ATOMIC_RELAXED)));
    if (UNLIKELY(!is(SOME, slot))) {
        frames_mark(SOME, slot);
        frames_prefer(slot);
    }
    if (UNLIKELY((w | mask) == ALL)) {
        frames_settle(slot);
    }
    return FRAMES_OK;
}

static NOINLINE frames_status_t nowhere(void);
static inline const struct segment *locate(uint64_t addr, uint64_t *bit);
static inline uint64_t frames_behind(uint64_t base, uint64_t addr);

static NOINLINE frames_status_t free_shared(uint64_t addr) {
    struct cpu *c = &self.cpu[frames_cpu()];
    uint64_t n = frames_behind(GET(&c->addr), addr);
    frames_status_t status;
    if (n < 64 && put_own(c, GET(&c->word), UINT64_C(1) << n, &status)) {
        return status;
    }
    uint64_t bit;
    if (UNLIKELY(locate(addr, &bit) == NULL)) {
        return nowhere();
    }
    size_t word = bit / 64;
    uint64_t mask = UINT64_C(1) << bit % 64;
    c->free_row = c->free_word == word ? c->free_row + 1 : 0;
    c->free_word = word;
    // With nothing at hand, with something better, or when a whole word seems to come back.
    if (UNLIKELY(c->free_row == 3 || (!is(SOME, word / LINE_WORDS)
                                      && (GET(&c->mask) == 0
                                          || word / LINE_WORDS >= GET(&c->zone_end))))
        && keep(c, word, mask, addr - bit % 64 * FRAMES_SIZE)) {
        return FRAMES_OK;
    }
    return put_shared(word, mask);
}

frames_status_t frames_put(size_t word, uint64_t mask) {
    if (self.shared) {
        return put_shared(word, mask);
    }
    if (!is(SOME, word / LINE_WORDS)) {
        return put_first(word, mask, frames_frame((uint64_t)word * 64) * FRAMES_SIZE);
    }
    uint64_t w = self.bits[word];
    if (w & mask) {
        return FRAMES_BAD_FREE;
    }
    self.bits[word] = w | mask;
    if ((w | mask) == ALL) {
        word_is_full(word);
    }
    return FRAMES_OK;
}

bool frames_take(size_t word, uint64_t mask) {
    size_t slot = word / LINE_WORDS;
    if (is(IDLE, slot) && frames_unmark(IDLE, slot)) {
        frames_split(slot);
    }
    uint64_t *p = &self.bits[word], w;
    do {
        w = GET(p);
        if (is(SHUT, slot) || (w & mask) != mask) {
            return false;
        }
    } while (!word_swap(p, w, w & ~mask));
    return true;
}

// A misaligned address becomes a frame beyond every segment.
static inline uint64_t frame_of(uint64_t addr) {
    return addr >> 12 | addr << 52;
}

// The segment that most likely has the frame.
static inline const struct segment *near_segment(uint64_t frame) {
    return &self.near[frame >> self.near_shift & (NEAR - 1)];
}

// Where the frame at `addr` is.
static inline const struct segment *locate(uint64_t addr, uint64_t *bit) {
    uint64_t frame = frame_of(addr);
    const struct segment *s = near_segment(frame);
    if (UNLIKELY(frame - s->first >= GET(&s->count))) {
        s = frames_segment(frame);
        if (s == NULL) {
            return NULL;
        }
    }
    *bit = frame - s->first + s->bit;
    return s;
}

bool frames_locate(uint64_t addr, uint64_t *bit) {
    return locate(addr, bit) != NULL;
}

// Undo frames_put() of one frame, wherever it has gone. Entered.
void frames_retake(size_t word, uint64_t mask) {
    struct cpu *c = this_cpu();
    if (self.shared && c->word == word && (c->mask & mask)) {
        PUT(&c->mask, c->mask & ~mask);
    } else {
        frames_take(word, mask);
    }
}

static NOINLINE frames_status_t nowhere(void) {
    frames_status_t status = frames_not_ready();
    return status == FRAMES_OK ? FRAMES_BAD_FREE : status;
}

// How many frames `addr` lies behind `base`; at least 2^52 if it is not a whole number.
static inline uint64_t frames_behind(uint64_t base, uint64_t addr) {
    uint64_t offset = addr - base;
    return offset >> 12 | offset << 52;
}

// Free the frame at `addr`, whose bit is known.
static inline frames_status_t free_at(uint64_t addr, uint64_t bit) {
    size_t word = bit / 64;
    uint64_t mask = UINT64_C(1) << bit % 64;
    if (UNLIKELY(!is(SOME, word / LINE_WORDS))) {
        return put_first(word, mask, addr - bit % 64 * FRAMES_SIZE);
    }
    uint64_t w = self.bits[word];
    if (UNLIKELY(w & mask)) {
        return FRAMES_BAD_FREE;
    }
    w |= mask;
    self.bits[word] = w;
    return UNLIKELY(w == ALL) ? word_is_full(word) : FRAMES_OK;
}

static NOINLINE frames_status_t free_far(uint64_t addr) {
    uint64_t bit;
    return locate(addr, &bit) == NULL ? nowhere() : free_at(addr, bit);
}

// Every other function is called last, so that no register has to be saved here.
frames_status_t frames_free(uint64_t addr) {
    if (UNLIKELY(is_shared())) {
        return free_shared(addr);
    }
    // The word that frames are taken from: no need to look where it is, or to settle its chunk.
    uint64_t n = frames_behind(self.one.addr, addr);
    if (n < 64) {
        uint64_t w = *self.one.take, mask = UINT64_C(1) << n;
        if (UNLIKELY(w & mask)) {
            return FRAMES_BAD_FREE;
        }
        *self.one.take = w | mask;
        return FRAMES_OK;
    }
    uint64_t frame = frame_of(addr);
    const struct segment *s = near_segment(frame);
    if (UNLIKELY(frame - s->first >= GET(&s->count))) {
        return free_far(addr);
    }
    return free_at(addr, frame - s->first + s->bit);
}

// --- 2 MiB frames ---------------------------------------------------------------------------

// Let take_2m point at a group's `idle` with a chunk in it.
static bool refill_2m(struct cpu *c, bool locked) {
    for (unsigned zone = ZONES; zone-- > 0;) {
        size_t low = self.zone_slot[zone], high = self.zone_slot[zone + 1];
        if (low == high) {
            continue;
        }
        do {
            size_t rotor = c->rotor > low && c->rotor < high ? c->rotor : low;
            size_t slot = frames_find(IDLE, rotor, high);
            if (slot == NONE && rotor > low) {
                slot = frames_find(IDLE, low, rotor);
            }
            if (slot != NONE) {
                // Only chunks of this zone and of one segment, so that one address serves all.
                const struct segment *s = frames_segment_of_bit((uint64_t)slot * 512);
                uint64_t valid = ALL;
                size_t first = slot - slot % GROUP_SLOTS;
                size_t from = s->bit / 512 > low ? (size_t)(s->bit / 512) : low;
                size_t to = (size_t)((s->bit + s->total + 511) / 512);
                to = to < high ? to : high;
                if (from > first) {
                    valid &= ALL << (from - first);
                }
                if (to < first + GROUP_SLOTS) {
                    valid &= ~(ALL << (to - first));
                }
                c->take_2m = &self.groups[slot / GROUP_SLOTS].is[IDLE];
                c->valid_2m = valid;
                c->addr_2m = (s->first - s->bit + (uint64_t)first * 512) * FRAMES_SIZE;
                c->zone_end_2m = high;
                return true;
            }
            if (GET(&self.ready) < high && !locked) {
                return false;
            }
        } while (GET(&self.ready) < high && frames_more(1));
    }
    return false;
}

static uint64_t take_2m(struct cpu *c) {
    uint64_t all, w;
    while ((w = (all = GET(c->take_2m)) & c->valid_2m) != 0) {
        if (word_swap(c->take_2m, all, all ^ (w & -w))) {
            return c->addr_2m + (uint64_t)lowest(w) * FRAMES_2M * FRAMES_SIZE;
        }
    }
    return FRAMES_FAILED(FRAMES_NO_MEMORY);
}

static NOINLINE uint64_t alloc_2m_slowly(void) {
    frames_status_t status = frames_not_ready();
    if (status != FRAMES_OK) {
        return FRAMES_FAILED(status);
    }
    struct cpu *c = this_cpu();
    uint64_t addr = take_2m(c);
    while (frames_failed(addr) && refill_2m(c, !self.shared)) {
        addr = take_2m(c);
    }
    if (frames_failed(addr)) {
        frames_lock();
        for (unsigned attempt = 0; attempt < 2 && frames_failed(addr); ++attempt) {
            while (frames_failed(addr) && refill_2m(c, true)) {
                addr = take_2m(c);
            }
            if (attempt == 0 && frames_failed(addr)) {
                // A chunk that frames are taken from, or that was, may be free as a whole.
                frames_close();
                frames_open();
            }
        }
        frames_unlock();
    }
    return frames_failed(addr) ? frames_search(FRAMES_2M, FRAMES_2M, 0) : addr;
}

uint64_t frames_alloc_2m(void) {
    struct cpu *c = &self.one;
    if (UNLIKELY(is_shared())) {
        c = &self.cpu[frames_cpu()];
        uint64_t addr = take_2m(c);
        return UNLIKELY(frames_failed(addr)) ? alloc_2m_slowly() : addr;
    }
    uint64_t w = *c->take_2m & c->valid_2m;
    if (UNLIKELY(w == 0)) {
        return alloc_2m_slowly();
    }
    *c->take_2m ^= w & -w;
    return c->addr_2m + (uint64_t)lowest(w) * FRAMES_2M * FRAMES_SIZE;
}

frames_status_t frames_free_2m(uint64_t addr) {
    uint64_t bit;
    if (UNLIKELY(locate(addr, &bit) == NULL)) {
        return nowhere();
    }
    size_t slot = bit / 512;
    struct group *group = &self.groups[slot / GROUP_SLOTS];
    uint64_t mask = UINT64_C(1) << slot % GROUP_SLOTS;
    uint64_t idle = GET(&group->is[IDLE]);
    // Lent whole: shut, neither idle nor in a 1 GiB frame.
    if (UNLIKELY(bit % 512 || !(GET(&group->is[SHUT]) & ~idle & ~GET(&group->is[EDGE]) & mask))) {
        return frames_free_run(addr, FRAMES_2M);
    }
    struct cpu *c = &self.one;
    if (UNLIKELY(is_shared())) {
        c = &self.cpu[frames_cpu()];
        while (!__atomic_compare_exchange_n(&group->is[IDLE], &idle, idle | mask, false,
            __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
            if (idle & mask) {
                return FRAMES_BAD_FREE;
            }
        }
    } else {
        group->is[IDLE] = idle | mask;
    }
    if (UNLIKELY(idle == 0)) {
        // Only above: the chunk itself may be somebody's again.
        frames_summarize(IDLE, slot / GROUP_SLOTS);
    }
    if (UNLIKELY(slot >= GET(&c->zone_end) || slot >= c->zone_end_2m)) {
        frames_prefer(slot);
    }
    return FRAMES_OK;
}
