// Contiguous frames: how long a call takes when memory is partly full, when there is nothing to be
// found, and what is left in one piece after many calls. See frames_bench.c for the rest.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frames_bench.h"
#include "peers.h"

#define MAX_HELD (1u << 23)
#define GiB (UINT64_C(1) << 30)

static struct held {
    uint64_t addr, count;
} *held;
static size_t held_count;
static uint64_t held_frames;
static uint64_t failures, wishes, calls;
static uint64_t random_state;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint64_t random_number(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state >> 11;
}

static void start(const struct peer *peer, uint64_t size, char *arena) {
    const struct span one = { 0x100000, 0x100000 + size, 1 };
    random_state = 88172645463325252;
    held_count = 0;
    held_frames = 0;
    failures = wishes = calls = 0;
    if (held == NULL) {
        held = malloc(MAX_HELD * sizeof(*held));
    }
    peer->init(&one, 1, arena);
}

static bool take(const struct peer *peer, uint64_t count) {
    uint64_t addr = count == 1 ? peer->alloc() : count == 512 ? peer->alloc_2m() : peer->alloc_run(count);
    ++calls;
    ++wishes;
    if (addr >> 63) {
        ++failures;
        return false;
    }
    held[held_count++] = (struct held) { addr, count };
    held_frames += count;
    return true;
}

static void give(const struct peer *peer, size_t i) {
    struct held h = held[i];
    held[i] = held[--held_count];
    held_frames -= h.count;
    ++calls;
    int bad = h.count == 1 ? peer->free(h.addr) : h.count == 512 ? peer->free_2m(h.addr)
        : peer->free_run(h.addr, h.count);
    if (bad) {
        fprintf(stderr, "runs_bench: %s: a good free was refused\n", peer->name);
        exit(1);
    }
}

// --- Sizes ----------------------------------------------------------------------------------

static uint64_t log_uniform(void) {
    // 1 to 512: as many from each power of two to the next.
    uint64_t power = random_number() % 9, low = UINT64_C(1) << power;
    return low + random_number() % (low + (power == 8));
}

static uint64_t uniform(void) {
    return 1 + random_number() % 512;
}

// Mostly single frames, some runs, a few of 2 MiB.
static uint64_t mixed(void) {
    uint64_t r = random_number() % 1000;
    return r < 900 ? 1 : r < 995 ? 2 + random_number() % 63 : 512;
}

// --- Calls that find something --------------------------------------------------------------

static double pairs(const struct peer *peer, uint64_t size, unsigned percent, uint64_t (*next)(void),
    uint32_t rounds) {
    uint64_t wanted = size / FRAME * percent / 100;
    while (held_frames < wanted && failures < 1000) {
        take(peer, next());
    }
    double t = 0;
    for (unsigned warm = 0; warm < 2; ++warm) {
        calls = wishes = failures = 0;
        double t0 = now();
        for (uint32_t i = 0; i < rounds; ++i) {
            // By turns, but never fuller.
            if (held_count && (i % 2 || held_frames > wanted + 2048)) {
                give(peer, random_number() % held_count);
            } else {
                take(peer, next());
            }
        }
        t = now() - t0;
    }
    return t / (double)calls;
}

// --- Calls that find nothing, or next to nothing --------------------------------------------

