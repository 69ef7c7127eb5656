// The ways in: single frames, whose hot paths take no lock, and contiguous ones.
#include "frames_kernel.h"
#include "frames_lock.h"
#include "frames_map.h"
#include "frames_range.h"
#include "frames_refill.h"
#include "frames_reservation.h"
#include "frames_run.h"
#include "frames_state.h"
#include "frames_word.h"
#include "frames_zone.h"

// --- Single frames: alloc ----------------------------------------------------------------------------------

static NOINLINE uint64_t alloc_slowly(void) {
    frames_status_t status = frames_not_ready();
    if (status != FRAMES_OK) {
        return FRAMES_FAILED(status);
    }
    if (self.shared) {
        return frames_alloc();
    }
    struct cpu *c = &self.one;
    if ((*c->take & c->reservation[WORD].mask) == 0 && !frames_refill(c)) {
        return FRAMES_FAILED(FRAMES_NO_MEMORY);
    }
    uint64_t w = *c->take & c->reservation[WORD].mask;
    *c->take ^= w & -w;
    return c->reservation[WORD].addr + (uint64_t)lowest(w) * FRAMES_SIZE;
}

static NOINLINE uint64_t alloc_shared_slowly(struct cpu *c) {
    struct reservation *r = &c->reservation[WORD];
    enter(c);
    if (GET(&r->mask) == 0 && !frames_refill(c)) {
        leave(c);
        return FRAMES_FAILED(FRAMES_NO_MEMORY);
    }
    uint64_t w = GET(&r->mask);
    PUT(&r->mask, w & (w - 1));
    uint64_t addr = r->addr + (uint64_t)lowest(w) * FRAMES_SIZE;
    leave(c);
    return addr;
}

static NOINLINE uint64_t alloc_shared(void) {
    struct cpu *c = &self.cpu[frames_cpu()];
    struct reservation *r = &c->reservation[WORD];
    uint64_t w;
    if (UNLIKELY(!try_enter(c) || (w = GET(&r->mask)) == 0)) {
        leave(c);
        return alloc_shared_slowly(c);
    }
    PUT(&r->mask, w & (w - 1));
    uint64_t addr = r->addr + (uint64_t)lowest(w) * FRAMES_SIZE;
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
    if (UNLIKELY(w == 0 || self.one.reservation[WORD].mask != ALL)) {
        return alloc_slowly();
    }
    *take = w & (w - 1);
    return self.one.reservation[WORD].addr + (uint64_t)lowest(w) * FRAMES_SIZE;
}

// --- Single frames: free -----------------------------------------------------------------------------------

