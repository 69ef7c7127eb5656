// The allocator against a plain model of it: one byte of state per frame.
//
// A string of bytes stands for a map and a row of calls; the model says of each result whether it
// is a right one. A wrong one aborts. The string comes from libFuzzer (built with FUZZ), from an
// enumeration of all short rows of calls (`exhaustive`) or from a random number generator (`soak`).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"

#define MAX_REGIONS (12)
#define NO ((size_t)-1)

enum { OTHERS, FREE, ALLOCATED, HUGE_2M, HUGE_1G, KERNEL = 8 };

_Thread_local unsigned host_cpu;
_Thread_local int host_in_interrupt;
_Thread_local unsigned long host_words;

// --- The model ------------------------------------------------------------------------------

static uint8_t *state;          // Of every frame of the map, region by region.
static size_t state_count;
static size_t region_count;
static struct {
    uint64_t start, end;        // In frames.
    size_t at;                  // Index of the first in `state`.
} region[MAX_REGIONS];
static unsigned cpus;
static void *memory[64];
static size_t memory_count;
static int verbose;

#define REQUIRE(condition) ((condition) ? (void)0 : wrong(#condition, __LINE__))

static void print_text(void *context, const char *text, size_t length) {
    fwrite(text, 1, length, context);
}

static void wrong(const char *what, int line) {
    fprintf(stderr, "frames_machine.c:%d: not so: %s\n", line, what);
    frames_show(print_text, stderr, 80, 24);
    abort();
}

static void set_state(uint64_t frame, uint64_t count, uint8_t value);

static void *reach(uint64_t addr, uint64_t size) {
    REQUIRE(addr % 4096 == 0 && size % 4096 == 0);
    if (state) {
        set_state(addr / 4096, size / 4096, OTHERS);
    }
    void *base = aligned_alloc(4096, size);
    memset(base, 0xa5 ^ (int)memory_count, size);
    REQUIRE(memory_count < 64);
    memory[memory_count++] = base;
    return base;
}

static size_t find(uint64_t frame) {
    for (size_t i = 0; i < region_count; ++i) {
        if (frame >= region[i].start && frame < region[i].end) {
            return region[i].at + (size_t)(frame - region[i].start);
        }
    }
    return NO;
}

static uint8_t state_of(uint64_t frame) {
    size_t i = find(frame);
    return i == NO ? OTHERS : state[i];
}

static void set_state(uint64_t frame, uint64_t count, uint8_t value) {
    for (uint64_t i = 0; i < count; ++i) {
        size_t at = find(frame + i);
        REQUIRE(at != NO);
        state[at] = value;
    }
}

// How many frames are free, and how many chunks as a whole.
static uint64_t free_count(uint64_t *chunks) {
    static uint8_t all_free[512];
    memset(all_free, FREE, sizeof(all_free));
    uint64_t count = 0;
    *chunks = 0;
    for (size_t i = 0; i < region_count; ++i) {
        for (uint64_t frame = region[i].start; frame < region[i].end;) {
            const uint8_t *s = &state[region[i].at + (frame - region[i].start)];
            // The chunk at 0 has the end of a zone in it.
            if (frame % 512 == 0 && frame && region[i].end - frame >= 512
                && memcmp(s, all_free, 512) == 0) {
                count += 512;
                ++*chunks;
                frame += 512;
                continue;
            }
            count += *s == FREE;
            ++frame;
        }
    }
    return count;
}

// Whether all 512 frames of the chunk belong to the allocator, so that it can be allocated whole.
static bool is_whole_chunk(uint64_t frame) {
    if (frame % 512 || frame == 0) {
        return false;       // The chunk at 0 has the end of a zone in it.
    }
    for (unsigned i = 0; i < 512; ++i) {
        if (state_of(frame + i) == OTHERS) {
            return false;
        }
    }
    return true;
}

// The first free frame of region i from `frame` on, or the region's end.
static uint64_t next_free(size_t i, uint64_t frame) {
    const uint8_t *s = &state[region[i].at + (frame - region[i].start)];
    const uint8_t *found = memchr(s, FREE, region[i].end - frame);
    return found ? frame + (uint64_t)(found - s) : region[i].end;
}

