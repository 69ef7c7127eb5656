// How long a frame takes: peers side by side in one process, each called through a pointer.
//
// Prints one table and writes rows of JSON to the file that is its argument. A ratio is to the
// bare call in the same workload. Threads run on CPUs of their own; peers that are not made for
// several stand behind a ticket lock then.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "frames_bench.h"
#include "peers.h"

#define BULK (262144u)
#define ROOM (1200000u)
#define HUGE_FRAMES (256u)
#define PAIRS (1u << 18)
#define MAX_RUNS (99)
#define GiB (UINT64_C(1) << 30)

_Thread_local unsigned host_cpu;

// The lower GiB of a PC as its firmware gives it away: unaligned, of several kinds, with holes.
#define LOWER_GIB \
    { 0x1000, 0x9fc00, 1 }, \
    { 0x9fc00, 0xa0000, 2 }, \
    { 0xf0000, 0x100000, 2 }, \
    { 0x113000, 0x2f7d3400, 1 }, \
    { 0x2f7d3400, 0x2f8e1000, 4 }, \
    { 0x2f8e1000, 0x3f5c9000, 1 }, \
    { 0x3f5c9000, 0x3fa00000, 3 }, \
    { 0x3fa01000, 0x3fff7000, 1 }

static const struct span pc[] = {
    LOWER_GIB,
    { 0x40000000, 0x6bd45000, 1 },
    { 0x6c000000, 0x7fd30000, 1 },
    { 0x7fd30000, 0x80000000, 4 },
    { 0xfd000000, 0xfe000000, 2 },
};

// The same with the other GiB above 4 GiB. Ours spares what lies below, so that half full means
// that the upper half is full to its last frames: what comes back there is allocated again at once.
static const struct span split_pc[] = {
    LOWER_GIB,
    { 0xfd000000, 0xfe000000, 2 },
    { 0x100000000, 0x12bd45000, 1 },
    { 0x12c000000, 0x13fd30000, 1 },
};
#define SPANS(map) (sizeof(map) / sizeof((map)[0]))

// Unaligned, and with holes of about the same size: 1000 frames.
static struct span many[1024];

enum {
    BULK_WORK, SHUFFLED, REPEAT, HALF, SPLIT, MANY, NEARLY_FULL, HUGE_WORK, FILL, FILL_HALF,
    BULK_2, REPEAT_2, HALF_2, SPLIT_2, HUGE_2, SETUP_1G, SETUP_16G, SETUP_1T, WORKLOADS
};
static const struct {
    const char *name;
    unsigned threads;
} workload[] = {
    { "bulk", 1 }, { "bulk, shuffled", 1 }, { "repeat", 1 }, { "random, half full", 1 },
    { "random, above 4 GiB full", 1 }, { "random, 1024 regions", 1 }, { "random, 26 free", 1 },
    { "2 MiB", 1 }, { "fill/drain 64", 1 }, { "fill/drain 64, half full", 1 }, { "bulk", 2 }, { "repeat", 2 },
    { "random, half full", 2 }, { "random, above 4 GiB full", 2 }, { "2 MiB", 2 },
    { "set-up 1 GiB", 1 }, { "set-up 16 GiB", 1 }, { "set-up 1 TiB", 1 },
};

static double result[16][WORKLOADS][MAX_RUNS];
static char *arena;
static uint64_t *allocated, allocated_count;
static uint32_t *choice;        // Random numbers, made before.

// A thread's own time: what else runs on this machine is not ours to measure.
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint64_t random_state = 88172645463325252;

static uint64_t random_number(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state >> 11;
}

static void shuffle(uint64_t *values, uint64_t count) {
    for (uint64_t i = count; i > 1; --i) {
        uint64_t k = random_number() % i, swap = values[k];
        values[k] = values[i - 1];
        values[i - 1] = swap;
    }
}

static void make_many(void) {
    uint64_t at = 0x123456;
    for (unsigned i = 0; i < SPANS(many); ++i) {
        uint64_t size = random_number() % 4096000 + 2048000;
        many[i] = (struct span) { at, at + size, 1 };
        at += size + random_number() % 4096000 + 2048000;
    }
}

