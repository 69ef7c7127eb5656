// Many single frames per call.
#include "frames_lock.h"
#include "frames_map.h"
#include "frames_refill.h"
#include "frames_state.h"
#include "frames_word.h"

// Two addresses at a time, which every x86-64 can.
typedef uint64_t pair __attribute__((vector_size(16), aligned(8), may_alias));

// Write the addresses of up to `room` of the frames in *w, and take those out of it.
static inline size_t write_addresses(uint64_t *buf, size_t room, uint64_t addr, uint64_t *w) {
    if (*w == ALL && room >= 64) {
        pair next = { addr, addr + FRAMES_SIZE };
        for (unsigned i = 0; i < 64; i += 8) {
            *(pair *)&buf[i] = next;
            *(pair *)&buf[i + 2] = next + 2 * FRAMES_SIZE;
            *(pair *)&buf[i + 4] = next + 4 * FRAMES_SIZE;
            *(pair *)&buf[i + 6] = next + 6 * FRAMES_SIZE;
            next += 8 * FRAMES_SIZE;
        }
        *w = 0;
        return 64;
    }
    size_t count = 0;
    uint64_t left = *w;
    for (; left && count < room; left &= left - 1) {
        buf[count++] = addr + (uint64_t)lowest(left) * FRAMES_SIZE;
    }
    *w = left;
    return count;
}

frames_status_t frames_fill(uint64_t *buf, size_t count) {
    FRAMES_ASSERT_CONTEXT();
    frames_status_t status = frames_not_ready();
    if (status != FRAMES_OK) {
        return status;
    }
    struct cpu *c = this_cpu();
    size_t done = 0;
    frames_enter(c);
    while (done < count) {
        uint64_t all = GET(c->take), w = self.shared ? all : all & c->reservation[WORD].mask;
        if (UNLIKELY(w == 0)) {
            if (!frames_refill(c)) {
                break;
            }
            continue;
        }
        uint64_t left = w;
        done += write_addresses(buf + done, count - done, c->reservation[WORD].addr, &left);
        PUT(c->take, all ^ w ^ left);
    }
    frames_leave(c);
    if (done < count) {
        frames_drain(buf, done);
        return FRAMES_NO_MEMORY;
    }
    return FRAMES_OK;
}

// How many addresses at the front of `buf` lie in the word of the first, at most 64 and without
// one twice; their mask. None if the first one is not a frame's.
static inline size_t read_addresses(const uint64_t *buf, size_t count, size_t *word, uint64_t *mask) {
    uint64_t bit;
    if (!locate(buf[0], &bit)) {
        return 0;
    }
    *word = (size_t)(bit / 64);
    if (bit % 64 == 0 && count >= 64) {
        pair next = { buf[0], buf[0] + FRAMES_SIZE }, odd = { 0, 0 };
        for (unsigned i = 0; i < 64; i += 8) {
            odd |= (*(const pair *)&buf[i] ^ next)
                | (*(const pair *)&buf[i + 2] ^ (next + 2 * FRAMES_SIZE))
                | (*(const pair *)&buf[i + 4] ^ (next + 4 * FRAMES_SIZE))
                | (*(const pair *)&buf[i + 6] ^ (next + 6 * FRAMES_SIZE));
            next += 8 * FRAMES_SIZE;
        }
        if ((odd[0] | odd[1]) == 0 && locate(buf[63], &bit) && bit / 64 == *word) {
            *mask = ALL;
            return 64;
        }
    }
    uint64_t base = buf[0] - bit % 64 * FRAMES_SIZE;
    *mask = UINT64_C(1) << bit % 64;
    size_t n = 1;
    for (; n < count; ++n) {
        uint64_t offset = buf[n] - base;
        uint64_t next = UINT64_C(1) << (offset / FRAMES_SIZE) % 64;
        if (offset >= 64 * FRAMES_SIZE || offset % FRAMES_SIZE || (*mask & next)) {
            break;
        }
        *mask |= next;
    }
    return n;
}

frames_status_t frames_drain(const uint64_t *buf, size_t count) {
    FRAMES_ASSERT_CONTEXT();
    frames_status_t status = frames_not_ready();
    size_t done = 0;
    while (status == FRAMES_OK && done < count) {
        size_t word;
        uint64_t mask;
        size_t n = read_addresses(buf + done, count - done, &word, &mask);
        status = n ? frames_put(word, mask) : FRAMES_BAD_FREE;
        done += status == FRAMES_OK ? n : 0;
    }
    if (status != FRAMES_OK) {
        // Take back what has been given.
        while (done-- > 0) {
            uint64_t bit;
            if (locate(buf[done], &bit)) {
                struct cpu *c = this_cpu();
                frames_enter(c);
                frames_retake((size_t)(bit / 64), UINT64_C(1) << bit % 64);
                frames_leave(c);
            }
        }
    }
    return status;
}