static bool has_run(uint64_t count, uint64_t align, uint64_t below) {
    uint64_t start = 0, end = 0;
    for (size_t i = 0; i < region_count; ++i) {
        for (uint64_t frame = region[i].start; frame < region[i].end; ++frame) {
            frame = next_free(i, frame);
            if (frame == region[i].end) {
                break;
            }
            if (below && frame >= below / 4096) {
                return false;
            }
            start = frame == end ? start : frame;
            end = frame + 1;
            uint64_t at = (start + align - 1) / align * align;
            if (at < end && end - at >= count) {
                return true;
            }
        }
    }
    return false;
}

static int zone_of(uint64_t frame) {
    return (frame >= 1 << 8) + (frame >= 1 << 12) + (frame >= 1 << 20);
}

static bool may_free(uint64_t addr, uint64_t count, uint8_t owner) {
    if (addr % 4096 || count == 0 || count > state_count) {
        return false;
    }
    uint64_t frame = addr / 4096, end = frame + count;
    while (frame < end) {
        uint64_t step = 1;
        uint8_t s = state_of(frame) ^ owner;
        if (s == HUGE_2M || s == HUGE_1G) {
            step = s == HUGE_2M || owner ? 512 : 262144;
            if (frame % step || end - frame < step) {
                return false;
            }
        } else if (s != ALLOCATED) {
            return false;
        }
        frame += step;
    }
    return true;
}

// --- The calls ------------------------------------------------------------------------------

static void check_counts(void) {
    frames_stats_t stats;
    REQUIRE(frames_stats(&stats) == FRAMES_OK);
    uint64_t chunks;
    REQUIRE(stats.free == free_count(&chunks));
    REQUIRE(stats.free_2m == chunks);
    REQUIRE(frames_check(print_text, stderr) == 0);
}

// A run has been allocated: mark it. Whole chunks are allocated as such.
static void allocate(uint64_t frame, uint64_t count, uint8_t owner) {
    for (uint64_t i = 0; i < count; ++i) {
        REQUIRE(state_of(frame + i) == FREE);
    }
    uint64_t whole = 0;
    for (uint64_t at = frame; at < frame + count;) {
        if (frame + count - at >= 512 && is_whole_chunk(at)) {
            set_state(at, 512, HUGE_2M | owner);
            at += 512;
            ++whole;
        } else {
            set_state(at, 1, ALLOCATED | owner);
            ++at;
        }
    }
    if (count == 262144 && frame % 262144 == 0 && whole == 512) {
        set_state(frame, count, HUGE_1G | owner);
    }
}

// Addresses that calls have been made with, or have returned.
static uint64_t seen[8];
static unsigned seen_count;

static uint64_t note(uint64_t addr) {
    return seen[seen_count++ % 8] = addr;
}

static void do_alloc(void) {
    uint64_t addr = note(frames_alloc());
    if (verbose) {
        fprintf(stderr, "%u: alloc() = %llx\n", host_cpu, (unsigned long long)addr);
    }
    if (frames_failed(addr)) {
        REQUIRE(frames_why(addr) == FRAMES_NO_MEMORY && !has_run(1, 1, 0));
        return;
    }
    REQUIRE(addr % 4096 == 0 && state_of(addr / 4096) == FREE);
    if (cpus == 1) {
        static const uint64_t zone_end[] = { 1 << 8, 1 << 12, 1 << 20, UINT64_MAX };
        uint64_t better = zone_end[zone_of(addr / 4096)];
        for (size_t i = 0; i < region_count; ++i) {
            uint64_t from = region[i].start > better ? region[i].start : better;
            REQUIRE(from >= region[i].end || next_free(i, from) == region[i].end);
        }
    }
    allocate(addr / 4096, 1, 0);
}

