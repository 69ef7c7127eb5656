// Single frames: the hot paths. No lock here.
#include "frames_cpus.h"
#include "frames_kernel.h"
#include "frames_map.h"
#include "frames_refill.h"
#include "frames_state.h"
#include "frames_tree.h"
#include "frames_word.h"

frames_status_t frames_nowhere(void) {
    frames_status_t status = frames_not_ready();
    return status == FRAMES_OK ? FRAMES_BAD_FREE : status;
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
    if ((*c->take & c->hold[WORD].mask) == 0 && !frames_refill(c)) {
        return FRAMES_FAILED(FRAMES_NO_MEMORY);
    }
    uint64_t w = *c->take & c->hold[WORD].mask;
    *c->take ^= w & -w;
    return c->hold[WORD].addr + (uint64_t)lowest(w) * FRAMES_SIZE;
}

static NOINLINE uint64_t alloc_shared_slowly(struct cpu *c) {
    struct hold *hold = &c->hold[WORD];
    enter(c);
    if (GET(&hold->mask) == 0 && !frames_refill(c)) {
        leave(c);
        return FRAMES_FAILED(FRAMES_NO_MEMORY);
    }
    uint64_t w = GET(&hold->mask);
    PUT(&hold->mask, w & (w - 1));
    uint64_t addr = hold->addr + (uint64_t)lowest(w) * FRAMES_SIZE;
    leave(c);
    return addr;
}

static NOINLINE uint64_t alloc_shared(void) {
    struct cpu *c = &self.cpu[frames_cpu()];
    struct hold *hold = &c->hold[WORD];
    uint64_t w;
    if (UNLIKELY(!try_enter(c) || (w = GET(&hold->mask)) == 0)) {
        leave(c);
        return alloc_shared_slowly(c);
    }
    PUT(&hold->mask, w & (w - 1));
    uint64_t addr = hold->addr + (uint64_t)lowest(w) * FRAMES_SIZE;
    leave(c);
    return addr;
}

uint64_t frames_alloc(void) {
    FRAMES_ASSERT_CONTEXT();
    if (UNLIKELY(is_shared())) {
        return alloc_shared();
    }
    uint64_t *take = self.one.take;
    uint64_t w = *take;
    if (UNLIKELY(w == 0 || self.one.hold[WORD].mask != ALL)) {
        return alloc_slowly();
    }
    *take = w & (w - 1);
    return self.one.hold[WORD].addr + (uint64_t)lowest(w) * FRAMES_SIZE;
}

// --- Free -----------------------------------------------------------------------------------

// Returns FRAMES_OK, so that a free can end with it.
static NOINLINE frames_status_t word_is_full(size_t word) {
    // The chunk that frames are taken from stays a line: it would be split again at once.
    if (word / LINE_WORDS != self.one.hold[WORD].index / LINE_WORDS) {
        frames_settle(word / LINE_WORDS);
    }
    return FRAMES_OK;
}

// With one CPU: the chunk has no free frames yet, its line is not in use, or the kernel has frames.
// `addr` is the address of the word's bit 0.
static NOINLINE frames_status_t put_first(size_t word, uint64_t mask, uint64_t addr) {
    size_t slot = word / LINE_WORDS;
    uint64_t w = self.bits[word];
    // The line is not read while the chunk is shut: it may hold garbage.
    if (is(SHUT, slot) || (w & mask)
        || (is(KERNEL, slot) && (frames_kernel_mask(word) & mask))) {
        return FRAMES_BAD_FREE;
    }
    self.bits[word] = w | mask;
    if (is(SOME, slot)) {
        return (w | mask) == ALL ? word_is_full(word) : FRAMES_OK;
    }
    struct cpu *c = &self.one;
    if (slot >= c->zone_low && (*c->take == 0 || slot >= c->zone_end) && (w | mask) != ALL) {
        // With nothing at hand, or in a better zone, take from here next: no search, and the
        // frame is still warm.
        frames_leave_word(c);
        frames_aim(word, UNLIKELY(is(EDGE, slot)) ? frames_valid(word) : ALL, addr);
        if (UNLIKELY(slot >= c->zone_end)) {
            frames_enter_zone(c, slot);
        }
        return FRAMES_OK;
    }
    frames_mark(SOME, slot);
    frames_prefer(slot);
    if ((w | mask) == ALL) {
        frames_settle(slot);
    }
    return FRAMES_OK;
}

