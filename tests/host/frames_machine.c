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

enum { OTHERS, FREE, LENT, LENT_2M, LENT_1G };

_Thread_local unsigned host_cpu;

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

static void *reach(uint64_t addr, uint64_t size) {
    REQUIRE(addr % 4096 == 0 && size % 4096 == 0);
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

static uint64_t free_count(void) {
    uint64_t count = 0;
    for (size_t i = 0; i < state_count; ++i) {
        count += state[i] == FREE;
    }
    return count;
}

// Whether all 512 frames of the chunk belong to the allocator, so that it can be lent whole.
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

static bool has_run(uint64_t count, uint64_t align, uint64_t below) {
    uint64_t start = 0, end = 0;
    for (size_t i = 0; i < region_count; ++i) {
        for (uint64_t frame = region[i].start; frame < region[i].end; ++frame) {
            if (below && frame >= below / 4096) {
                return false;
            }
            if (state[region[i].at + (frame - region[i].start)] != FREE) {
                continue;
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

static bool may_free(uint64_t addr, uint64_t count) {
    if (addr % 4096 || count == 0 || count > state_count) {
        return false;
    }
    uint64_t frame = addr / 4096, end = frame + count;
    while (frame < end) {
        uint64_t step = 1;
        uint8_t s = state_of(frame);
        if (s == LENT_2M || s == LENT_1G) {
            step = s == LENT_2M ? 512 : 262144;
            if (frame % step || end - frame < step) {
                return false;
            }
        } else if (s != LENT) {
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
    REQUIRE(stats.free == free_count());
    REQUIRE(frames_check(print_text, stderr) == 0);
}

// A run has been lent: mark it. Whole chunks are lent as such.
static void lend(uint64_t frame, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
        REQUIRE(state_of(frame + i) == FREE);
    }
    uint64_t shut = 0;
    for (uint64_t at = frame; at < frame + count;) {
        if (frame + count - at >= 512 && is_whole_chunk(at)) {
            set_state(at, 512, LENT_2M);
            at += 512;
            ++shut;
        } else {
            set_state(at, 1, LENT);
            ++at;
        }
    }
    if (count == 262144 && frame % 262144 == 0 && shut == 512) {
        set_state(frame, count, LENT_1G);
    }
}

static void do_alloc(void) {
    uint64_t addr = frames_alloc();
    if (verbose) {
        fprintf(stderr, "%u: alloc() = %llx\n", host_cpu, (unsigned long long)addr);
    }
    if (frames_failed(addr)) {
        REQUIRE(frames_why(addr) == FRAMES_NO_MEMORY && !has_run(1, 1, 0));
        return;
    }
    REQUIRE(addr % 4096 == 0 && state_of(addr / 4096) == FREE);
    if (cpus == 1) {
        for (size_t i = region_count; i-- > 0;) {
            for (uint64_t frame = region[i].end; frame-- > region[i].start;) {
                if (zone_of(frame) <= zone_of(addr / 4096)) {
                    i = 0;
                    break;
                }
                REQUIRE(state_of(frame) != FREE);
            }
        }
    }
    lend(addr / 4096, 1);
}

static void do_alloc_run(uint64_t count, uint64_t align, uint64_t below) {
    uint64_t addr = count == 512 && align == 512 * 4096 && below == 0 ? frames_alloc_2m()
        : frames_alloc_run(count, align, below);
    if (verbose) {
        fprintf(stderr, "%u: alloc_run(%llu, %llu, %llx) = %llx\n", host_cpu,
            (unsigned long long)count, (unsigned long long)align, (unsigned long long)below,
            (unsigned long long)addr);
    }
    if (count == 0 || align < 4096 || (align & (align - 1))) {
        REQUIRE(frames_failed(addr) && frames_why(addr) == FRAMES_BAD_ARGUMENT);
        return;
    }
    if (frames_failed(addr)) {
        REQUIRE(frames_why(addr) == FRAMES_NO_MEMORY && !has_run(count, align / 4096, below));
        return;
    }
    REQUIRE(addr % align == 0 && (below == 0 || addr + count * 4096 <= below));
    lend(addr / 4096, count);
}

static void do_free(uint64_t addr, uint64_t count) {
    bool good = may_free(addr, count);
    frames_status_t status = count == 1 ? frames_free(addr)
        : count == 512 ? frames_free_2m(addr) : frames_free_run(addr, count);
    if (verbose) {
        fprintf(stderr, "%u: free(%llx, %llu) = %d\n", host_cpu, (unsigned long long)addr,
            (unsigned long long)count, status);
    }
    REQUIRE(status == (good ? FRAMES_OK : FRAMES_BAD_FREE));
    if (good) {
        set_state(addr / 4096, count, FREE);
    }
}

static uint64_t buffer[4096];

static void do_fill(size_t count) {
    count = count < 4096 ? count : 4096;
    bool good = free_count() >= count;
    frames_status_t status = frames_fill(buffer, count);
    if (verbose) {
        fprintf(stderr, "%u: fill(%zu) = %d\n", host_cpu, count, status);
    }
    REQUIRE(status == (good ? FRAMES_OK : FRAMES_NO_MEMORY));
    for (size_t i = 0; good && i < count; ++i) {
        REQUIRE(buffer[i] % 4096 == 0);
        lend(buffer[i] / 4096, 1);
    }
}

// What the last fill got, with one address changed if `spoil`.
static void do_drain(size_t count, uint64_t spoil) {
    count = count < 4096 ? count : 4096;
    if (spoil && count) {
        buffer[spoil % count] ^= spoil;
    }
    bool good = true;
    size_t done = 0;
    for (; good && done < count; ++done) {
        good = may_free(buffer[done], 1);
        if (good) {
            set_state(buffer[done] / 4096, 1, FREE);
        }
    }
    for (done -= !good; !good && done-- > 0;) {
        set_state(buffer[done] / 4096, 1, LENT);
    }
    frames_status_t status = frames_drain(buffer, count);
    if (verbose) {
        fprintf(stderr, "%u: drain(%zu, %llx) = %d\n", host_cpu, count,
            (unsigned long long)spoil, status);
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
    uint64_t from = start / 4096, to = (end + 4095) / 4096;
    to = start == end ? from : to;
    bool good = true;
    for (uint64_t frame = from; frame < to; ++frame) {
        good &= state_of(frame) == OTHERS || state_of(frame) == FREE;
    }
    REQUIRE(status == (good ? FRAMES_OK : FRAMES_IN_USE));
    for (uint64_t frame = from; good && frame < to; ++frame) {
        if (find(frame) != NO) {
            set_state(frame, 1, OTHERS);
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
        if (kind >= 240 && big++ == 0) {
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
    frames_status_t status = frames_init(ranges, count, cpus, reach);
    REQUIRE(status == FRAMES_OK || status == FRAMES_NO_MEMORY || status == FRAMES_BAD_ARGUMENT);
    region_count = 0;
    state_count = 0;
    free(state);
    state = NULL;
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

static void one_call(unsigned code) {
    static uint64_t last_addr, last_count;
    if (cpus > 1) {
        host_cpu = code / 64 % cpus;
    }
    switch (code % 16) {
        case 0:
        case 1:
            do_alloc();
            break;
        case 2: {
            // Free what is there, whole.
            uint64_t frame = some_frame();
            uint8_t s = state_of(frame);
            uint64_t count = s == LENT_2M ? 512 : s == LENT_1G ? 262144 : 1;
            do_free((frame - frame % count) * 4096, count);
            break;
        }
        case 3:
            do_free(some_frame() * 4096 + (code & 16 ? next() : 0), 1);
            break;
        case 4: {
            uint64_t count = next2() % 1200;
            do_alloc_run(count, UINT64_C(4096) << (code / 16 % 12), 0);
            break;
        }
        case 5:
            do_alloc_run(1 + next() % 16, 4096, some_frame() * 4096 + next());
            break;
        case 6:
            do_alloc_run(512, 512 * 4096, 0);
            break;
        case 7:
            do_free(some_frame() / 512 * 512 * 4096, 512);
            break;
        case 8:
            do_free(some_frame() * 4096, 1 + next2() % 1200);
            break;
        case 9:
            last_count = next2() % 800;
            do_fill((size_t)last_count);
            break;
        case 10:
            do_drain((size_t)last_count, code & 16 ? next2() : 0);
            break;
        case 11:
            last_addr = some_frame() * 4096 + next();
            do_reserve(last_addr, last_addr + next2() % 256 * 999);
            break;
        case 12:
            do_alloc_run(262144, UINT64_C(1) << 30, 0);
            break;
        case 13:
            do_free(some_frame() / 262144 * 262144 * 4096, 262144);
            break;
        case 14:
            // Run dry, or nearly.
            for (unsigned i = next2() % 2048; i > 0 && state_count < 10000; --i) {
                do_alloc();
            }
            break;
        default:
            do_free((uint64_t)next2() << 48 | (uint64_t)next2() << 12, (uint64_t)next2() << 48 | 1);
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

// Every row of `depth` calls out of a list that covers each kind, on a map with holes.
static unsigned long rows_run;

static void exhaustive(unsigned cpu_count, unsigned depth) {
    static const uint8_t calls[][6] = {
        { 0 }, { 0x40 }, { 3, 0, 1 }, { 3, 0, 9 }, { 3, 0, 20 }, { 4, 0, 3 }, { 0x14, 0, 2 },
        { 8, 0, 0, 0, 2 }, { 9, 0, 5 }, { 10 }, { 11, 0, 12, 0, 0, 4 }, { 5, 1, 0, 40, 0 },
    };
    static const uint8_t length[] = { 1, 1, 3, 3, 3, 3, 3, 5, 3, 1, 6, 5 };
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
    if (argc >= 3 && strcmp(argv[1], "exhaustive") == 0) {
        for (unsigned c = 1; c <= 2; ++c) {
            exhaustive(c, (unsigned)atoi(argv[2]));
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
    fprintf(stderr, "usage: %s file PATH | exhaustive DEPTH | soak ROUNDS SEED [ROUND]\n", argv[0]);
    return 2;
}

#endif