static void do_alloc_run(uint64_t count, uint64_t align, uint64_t below, uint8_t owner) {
    uint64_t addr = owner ? frames_alloc_kernel(count, align, below)
        : count == 512 && align == 512 * 4096 && below == 0 ? frames_alloc_2m()
        : frames_alloc_run(count, align, below);
    note(addr);
    if (verbose) {
        fprintf(stderr, "%u: alloc_run(%llu, %llu, %llx, %u) = %llx\n", host_cpu,
            (unsigned long long)count, (unsigned long long)align, (unsigned long long)below,
            owner, (unsigned long long)addr);
    }
    if (count == 0 || align < 4096 || (align & (align - 1))) {
        REQUIRE(frames_failed(addr) && frames_why(addr) == FRAMES_BAD_ARGUMENT);
        return;
    }
    if (frames_failed(addr)) {
        uint64_t chunks;
        REQUIRE(frames_why(addr) == FRAMES_NO_MEMORY);
        // The marks of the kernel's frames take room, too.
        REQUIRE(!has_run(count, align / 4096, below)
            || (owner && free_count(&chunks) < count + 2));
        return;
    }
    REQUIRE(addr % align == 0 && (below == 0 || addr + count * 4096 <= below));
    allocate(addr / 4096, count, owner);
}

static void do_free(uint64_t addr, uint64_t count, uint8_t owner) {
    static const frames_kind_t kinds[] = {
        FRAMES_OUTSIDE, FRAMES_FREE, FRAMES_SINGLE, FRAMES_IN_2M, FRAMES_IN_1G,
    };
    uint8_t state = state_of(addr / 4096);
    REQUIRE(frames_kind(addr) == (addr % 4096 ? FRAMES_MISALIGNED
        : state & KERNEL ? FRAMES_KERNELS : kinds[state]));
    bool good = may_free(addr, count, owner);
    frames_status_t status = owner ? frames_free_kernel(addr, count) : count == 1 ? frames_free(addr)
        : count == 512 ? frames_free_2m(addr) : frames_free_run(addr, count);
    if (verbose) {
        fprintf(stderr, "%u: free(%llx, %llu, %u) = %d\n", host_cpu, (unsigned long long)addr,
            (unsigned long long)count, owner, status);
    }
    REQUIRE(status == (good ? FRAMES_OK : FRAMES_BAD_FREE));
    if (good) {
        set_state(addr / 4096, count, FREE);
    }
}

static uint64_t buffer[4096];
static uint64_t last_count;     // Of the last fill.

static void do_fill(size_t count) {
    count = count < 4096 ? count : 4096;
    uint64_t chunks;
    bool good = free_count(&chunks) >= count;
    frames_status_t status = frames_fill(buffer, count);
    if (verbose) {
        fprintf(stderr, "%u: fill(%zu) = %d\n", host_cpu, count, status);
    }
    REQUIRE(status == (good ? FRAMES_OK : FRAMES_NO_MEMORY));
    for (size_t i = 0; good && i < count; ++i) {
        REQUIRE(buffer[i] % 4096 == 0);
        allocate(buffer[i] / 4096, 1, 0);
    }
}

// What the last fill got, as it is in `buffer` now.
static void do_drain(size_t count) {
    count = count < 4096 ? count : 4096;
    bool good = true;
    size_t done = 0;
    for (; good && done < count; ++done) {
        good = may_free(buffer[done], 1, 0);
        if (good) {
            set_state(buffer[done] / 4096, 1, FREE);
        }
    }
    for (done -= !good; !good && done-- > 0;) {
        set_state(buffer[done] / 4096, 1, ALLOCATED);
    }
    frames_status_t status = frames_drain(buffer, count);
    if (verbose) {
        fprintf(stderr, "%u: drain(%zu) = %d\n", host_cpu, count, status);
    }
    REQUIRE(status == (good ? FRAMES_OK : FRAMES_BAD_FREE));
}

static void do_reserve(uint64_t start, uint64_t end) {
    frames_status_t status = frames_reserve(start, end);
    if (verbose) {
        fprintf(stderr, "%u: reserve(%llx, %llx) = %d\n", host_cpu, (unsigned long long)start,
            (unsigned long long)end, status);
    }
    if (start > end) {
        REQUIRE(status == FRAMES_BAD_ARGUMENT);
        return;
    }
    uint64_t from = start / 4096, to = end / 4096 + (end % 4096 != 0);
    to = start == end ? from : to;
    bool good = true;
    for (unsigned pass = 0; pass < 2; ++pass) {
        for (size_t i = 0; i < region_count; ++i) {
            uint64_t at = from > region[i].start ? from : region[i].start;
            for (; at < to && at < region[i].end; ++at) {
                uint8_t *s = &state[region[i].at + (at - region[i].start)];
                good &= *s == OTHERS || *s == FREE;
                *s = pass ? OTHERS : *s;
            }
        }
        // With no memory for a longer list of regions a good one fails, too.
        REQUIRE(status == FRAMES_OK ? good : status == FRAMES_IN_USE ? pass || !good
            : status == FRAMES_NO_MEMORY && good);
        if (status != FRAMES_OK) {
            return;
        }
    }
}