// The frames are in the bitmap.
static NOINLINE frames_status_t word_has_more(size_t word) {
    size_t slot = word / LINE_WORDS;
    if (!is(SOME, slot)) {
        frames_mark(SOME, slot);
        if (UNLIKELY(is_shut(slot))) {
            // Somebody else has made the chunk whole meanwhile.
            frames_quiet(slot);
        }
        frames_prefer(slot);
    }
    if (GET(&self.bits[word]) == ALL) {
        frames_settle(slot);
    }
    return FRAMES_OK;
}

static NOINLINE frames_status_t put_shared_slowly(size_t word, uint64_t mask) {
    struct cpu *c = &self.cpu[frames_cpu()];
    frames_status_t status;
    if (frames_put_own(c, WORD, word, mask, &status)) {
        return status;
    }
    uint64_t *p = &self.bits[word], w;
    do {
        // The word before the rest: who claims these frames or shuts the chunk changes it.
        w = __atomic_load_n(p, __ATOMIC_ACQUIRE);
        if ((w & mask) || is_shut(word / LINE_WORDS)
            || (is(KERNEL, word / LINE_WORDS) && (frames_kernel_mask(word) & mask))
            || (is_claimed(WORD, word) && frames_held(WORD, word, mask))) {
            return FRAMES_BAD_FREE;
        }
    } while (!word_swap(p, w, w | mask));
    return word_has_more(word);
}

// The same where nobody has claimed the word and nobody else changes it now.
static inline frames_status_t put_shared(size_t word, uint64_t mask) {
    size_t slot = word / LINE_WORDS;
    uint64_t *p = &self.bits[word], w = __atomic_load_n(p, __ATOMIC_ACQUIRE);
    if (UNLIKELY(w & mask)) {
        return FRAMES_BAD_FREE;
    }
    if (UNLIKELY(is_guarded(slot) || is_claimed(WORD, word)
        || !__atomic_compare_exchange_n(p, &w, w | mask, false, __ATOMIC_SEQ_CST,
            __ATOMIC_RELAXED))) {
        return put_shared_slowly(word, mask);
    }
    return UNLIKELY(!is(SOME, slot) || (w | mask) == ALL) ? word_has_more(word) : FRAMES_OK;
}

// Claim the word of a frame that comes back and keep the frame: the next one needs no search and is
// still warm, and more frees of this word need no atomic. Give back what was kept before.
static bool keep(struct cpu *c, size_t word, uint64_t mask, uint64_t addr) {
    struct hold *hold = &c->hold[WORD];
    size_t slot = word / LINE_WORDS;
    bool kept = false;
    enter(c);
    // A bad free must not even move the claim.
    if (slot >= c->zone_low && !is_guarded(slot) && !(GET(&self.bits[word]) & mask)) {
        frames_hand_back(c, WORD);
        if (frames_claim(hold, WORD, word)) {
            // Nobody else has frames of this word now, and the chunk is not shut from here on.
            kept = !is_guarded(slot) && !(GET(&self.bits[word]) & mask);
            frames_claimed(hold, WORD, kept ? mask : 0, addr);
            if (kept && UNLIKELY(slot >= GET(&c->zone_end))) {
                frames_enter_zone(c, slot);
            }
        }
    }
    leave(c);
    return kept;
}

static NOINLINE frames_status_t keep_or_put(uint64_t addr, uint64_t bit) {
    size_t word = bit / 64;
    uint64_t mask = UINT64_C(1) << bit % 64;
    return keep(&self.cpu[frames_cpu()], word, mask, addr - bit % 64 * FRAMES_SIZE) ? FRAMES_OK
        : put_shared(word, mask);
}

// How many frames `addr` lies behind `base`; at least 2^52 if it is not a whole number.
static inline uint64_t behind(uint64_t base, uint64_t addr) {
    uint64_t offset = addr - base;
    return offset >> 12 | offset << 52;
}