static void chequerboard(const struct peer *peer, uint64_t size, bool spare) {
    static uint64_t *all;
    size_t n = 0;
    all = all ? all : malloc(16 * GiB / FRAME * sizeof(*all));
    for (uint64_t addr; n < size / FRAME && (addr = peer->alloc()) >> 63 == 0;) {
        all[n++] = addr;
    }
    uint64_t odd = size / 2 & ~UINT64_C(0x1fffff);      // This chunk is given back whole.
    for (size_t i = 0; i < n; ++i) {
        bool whole = spare && all[i] >= odd && all[i] < odd + 0x200000;
        if (whole || !(all[i] / FRAME & 1)) {
            peer->free(all[i]);
        }
    }
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The median of calls that are measured one by one, less what the clock takes.
static double median(const struct peer *peer, uint64_t count, unsigned rounds) {
    static double time[1001];
    double clock = 1e9;
    for (unsigned i = 0; i < 100; ++i) {
        double t0 = now(), t = now() - t0;
        clock = t < clock ? t : clock;
    }
    for (unsigned i = 0; i < rounds; ++i) {
        double t0 = now();
        uint64_t addr = count == 512 ? peer->alloc_2m() : peer->alloc_run(count);
        time[i] = now() - t0 - clock;
        if (addr >> 63 == 0) {
            held[held_count++] = (struct held) { addr, count };
            if (i % 2) {
                give(peer, random_number() % held_count);
            }
        }
    }
    qsort(time, rounds, sizeof(time[0]), by_value);
    return time[rounds / 2] > 0 ? time[rounds / 2] : 0.1;
}

// --- What is left in one piece --------------------------------------------------------------

static void fragment(const struct peer *peer, char *arena, FILE *json, const char **comma) {
    start(peer, 4 * GiB, arena);
    double ns = pairs(peer, 4 * GiB, 90, mixed, 5000000);
    double failed = 100.0 * (double)failures / (double)wishes;
    uint64_t left[2];
    for (unsigned i = 0; i < 2; ++i) {
        uint64_t keep = 4 * GiB / FRAME * (i ? 10 : 50) / 100;
        while (held_frames > keep) {
            give(peer, random_number() % held_count);
        }
        left[i] = peer->free_chunks();
    }
    printf("%-34s%-22s%10.1f%9.2f%%%8lu%8lu\n", "mixed at 90 % of 4 GiB", peer->name, ns, failed,
        (unsigned long)left[0], (unsigned long)left[1]);
    fprintf(json, "%s{\"peer\": \"%s\", \"workload\": \"mixed at 90 %% of 4 GiB\", \"threads\": 1, "
        "\"ns\": %.3f, \"failed\": %.4f, \"free_2m\": [%lu, %lu]}", *comma, peer->name, ns, failed,
        (unsigned long)left[0], (unsigned long)left[1]);
    *comma = ",\n";
}

// --- All of it ------------------------------------------------------------------------------

enum {
    LOG_1, LOG_16, UNIFORM_16, ONE_CHUNK, NO_RUN_1, NO_RUN_16, NO_CHUNK_1, NO_CHUNK_16, ROWS
};

static const char *const row_name[] = {
    "1 to 512 frames, 1 GiB half full", "1 to 512 frames, 16 GiB half full",
    "uniform sizes, 16 GiB at 80 %", "2 in a chequerboard with 2 MiB", "2 that are not there, 1 GiB",
    "2 that are not there, 16 GiB", "2 MiB that is not there, 1 GiB",
    "2 MiB that is not there, 16 GiB",
};

static double measure(const struct peer *peer, unsigned row, char *arena) {
    bool large = row == LOG_16 || row == UNIFORM_16 || row == NO_RUN_16 || row == NO_CHUNK_16;
    uint64_t size = large ? 16 * GiB : GiB;
    start(peer, size, arena);
    switch (row) {
        case LOG_1:
        case LOG_16:
            return pairs(peer, size, 50, log_uniform, 1000000);
        case UNIFORM_16:
            return pairs(peer, size, 80, uniform, 1000000);
        case ONE_CHUNK:
            chequerboard(peer, size, true);
            return median(peer, 2, 500);
        default:
            chequerboard(peer, size, false);
            return median(peer, row == NO_RUN_1 || row == NO_RUN_16 ? 2 : 512, large ? 101 : 1001);
    }
}

void bench_runs(char *arena, unsigned runs, const char *only, const char *only_work, FILE *json,
    const char **comma) {
    printf("\n%-34s%-22s%12s%10s\n", "contiguous frames", "peer", "ns", "failed");
    for (unsigned row = 0; row < ROWS; ++row) {
        for (size_t p = 0; p < peer_count; ++p) {
            const struct peer *peer = &peers[p];
            if (!peer->alloc_run || (only && !strstr(peer->name, only))
                || (only_work && !strstr(row_name[row], only_work))) {
                continue;
            }
            double time[99];
            for (unsigned run = 0; run < runs; ++run) {
                time[run] = measure(peer, row, arena);
            }
            qsort(time, runs, sizeof(time[0]), by_value);
            double failed = row <= UNIFORM_16 ? 100.0 * (double)failures / (double)wishes : 0;
            printf("%-34s%-22s%12.1f%9.2f%%\n", row_name[row], peer->name, time[runs / 2], failed);
            fprintf(json, "%s{\"peer\": \"%s\", \"workload\": \"%s\", \"threads\": 1, \"ns\": %.3f, "
                "\"failed\": %.4f}", *comma, peer->name, row_name[row], time[runs / 2], failed);
            *comma = ",\n";
        }
    }
    printf("\n%-34s%-22s%10s%10s%8s%8s\n", "2 MiB frames left of 2048", "peer", "ns", "failed",
        "50 %", "10 %");
    for (size_t p = 0; p < peer_count; ++p) {
        if (peers[p].alloc_run && !(only && !strstr(peers[p].name, only))
            && !(only_work && !strstr("mixed at 90 % of 4 GiB", only_work))) {
            fragment(&peers[p], arena, json, comma);
        }
    }
}