// --- Decoding -------------------------------------------------------------------------------

static const uint8_t *input, *input_end;

static unsigned next(void) {
    return input < input_end ? *input++ : 0;
}

static unsigned next2(void) {
    unsigned high = next();
    return high << 8 | next();
}

// Where interesting maps begin: around each zone's end, a 1 GiB boundary, and far out.
static const uint64_t places[] = {
    0, 0x80, 0x100, 0x180, 0x400, 0xf80, 0x1000, 0x3fe00, 0x40000, 0xfff00, 0x100000, 0x140000,
    0x8000000, UINT64_C(0x7fffff0000), UINT64_C(0xffffffe000), 0x100200,
};

static bool start_map(void) {
    frames_deinit();
    while (memory_count) {
        free(memory[--memory_count]);
    }
    uint64_t ranges[2 * MAX_REGIONS];
    memset(seen, 0, sizeof(seen));
    seen_count = 0;
    memset(buffer, 0, sizeof(buffer));
    last_count = 0;
    cpus = 1 + next() % 3;
    host_cpu = 0;
    size_t count = 1 + next() % 6;
    uint64_t at = 0;
    unsigned big = 0;
    for (size_t i = 0; i < count; ++i) {
        unsigned kind = next();
        if (i == 0 || kind & 16) {
            uint64_t place = places[kind % 16];
            at = place > at ? place : at;
        }
        at += next() * (kind & 32 ? 16 : 1);
        uint64_t size = next2() % 1600;
        if (kind >= 252 && big++ == 0) {
            size += 262144;
        }
        ranges[2 * i] = at * 4096 + (kind & 64 ? 1 : 0);
        at += size;
        ranges[2 * i + 1] = at * 4096 + (kind & 64 && kind & 128 ? 4095 : 0);
        if (ranges[2 * i] > ranges[2 * i + 1]) {
            ranges[2 * i] = ranges[2 * i + 1];
        }
    }
    if (count > 1 && next() & 1) {
        for (unsigned k = 0; k < 2; ++k) {
            uint64_t swap = ranges[k];
            ranges[k] = ranges[2 * count - 2 + k];
            ranges[2 * count - 2 + k] = swap;
        }
    }
    if (verbose) {
        for (size_t i = 0; i < count; ++i) {
            fprintf(stderr, "range %llx %llx\n", (unsigned long long)ranges[2 * i],
                (unsigned long long)ranges[2 * i + 1]);
        }
    }
    free(state);
    state = NULL;
    frames_status_t status = frames_init(ranges, count, cpus, reach);
    REQUIRE(status == FRAMES_OK || status == FRAMES_NO_MEMORY || status == FRAMES_BAD_ARGUMENT);
    region_count = 0;
    state_count = 0;
    if (status != FRAMES_OK) {
        REQUIRE(frames_why(frames_alloc()) == FRAMES_NO_MAP && frames_free(0) == FRAMES_NO_MAP);
        return false;
    }
    // frames_init() leaves the ranges sorted, merged and in frames.
    frames_stats_t stats;
    frames_stats(&stats);
    uint64_t metadata = stats.metadata_addr / 4096, total = 0;
    bool seen = false;
    for (size_t i = 0; i < count; ++i) {
        if (i && ranges[2 * i] < ranges[2 * i - 1]) {
            break;
        }
        region[i].start = ranges[2 * i];
        region[i].end = ranges[2 * i + 1];
        if (region[i].end == metadata && !seen) {
            region[i].end += stats.metadata_frames;
            seen = true;
        }
        region[i].at = state_count;
        state_count += region[i].end - region[i].start;
        total += ranges[2 * i + 1] - ranges[2 * i];
        ++region_count;
        if (seen && total == stats.total) {
            break;
        }
    }
    REQUIRE(total == stats.total);
    state = malloc(state_count + 1);
    memset(state, FREE, state_count);
    set_state(metadata, stats.metadata_frames, OTHERS);
    check_counts();
    return true;
}