static ALWAYS_INLINE frames_status_t free_shared_at(struct cpu *c, uint64_t addr, uint64_t bit) {
    size_t word = bit / 64, slot = bit / 512;
    c->free_row = c->free_word == word ? (uint8_t)(c->free_row + 1) : 0;
    c->free_word = word;
    // With nothing at hand, with something better, or when a whole word seems to come back.
    if (UNLIKELY(c->free_row == 3
        || (!is(SOME, slot)
            && (GET(&c->hold[WORD].mask) == 0 || slot >= GET(&c->zone_end))))) {
        return keep_or_put(addr, bit);
    }
    return put_shared(word, UINT64_C(1) << bit % 64);
}

static NOINLINE frames_status_t free_shared_far(uint64_t addr) {
    uint64_t bit;
    return locate(addr, &bit) ? free_shared_at(&self.cpu[frames_cpu()], addr, bit)
        : frames_nowhere();
}

// As in frames_free(), every other function is called last.
static NOINLINE frames_status_t free_shared(uint64_t addr) {
    struct cpu *c = &self.cpu[frames_cpu()];
    struct hold *hold = &c->hold[WORD];
    uint64_t n = behind(GET(&hold->addr), addr);
    if (n < 64) {
        // The address is another one after another CPU has taken the word back.
        if (LIKELY(try_enter(c) && behind(GET(&hold->addr), addr) == n && hold->index != NONE)) {
            frames_status_t status = put_held(hold, &self.bits[hold->index], UINT64_C(1) << n);
            leave(c);
            return status;
        }
        leave(c);
    }
    uint64_t frame = frame_of(addr);
    const struct near *near = near_segment(frame);
    if (UNLIKELY(frame - near->first >= GET(&near->count))) {
        return free_shared_far(addr);
    }
    return free_shared_at(c, addr, frame + near->offset);
}

frames_status_t frames_put(size_t word, uint64_t mask) {
    if (self.shared) {
        return put_shared(word, mask);
    }
    if (!is_plain(word / LINE_WORDS)) {
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
    uint64_t *p = &self.bits[word];
    for (;;) {
        if (is(IDLE, slot) && frames_unmark(IDLE, slot)) {
            frames_split(slot);
        }
        uint64_t w = __atomic_load_n(p, __ATOMIC_ACQUIRE);
        bool closed = is_shut(slot);
        if (closed ? !is(IDLE, slot) : (w & mask) != mask) {
            return false;
        }
        if (!closed && word_swap(p, w, w & ~mask)) {
            return true;
        }
    }
}

// Undo frames_put() of one frame, wherever it has gone. Entered.
void frames_retake(size_t word, uint64_t mask) {
    struct cpu *c = this_cpu();
    struct hold *hold = &c->hold[WORD];
    if (self.shared && hold->index == word && (hold->mask & mask)) {
        PUT(&hold->mask, hold->mask & ~mask);
    } else {
        frames_take(word, mask);
    }
}

// Free the frame at `addr`, whose bit is known.
static inline frames_status_t free_at(uint64_t addr, uint64_t bit) {
    size_t word = bit / 64;
    uint64_t mask = UINT64_C(1) << bit % 64;
    if (UNLIKELY(!is_plain(word / LINE_WORDS))) {
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
    return locate(addr, &bit) ? free_at(addr, bit) : frames_nowhere();
}

// Every other function is called last, so that no register has to be saved here.
frames_status_t frames_free(uint64_t addr) {
    FRAMES_ASSERT_CONTEXT();
    if (UNLIKELY(is_shared())) {
        return free_shared(addr);
    }
    // The word that frames are taken from: no need to look where it is, or to settle its chunk.
    uint64_t n = behind(self.give.addr, addr);
    if (n < 64) {
        uint64_t w = *self.give.word, mask = UINT64_C(1) << n;
        if (UNLIKELY(w & mask)) {
            return frames_nowhere();
        }
        *self.give.word = w | mask;
        return FRAMES_OK;
    }
    uint64_t frame = frame_of(addr);
    const struct near *near = near_segment(frame);
    if (UNLIKELY(frame - near->first >= GET(&near->count))) {
        return free_far(addr);
    }
    return free_at(addr, frame + near->offset);
}