static void must(int good, const struct peer *peer, const char *what) {
    if (!good) {
        fprintf(stderr, "frames_bench: %s: %s\n", peer->name, what);
        exit(1);
    }
}

// --- One thread -----------------------------------------------------------------------------

static void start(const struct peer *peer, int work) {
    if (work == SPLIT || work == SPLIT_2) {
        peer->init(split_pc, SPANS(split_pc), arena);
    } else if (work == MANY) {
        peer->init(many, SPANS(many), arena);
    } else {
        peer->init(pc, SPANS(pc), arena);
    }
    host_cpu = 0;
}

// All frames that there are; about as many if the peer never ends.
static void take_all(const struct peer *peer) {
    uint64_t addr, room = peer->gives_back ? ROOM : 2 * BULK;
    for (allocated_count = 0; allocated_count < room && (addr = peer->alloc()) >> 63 == 0; ++allocated_count) {
        allocated[allocated_count] = addr;
    }
    must(allocated_count < ROOM, peer, "more frames than there is room for");
    shuffle(allocated, allocated_count);
}

static void give_back(const struct peer *peer, uint64_t count) {
    while (count-- > 0) {
        peer->free(allocated[--allocated_count]);
    }
}

static double bulk(const struct peer *peer, int work) {
    uint64_t(*volatile alloc)(void) = peer->alloc;
    int(*volatile give)(uint64_t) = peer->free;
    start(peer, work);
    uint32_t count = BULK;
    if (peer->walk_to) {
        peer->walk_to(BULK / 2);
        count = 64;
    }
    uint64_t (*get)(void) = alloc;
    memset(allocated, 1, BULK * sizeof(*allocated));      // As warm for the first peer as for the others.
    double t0 = now();
    for (uint32_t i = 0; i < count; ++i) {
        allocated[i] = get();
    }
    double out = now() - t0;
    must(allocated[count - 1] >> 63 == 0, peer, "too little memory");
    if (work == SHUFFLED) {
        shuffle(allocated, count);
    }
    int (*put)(uint64_t) = give;
    int bad = 0;
    t0 = now();
    for (uint32_t i = 0; i < count; ++i) {
        bad |= put(allocated[i]);
    }
    double back = now() - t0;
    must(!bad, peer, "a good free was refused");
    return (out + back) / count / 2;
}

static double repeat(const struct peer *peer) {
    uint64_t(*volatile alloc)(void) = peer->alloc;
    int(*volatile give)(uint64_t) = peer->free;
    uint64_t (*get)(void) = alloc;
    int (*put)(uint64_t) = give;
    int bad = 0;
    double t0 = now();
    for (uint32_t i = 0; i < PAIRS; ++i) {
        bad |= put(get());
    }
    double t = now() - t0;
    must(!bad, peer, "a good free was refused");
    return t / PAIRS / 2;
}

// Give a random one back, get another.
static double pairs(const struct peer *peer, uint64_t *mine, uint64_t count, uint32_t n) {
    uint64_t(*volatile alloc)(void) = peer->alloc;
    int(*volatile give)(uint64_t) = peer->free;
    uint64_t (*get)(void) = alloc;
    int (*put)(uint64_t) = give;
    int bad = 0;
    for (uint32_t i = 0; i < n; ++i) {
        choice[i] = (uint32_t)(random_number() % count);
    }
    double t0 = now();
    for (uint32_t i = 0; i < n; ++i) {
        uint64_t *place = &mine[choice[i]];
        bad |= put(*place);
        *place = get();
    }
    double t = now() - t0;
    must(!bad, peer, "a good free was refused");
    return t / n / 2;
}

static double random_pairs(const struct peer *peer, int work) {
    start(peer, work);
    take_all(peer);
    give_back(peer, work == NEARLY_FULL ? 26 : allocated_count / 2);
    pairs(peer, allocated, allocated_count, PAIRS);       // Into the state that it stays in.
    return pairs(peer, allocated, allocated_count, PAIRS);
}