static uint64_t some_frame(void) {
    unsigned i = next2();
    if (state_count == 0) {
        return i;
    }
    if (i >= 0xff00) {
        return places[i % 16];
    }
    size_t at = (size_t)i * (state_count > 4096 ? 97 : 1) % state_count;
    for (size_t k = 0; k < region_count; ++k) {
        if (at < region[k].end - region[k].start) {
            return region[k].start + at;
        }
        at -= region[k].end - region[k].start;
    }
    return 0;
}

// Any of the 2^64: of the map, near a region's end, near zero on both sides, something seen with one
// bit changed or some frames on, or just bits.
static uint64_t any_addr(void) {
    static const uint16_t odd[] = { 0xfff, 1, 0xfff, 0x800 };
    unsigned kind = next();
    uint64_t addr = 0;
    switch (kind % 8) {
        case 0:
            addr = some_frame() * 4096;
            break;
        case 1:
        case 2:
            if (region_count) {
                size_t i = next() % region_count;
                addr = (kind % 8 == 1 ? region[i].start : region[i].end) * 4096;
            }
            addr += (uint64_t)(int64_t)(int8_t)next() * 4096;
            break;
        case 3:
            addr = (uint64_t)(int64_t)(int8_t)next() * 4096;
            break;
        case 4:
            addr = seen[next() % 8] ^ UINT64_C(1) << next() % 64;
            break;
        case 5:
            addr = seen[next() % 8] + (uint64_t)(int64_t)(int8_t)next() * 4096;
            break;
        case 6:
            addr = some_frame() * 4096 | (uint64_t)next2() << 48;
            break;
        default:
            for (unsigned i = 0; i < 4; ++i) {
                addr = addr << 16 | next2();
            }
    }
    if (kind & 0x80) {
        addr += odd[kind / 32 % 4];
    }
    return note(addr);
}

// Any count: few, about a chunk, as many as there are addresses, or just bits.
static uint64_t any_count(void) {
    unsigned kind = next();
    switch (kind % 4) {
        case 0:
            return next() % 4;
        case 1:
            return next2() % 1200;
        case 2:
            return (UINT64_C(1) << kind / 4) + (uint64_t)(int64_t)(int8_t)next();
        default:
            return any_addr();
    }
}

static void any_call(uint8_t owner) {
    unsigned kind = next();
    switch (kind % 8) {
        case 0:
        case 1:
            do_free(any_addr(), 1, owner);
            break;
        case 2:
            do_free(any_addr(), 512, owner);
            break;
        case 3: {
            uint64_t addr = any_addr();
            do_free(addr, any_count(), owner);
            break;
        }
        case 4: {
            uint64_t start = any_addr();
            do_reserve(start, kind & 8 ? any_addr() : start + any_count() % (UINT64_C(1) << 20));
            break;
        }
        case 5: {
            uint64_t count = any_count();
            uint64_t align = kind & 8 ? any_count() : UINT64_C(1) << kind / 16 * 4;
            do_alloc_run(count, align, any_addr(), owner);
            break;
        }
        default: {
            size_t count = 1 + next() % 80;
            for (size_t i = 0; i < count && kind & 8; ++i) {
                buffer[i] = any_addr();
            }
            buffer[next() % count] = any_addr();
            do_drain(count);
        }
    }
}

static void do_share(unsigned count) {
    frames_stats_t before, after;
    frames_stats(&before);
    frames_status_t status = frames_share(count);
    if (verbose) {
        fprintf(stderr, "share(%u) = %d\n", count, status);
    }
    frames_stats(&after);
    if (status == FRAMES_OK) {
        cpus = count;
        REQUIRE(after.cpus == count && frames_share(count) == FRAMES_OK);
        REQUIRE(frames_share(count + 1) == FRAMES_BAD_ARGUMENT);
    } else {
        REQUIRE(status == FRAMES_NO_MEMORY && after.cpus == 1 && after.free <= before.free);
    }
}