// Claim the word of a frame that comes back and keep the frame: the next one needs no search and is
// still warm, and more frees of this word need no atomic. Give back what was kept before.
static bool keep(struct cpu *c, size_t word, uint64_t mask, uint64_t addr) {
    struct reservation *r = &c->reservation[WORD];
    size_t slot = word / LINE_WORDS;
    bool kept = false;
    enter(c);
    // A bad free must not even move the claim.
    if (slot >= c->zone_low && !is_guarded(slot) && !(GET(&self.bits[word]) & mask)) {
        frames_release(c, WORD);
        if (frames_claim(r, WORD, word)) {
            // Nobody else has frames of this word now, and the chunk is not made huge from here on.
            kept = !is_guarded(slot) && !(GET(&self.bits[word]) & mask);
            frames_claimed(r, WORD, kept ? mask : 0, addr);
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
        || (!is(PARTIAL, slot)
            && (GET(&c->reservation[WORD].mask) == 0 || slot >= GET(&c->zone_end))))) {
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
    struct reservation *r = &c->reservation[WORD];
    uint64_t n = behind(GET(&r->addr), addr);
    if (n < 64) {
        // The address is another one after another CPU has taken the word back.
        if (LIKELY(try_enter(c) && behind(GET(&r->addr), addr) == n && r->index != NONE)) {
            frames_status_t status = put_reserved(r, &self.bits[r->index], UINT64_C(1) << n);
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

// Free the frame at `addr`, whose bit is known.
static inline frames_status_t free_at(uint64_t addr, uint64_t bit) {
    size_t word = bit / 64;
    uint64_t mask = UINT64_C(1) << bit % 64;
    if (UNLIKELY(!is_plain(word / LINE_WORDS))) {
        return frames_put_first(word, mask, addr - bit % 64 * FRAMES_SIZE);
    }
    uint64_t w = self.bits[word];
    if (UNLIKELY(w & mask)) {
        return FRAMES_BAD_FREE;
    }
    w |= mask;
    self.bits[word] = w;
    return UNLIKELY(w == ALL) ? frames_word_is_full(word) : FRAMES_OK;
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

// --- Contiguous frames, with the lock -------------------------------------------------------

uint64_t frames_alloc_run(uint64_t count, uint64_t align, uint64_t below) {
    FRAMES_ASSERT_CONTEXT();
    frames_status_t status = frames_not_ready();
    if (status != FRAMES_OK) {
        return FRAMES_FAILED(status);
    }
    if (LIKELY(count - 2 < FRAMES_2M - 2 && align == FRAMES_SIZE && below == 0)) {
        return frames_search_hinted((unsigned)count);
    }
    if (count == 0 || align < FRAMES_SIZE || (align & (align - 1))) {
        return FRAMES_FAILED(FRAMES_BAD_ARGUMENT);
    }
    if (below == 0 && count == 1 && align == FRAMES_SIZE) {
        return frames_alloc();
    }
    if (below == 0 && count == FRAMES_2M && align == FRAMES_2M * FRAMES_SIZE) {
        return frames_alloc_2m();
    }
    return frames_search(count, align / FRAMES_SIZE, below);
}

// Free what `locked` says of a range, with the lock.
static ALWAYS_INLINE frames_status_t free_range(uint64_t addr, uint64_t count,
    frames_status_t (*locked)(uint64_t frame, uint64_t count)) {
    frames_status_t status = frames_not_ready();
    if (status != FRAMES_OK) {
        return status;
    }
    uint64_t frame = addr / FRAMES_SIZE;
    if (addr % FRAMES_SIZE || count == 0 || count > UINT64_MAX / FRAMES_SIZE - frame) {
        return FRAMES_BAD_FREE;
    }
    frames_lock();
    status = locked(frame, count);
    frames_unlock();
    return status;
}

frames_status_t frames_free_run(uint64_t addr, uint64_t count) {
    FRAMES_ASSERT_CONTEXT();
    frames_status_t status = frames_not_ready();
    if (status != FRAMES_OK) {
        return status;
    }
    uint64_t frame = frame_of(addr);
    const struct near *near = near_segment(frame);
    uint64_t n = frame - near->first, room = GET(&near->count), bit = frame + near->offset;
    // Most are in one line.
    if (UNLIKELY(n >= room || count - 1 >= 512 - bit % 512 || count > room - n || is_guarded(bit / 512))) {
        return free_range(addr, count, frames_free_range);
    }
    return frames_free_line(bit / 512, bit % 512, (unsigned)(bit % 512 + count));
}

uint64_t frames_alloc_kernel(uint64_t count, uint64_t align, uint64_t below) {
    FRAMES_ASSERT_CONTEXT();
    uint64_t addr = frames_alloc_run(count, align, below);
    if (frames_failed(addr)) {
        return addr;
    }
    frames_lock();
    bool good = frames_mark_kernel(addr / FRAMES_SIZE, count);
    if (!good) {
        frames_free_range(addr / FRAMES_SIZE, count);
    }
    frames_unlock();
    return good ? addr : FRAMES_FAILED(FRAMES_NO_MEMORY);
}

static frames_status_t free_kernel_range(uint64_t frame, uint64_t count) {
    if (!frames_unmark_kernel(frame, count, false)) {
        return FRAMES_BAD_FREE;
    }
    frames_unmark_kernel(frame, count, true);
    return frames_free_range(frame, count);
}

frames_status_t frames_free_kernel(uint64_t addr, uint64_t count) {
    FRAMES_ASSERT_CONTEXT();
    return free_range(addr, count, free_kernel_range);
}