static double huge(const struct peer *peer, int work) {
    start(peer, work);
    double t0 = 0;
    uint64_t frames[HUGE_FRAMES];
    uint64_t(*volatile alloc)(void) = peer->alloc_2m;
    int(*volatile give)(uint64_t) = peer->free_2m;
    uint64_t (*get)(void) = alloc;
    int (*put)(uint64_t) = give;
    int bad = 0;
    const unsigned rounds = 200;
    for (unsigned round = 0; round < rounds + 2; ++round) {
        if (round == 2) {
            t0 = now();
        }
        for (unsigned i = 0; i < HUGE_FRAMES; ++i) {
            frames[i] = get();
        }
        for (unsigned i = 0; i < HUGE_FRAMES; ++i) {
            bad |= put(frames[i]);
        }
    }
    double t = now() - t0;
    must(!bad && frames[HUGE_FRAMES - 1] >> 63 == 0, peer, "2 MiB frames went wrong");
    return t / rounds / HUGE_FRAMES / 2;
}

static double fill(const struct peer *peer, int work) {
    start(peer, work);
    if (work == FILL_HALF) {
        take_all(peer);
        give_back(peer, allocated_count / 2);
    }
    uint64_t buf[64] = { 0 };
    const unsigned rounds = 20000;
    uint64_t(*volatile alloc)(void) = peer->alloc;
    int(*volatile give)(uint64_t) = peer->free;
    int bad = 0;
    double t0 = now();
    for (unsigned round = 0; round < rounds; ++round) {
        if (peer->fill) {
            bad |= peer->fill(buf, 64) != 64;
            peer->drain(buf, 64);
        } else {
            for (unsigned i = 0; i < 64; ++i) {
                buf[i] = alloc();
            }
            for (unsigned i = 0; i < 64; ++i) {
                bad |= give(buf[i]);
            }
        }
        __asm__ volatile ("" : : "r" (buf) : "memory");
    }
    double t = now() - t0;
    must(!bad, peer, "fill failed");
    return t / rounds / 64 / 2;
}

// --- Two threads ----------------------------------------------------------------------------

static pthread_barrier_t barrier;
static uint32_t ticket, serving;
static const struct peer *locked_peer;

static void lock(void) {
    uint32_t mine = __atomic_fetch_add(&ticket, 1, __ATOMIC_RELAXED);
    for (unsigned turns = 1; __atomic_load_n(&serving, __ATOMIC_ACQUIRE) != mine; ++turns) {
        __builtin_ia32_pause();
        if (turns % 1024 == 0) {
            sched_yield();      // Its turn may be that of a thread that does not run.
        }
    }
}

static void unlock(void) {
    __atomic_store_n(&serving, serving + 1, __ATOMIC_RELEASE);
}

static uint64_t locked_alloc(void) {
    lock();
    uint64_t addr = locked_peer->alloc();
    unlock();
    return addr;
}

static int locked_free(uint64_t addr) {
    lock();
    int bad = locked_peer->free(addr);
    unlock();
    return bad;
}

static uint64_t locked_alloc_2m(void) {
    lock();
    uint64_t addr = locked_peer->alloc_2m();
    unlock();
    return addr;
}

static int locked_free_2m(uint64_t addr) {
    lock();
    int bad = locked_peer->free_2m(addr);
    unlock();
    return bad;
}

struct job {
    const struct peer *peer;
    unsigned cpu;
    int work;
    uint64_t *mine;
    uint64_t count;
    double time;
    uint32_t divide;        // So many times fewer calls, for what stands behind a lock.
};