static void one_call(unsigned code) {
    uint8_t owner = code & 32 ? KERNEL : 0;
    if (cpus > 1) {
        host_cpu = code / 64 % cpus;
    }
    switch (code % 16) {
        case 0:
        case 1:
            if (owner) {
                do_alloc_run(1, 4096, 0, owner);
            } else {
                do_alloc();
            }
            break;
        case 2: {
            // Free what is there, whole.
            uint64_t frame = some_frame();
            uint8_t s = state_of(frame);
            uint64_t count = s % KERNEL == HUGE_2M ? 512 : s % KERNEL == HUGE_1G ? 262144 : 1;
            do_free((frame - frame % count) * 4096, count, s & KERNEL);
            break;
        }
        case 3:
            do_free(code & 16 ? any_addr() : some_frame() * 4096, 1, owner);
            break;
        case 4: {
            uint64_t count = next2() % 1200;
            do_alloc_run(count, UINT64_C(4096) << (code / 16 % 12), 0, owner);
            break;
        }
        case 5:
            do_alloc_run(1 + next() % 16, 4096, some_frame() * 4096 + next(), owner);
            break;
        case 6:
            do_alloc_run(512, 512 * 4096, 0, owner);
            break;
        case 7:
            do_free(some_frame() / 512 * 512 * 4096, 512, owner);
            break;
        case 8:
            do_free(some_frame() * 4096, 1 + next2() % 1200, owner);
            break;
        case 9:
            last_count = next2() % 800;
            do_fill((size_t)last_count);
            break;
        case 10:
            if (code & 16 && last_count) {
                unsigned spoil = next2();
                buffer[spoil % last_count] ^= spoil;
            }
            do_drain((size_t)last_count);
            break;
        case 11: {
            uint64_t start = some_frame() * 4096 + next();
            do_reserve(start, start + next2() % 256 * 999);
            break;
        }
        case 12:
            do_alloc_run(262144, UINT64_C(1) << 30, 0, owner);
            break;
        case 13:
            do_free(some_frame() / 262144 * 262144 * 4096, 262144, owner);
            break;
        case 14:
            // Run dry, or nearly.
            for (unsigned i = next2() % 2048; i > 0 && state_count < 10000; --i) {
                do_alloc();
            }
            break;
        default:
            if (cpus == 1 && code / 64 % 8 == 0) {
                do_share(2 + next() % 3);
            } else {
                any_call(owner);
            }
            break;
    }
    if (state_count < 10000 || code % 8 == 0) {
        check_counts();
    }
}

static void run(const uint8_t *data, size_t size) {
    input = data;
    input_end = data + size;
    if (!start_map()) {
        return;
    }
    while (input < input_end) {
        one_call(next());
    }
    check_counts();
}

#ifdef FUZZ

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    run(data, size);
    return 0;
}

#else

// Of one address: every call that gives it back, unless it may come back.
static void bad_frees(uint64_t addr) {
    static const uint64_t counts[] = {
        1, 2, 64, 512, 513, 262144, UINT64_C(1) << 40, UINT64_C(1) << 51, UINT64_C(1) << 52,
                (UINT64_C(1) << 52) - 1, UINT64_MAX,
    };
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); ++i) {
        if (!may_free(addr, counts[i], 0)) {
            do_free(addr, counts[i], 0);
        }
    }
    if (!may_free(addr, 1, 0)) {
        buffer[0] = addr;
        do_drain(1);
        REQUIRE(frames_free_run(addr, 1) == FRAMES_BAD_FREE);
    }
}

// In the state that the calls before have led to: what lies 66 frames to both sides of 0, of every
// region's ends and of every power of two, and what is a little off a frame's address there.
static void every_bad_free(void) {
    uint64_t bases[2 * MAX_REGIONS + 65] = { 0 };
    size_t base_count = 1;
    for (size_t i = 0; i < region_count; ++i) {
        bases[base_count++] = region[i].start * 4096;
        bases[base_count++] = region[i].end * 4096;
    }
    size_t powers = base_count;
    for (unsigned power = 20; power < 64; ++power) {
        bases[base_count++] = UINT64_C(1) << power;
    }
    for (size_t i = 0; i < base_count; ++i) {
        int64_t side = i < powers ? 66 : 2;
        for (int64_t k = -side; k <= side; ++k) {
            uint64_t addr = bases[i] + (uint64_t)k * 4096;
            bad_frees(addr);
            bad_frees(addr + 1);
            bad_frees(addr + 0xfff);
        }
    }
    check_counts();
}