static void *thread(void *argument) {
    struct job *job = argument;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(job->cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
    host_cpu = job->cpu;
    uint64_t(*volatile alloc)(void) = job->peer->alloc;
    int(*volatile give)(uint64_t) = job->peer->free;
    if (job->work == HUGE_2) {
        alloc = job->peer->alloc_2m;
        give = job->peer->free_2m;
    }
    uint64_t (*get)(void) = alloc;
    int (*put)(uint64_t) = give;
    uint32_t all = (uint32_t)job->count;
    int bad = 0;
    uint32_t seed = 12345 + job->cpu;
    uint32_t *mine_choice = malloc(PAIRS * sizeof(*mine_choice));
    for (uint32_t i = 0; i < PAIRS; ++i) {
        seed = seed * 1664525 + 1013904223;
        mine_choice[i] = (uint32_t)((uint64_t)seed * all >> 32);
    }
    for (unsigned round = 0; round < 2; ++round) {      // The first one warms up.
        pthread_barrier_wait(&barrier);
        double t0 = now();
        uint64_t calls = 0;
        if (job->work == HALF_2 || job->work == SPLIT_2) {
            for (uint32_t i = 0; i < PAIRS / job->divide; ++i) {
                uint64_t *place = &job->mine[mine_choice[i]];
                bad |= put(*place);
                *place = get();
            }
            calls = 2 * (PAIRS / job->divide);
        } else if (job->work == REPEAT_2) {
            for (uint32_t i = 0; i < PAIRS / job->divide; ++i) {
                bad |= put(get());
            }
            calls = 2 * (PAIRS / job->divide);
        } else {
            unsigned times = job->work == HUGE_2 ? 400 / job->divide : 2;
            uint32_t n = job->work == HUGE_2 ? all : all / job->divide;
            for (unsigned k = 0; k < times; ++k) {
                for (uint32_t i = 0; i < n; ++i) {
                    job->mine[i] = get();
                }
                for (uint32_t i = 0; i < n; ++i) {
                    bad |= put(job->mine[i]);
                }
            }
            calls = 2 * (uint64_t)times * n;
        }
        job->time = (now() - t0) / (double)calls;
        pthread_barrier_wait(&barrier);
    }
    free(mine_choice);
    must(!bad, job->peer, workload[job->work].name);
    return NULL;
}

static double two_threads(const struct peer *peer, int work) {
    struct peer guarded = *peer;
    bool guard = peer->cpus < 2 && peer->gives_back;
    if (guard) {
        locked_peer = peer;
        guarded.alloc = locked_alloc;
        guarded.free = locked_free;
        guarded.alloc_2m = locked_alloc_2m;
        guarded.free_2m = locked_free_2m;
    }
    start(peer, work);
    uint64_t count = work == HUGE_2 ? 64 : BULK / 2;
    if (work == HALF_2 || work == SPLIT_2) {
        take_all(peer);
        give_back(peer, allocated_count / 2);
        count = allocated_count / 2;
    }
    struct job job[2];
    pthread_t id[2];
    pthread_barrier_init(&barrier, NULL, 2);
    for (unsigned i = 0; i < 2; ++i) {
        job[i] = (struct job) { &guarded, i, work, allocated + i * count, count, 0, guard ? 16 : 1 };
        pthread_create(&id[i], NULL, thread, &job[i]);
    }
    for (unsigned i = 0; i < 2; ++i) {
        pthread_join(id[i], NULL);
    }
    return (job[0].time + job[1].time) / 2;
}

// --- Set-up ---------------------------------------------------------------------------------

static double bits[16][3];

static double setup(const struct peer *peer, unsigned size_index) {
    static const uint64_t sizes[] = { GiB, 16 * GiB, 1024 * GiB };
    uint64_t start_addr = 0x123000, size = sizes[size_index];
    const struct span one = { start_addr, start_addr + size, 1 };
    size_t meta = (size_t)(size / 4096 / 8 * 5 / 4 + 65536) / 4096 * 4096;
    char *top = arena + start_addr + size - meta;
    memset(top, 0xa5, meta);
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    peer->init(&one, 1, arena);
    clock_gettime(CLOCK_MONOTONIC, &to);
    double t = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
    bits[peer - peers][size_index] = peer->bits ? peer->bits() : 0;
    return t;
}

// --- All of it ------------------------------------------------------------------------------

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool can(const struct peer *peer, int work) {
    bool bare = peer == peers;
    switch (work) {
        case BULK_WORK:
            return true;
        case HUGE_WORK:
            return peer->alloc_2m;
        case HUGE_2:
            return peer->alloc_2m && (bare || peer->cpus != 1);
        case SETUP_1G:
        case SETUP_16G:
        case SETUP_1T:
            return peer->fill;
        default:
            return bare || peer->gives_back;
    }
}

static double measure(const struct peer *peer, int work) {
    switch (work) {
        case BULK_WORK:
        case SHUFFLED:
            return bulk(peer, work);
        case REPEAT:
            start(peer, work);
            repeat(peer);
            return repeat(peer);
        case HALF:
        case SPLIT:
        case MANY:
        case NEARLY_FULL:
            return random_pairs(peer, work);
        case HUGE_WORK:
            return huge(peer, work);
        case FILL:
        case FILL_HALF:
            return fill(peer, work);
        case SETUP_1G:
        case SETUP_16G:
        case SETUP_1T:
            return setup(peer, (unsigned)(work - SETUP_1G));
        default:
            return two_threads(peer, work);
    }
}

int main(int argc, char **argv) {
    unsigned runs = argc > 2 ? (unsigned)atoi(argv[2]) : 7;
    const char *only = argc > 3 ? argv[3] : NULL;           // Peers with this in their names,
    const char *only_work = argc > 4 ? argv[4] : NULL;      // and workloads.
    runs = runs < MAX_RUNS ? runs : MAX_RUNS;
    // MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED.
    syscall(SYS_membarrier, 1 << 4, 0, 0);
    arena = mmap(NULL, 1025 * GiB, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (arena == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    make_many();
    allocated = malloc(ROOM * sizeof(*allocated));
    choice = malloc(PAIRS * sizeof(*choice));
    memset(allocated, 1, ROOM * sizeof(*allocated));
    memset(choice, 1, PAIRS * sizeof(*choice));
    for (unsigned run = 0; run < runs; ++run) {
        for (int work = 0; work < WORKLOADS; ++work) {
            if (only_work && !strstr(workload[work].name, only_work)) {
                continue;
            }
            for (size_t p = 0; p < peer_count; ++p) {
                if ((only && p && !strstr(peers[p].name, only)) || !can(&peers[p], work)) {
                    continue;
                }
                result[p][work][run] = measure(&peers[p], work);
            }
        }
        fprintf(stderr, "run %u of %u\r", run + 1, runs);
    }
    FILE *json = fopen(argc > 1 ? argv[1] : "/dev/null", "w");
    if (json == NULL) {
        perror(argv[1]);
        return 1;
    }
    const char *comma = "[\n";
    printf("\n%-26s%-22s%8s%12s%8s%8s\n", "workload", "peer", "threads", "ns", "ratio", "bits");
    for (int work = 0; work < WORKLOADS; ++work) {
        double bare = 0;
        for (size_t p = 0; p < peer_count; ++p) {
            qsort(result[p][work], runs, sizeof(double), by_value);
            double ns = result[p][work][runs / 2];
            if (ns == 0) {
                continue;
            }
            bare = p == 0 ? ns : bare;
            double bit = work >= SETUP_1G ? bits[p][work - SETUP_1G]
                : peers[p].bits ? bits[p][0] ? bits[p][0] : peers[p].bits() : 0;
            printf("%-26s%-22s%8u%12.2f", workload[work].name, peers[p].name,
                workload[work].threads, ns);
            fprintf(json, "%s{\"peer\": \"%s\", \"workload\": \"%s\", \"threads\": %u, "
                "\"ns\": %.3f, ", comma, peers[p].name, workload[work].name,
                workload[work].threads, ns);
            comma = ",\n";
            if (bare > 0) {
                printf("%8.2f", ns / bare);
                fprintf(json, "\"ratio\": %.3f, ", ns / bare);
            } else {
                printf("%8s", "-");
                fprintf(json, "\"ratio\": null, ");
            }
            if (peers[p].bits) {
                printf("%8.3f\n", bit);
                fprintf(json, "\"bits_per_frame\": %.4f}", bit);
            } else {
                printf("%8s\n", "-");
                fprintf(json, "\"bits_per_frame\": null}");
            }
        }
    }
    bench_runs(arena, runs < 3 ? runs : 3, only, only_work, json, &comma);
    fprintf(json, "\n]\n");
    fclose(json);
    return 0;
}