// Every row of `depth` calls out of a list that covers each kind, on a map with holes.
static unsigned long rows_run;

static void exhaustive(unsigned cpu_count, unsigned depth, void (*at_end)(void)) {
    static const uint8_t calls[][6] = {
        { 0 }, { 0x40 }, { 3, 0, 1 }, { 3, 0, 9 }, { 3, 0, 20 }, { 4, 0, 3 }, { 0x14, 0, 2 },
        { 8, 0, 0, 0, 2 }, { 9, 0, 5 }, { 10 }, { 11, 0, 12, 0, 0, 4 }, { 5, 1, 0, 40, 0 },
        { 15, 0, 0xa3, 0 },     // free(0xfff).
        { 0x20 }, { 0x23, 0, 1 },   // The kernel's.
    };
    static const uint8_t length[] = { 1, 1, 3, 3, 3, 3, 3, 5, 3, 1, 6, 5, 4, 1, 3 };
    static const uint8_t map[] = {
        0, 3, 5, 0, 0, 7, 0, 3, 0, 11, 0, 5, 0, 20, 0,
    };
    const unsigned kinds = sizeof(length);
    unsigned long rows = 1;
    for (unsigned i = 0; i < depth; ++i) {
        rows *= kinds;
    }
    for (unsigned long row = 0; row < rows; ++row) {
        uint8_t data[256];
        size_t size = sizeof(map);
        memcpy(data, map, size);
        data[0] = (uint8_t)(cpu_count - 1);
        unsigned long rest = row;
        for (unsigned i = 0; i < depth; ++i, rest /= kinds) {
            memcpy(data + size, calls[rest % kinds], length[rest % kinds]);
            size += length[rest % kinds];
        }
        run(data, size);
        if (at_end) {
            at_end();
        }
        ++rows_run;
    }
}

static void soak(unsigned long rounds, uint64_t seed, unsigned long only) {
    for (unsigned long round = 0; round < rounds; ++round) {
        uint8_t data[700];
        uint64_t x = seed + round * UINT64_C(0x9e3779b97f4a7c15);
        for (size_t i = 0; i < sizeof(data); ++i) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            data[i] = (uint8_t)(x >> 32);
        }
        if (only == 0 || only == round) {
            verbose = only != 0;
            run(data, sizeof(data) - round % 500);
            if (only == 0 && getenv("ROUNDS")) {
                fprintf(stderr, "round %lu\n", round);
            }
        }
    }
}

int main(int argc, char **argv) {
    if (argc >= 3 && (strcmp(argv[1], "exhaustive") == 0 || strcmp(argv[1], "addresses") == 0)) {
        for (unsigned c = 1; c <= 2; ++c) {
            exhaustive(c, (unsigned)atoi(argv[2]), argv[1][0] == 'a' ? every_bad_free : NULL);
        }
        printf("%lu rows of calls\n", rows_run);
        return 0;
    }
    if (argc >= 4 && strcmp(argv[1], "soak") == 0) {
        soak(strtoul(argv[2], NULL, 0), strtoul(argv[3], NULL, 0),
            argc > 4 ? strtoul(argv[4], NULL, 0) : 0);
        printf("%s rounds\n", argv[2]);
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "file") == 0) {
        static uint8_t data[1 << 16];
        FILE *file = fopen(argv[2], "rb");
        if (file == NULL) {
            perror(argv[2]);
            return 1;
        }
        verbose = getenv("VERBOSE") != NULL;
        run(data, fread(data, 1, sizeof(data), file));
        fclose(file);
        return 0;
    }
    fprintf(stderr, "usage: %s file PATH | exhaustive DEPTH | addresses DEPTH | soak ROUNDS SEED [ROUND]\n", argv[0]);
    return 2;
}

#endif
