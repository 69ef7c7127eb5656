// Several CPUs at once: every frame has a stamp, which only its owner may write, without an atomic.
//
// A frame in two hands shows as a wrong stamp, and as a data race under TSan; so does memory that
// changes hands with nothing to order it. Frames also go from thread to thread, so that they come
// back on another CPU than they were allocated on, and memory is short, so that CPUs have to give up
// what they have reserved.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "frames.h"

#define MAX_THREADS (8)
#define HELD (1200)
#define SPAN (16384u)

_Thread_local unsigned host_cpu;
_Thread_local int host_in_interrupt;
_Thread_local unsigned long host_words;

static uint32_t stamp[SPAN];    // By frame number.
static uint64_t mailbox[2][64];        // Of single frames and of 2 MiB frames.
static unsigned long calls;
static unsigned long out_of_memory[MAX_THREADS];

#define REQUIRE(condition) ((condition) ? (void)0 : wrong(#condition, __LINE__))

static void print_text(void *context, const char *text, size_t length) {
    fwrite(text, 1, length, context);
}

static void wrong(const char *what, int line) {
    fprintf(stderr, "frames_threads.c:%d: not so: %s\n", line, what);
    _exit(1);
}

static void *reach(uint64_t addr, uint64_t size) {
    (void)addr;
    void *base = aligned_alloc(4096, size);
    return base ? memset(base, 0xa5, size) : NULL;
}

static void own(uint64_t addr, uint64_t count) {
    for (uint64_t i = addr / 4096; i < addr / 4096 + count; ++i) {
        REQUIRE(i < SPAN && stamp[i] == 0);
        stamp[i] = host_cpu + 1;
    }
}

static void disown(uint64_t addr, uint64_t count, unsigned owner) {
    for (uint64_t i = addr / 4096; i < addr / 4096 + count; ++i) {
        REQUIRE(stamp[i] == owner);
        stamp[i] = 0;
    }
}

static uint32_t next_random(uint32_t *x) {
    *x ^= *x << 13;
    *x ^= *x >> 17;
    *x ^= *x << 5;
    return *x;
}

static void empty_mailboxes(void) {
    for (unsigned i = 0; i < 64; ++i) {
        REQUIRE(mailbox[0][i] == 0 || frames_free(mailbox[0][i]) == FRAMES_OK);
        REQUIRE(mailbox[1][i] == 0 || frames_free_2m(mailbox[1][i]) == FRAMES_OK);
    }
}

// --- Frees, and those that come twice -------------------------------------------------------

// Nobody allocates now. Each thread gives back what it has, and says so; what another one has given
// back it tries again, while chunks become whole and CPUs give up what they have reserved.
#define MINE (4096u)
static uint64_t mine[MAX_THREADS][MINE];
static size_t mine_count[MAX_THREADS], given[MAX_THREADS];
static unsigned thread_count;
static pthread_barrier_t barrier;

static void free_twice(uint32_t *x) {
    size_t n = 0;
    pthread_barrier_wait(&barrier);
    while (n < MINE) {
        uint64_t addr = frames_alloc();
        if (frames_failed(addr)) {
            break;
        }
        // Threads share words, too.
        mine[host_cpu][n++] = addr;
    }
    mine_count[host_cpu] = n;
    __atomic_store_n(&given[host_cpu], 0, __ATOMIC_RELEASE);
    pthread_barrier_wait(&barrier);
    for (size_t i = 0; i < n; ++i) {
        REQUIRE(frames_free(mine[host_cpu][i]) == FRAMES_OK);
        __atomic_store_n(&given[host_cpu], i + 1, __ATOMIC_RELEASE);
        unsigned other = next_random(x) % thread_count;
        size_t done = __atomic_load_n(&given[other], __ATOMIC_ACQUIRE);
        if (done) {
            size_t back = next_random(x) % (done < 600 ? done : 600);
            REQUIRE(frames_free(mine[other][done - 1 - back]) == FRAMES_BAD_FREE);
            REQUIRE(frames_free_run(mine[other][done - 1], 1) == FRAMES_BAD_FREE);
        }
    }
    pthread_barrier_wait(&barrier);
    if (host_cpu == 0) {
        frames_stats_t stats;
        frames_stats(&stats);
        REQUIRE(stats.free == stats.total && frames_check(print_text, stderr) == 0);
    }
    pthread_barrier_wait(&barrier);
}

// One chunk, of which the first CPU takes a little and gives it back, so that it is broken up and
// made whole all the time, and others close the CPUs. The rest of it is free, whoever asks.
#define CHUNK (UINT64_C(0x200000))

static void *hammer(void *argument) {
    host_cpu = (unsigned)(uintptr_t)argument;
    uint32_t x = 362436069u + host_cpu;
    pthread_barrier_wait(&barrier);
    for (unsigned long call = 0; call < calls / 2; ++call) {
        uint32_t r = next_random(&x);
        if (host_cpu == 0) {
            uint64_t addr = r % 2 ? frames_alloc_run(2, CHUNK, 0) : frames_alloc();
            REQUIRE(frames_failed(addr) || (addr >= CHUNK && addr < CHUNK + 64 * 4096));
            REQUIRE(frames_failed(addr) || frames_free_run(addr, 1 + r % 2) == FRAMES_OK);
            continue;
        }
        if (r % 64 == 0) {
            uint64_t addr = frames_alloc_2m();
            REQUIRE(frames_failed(addr) || frames_free_2m(addr) == FRAMES_OK);
        }
        // Of the first word as well: nobody has its last frames.
        uint64_t addr = CHUNK + (60 + r / 64 % 452) * 4096;
        REQUIRE(frames_free(addr) == FRAMES_BAD_FREE);
        REQUIRE(frames_free_run(addr, 1 + r % 3) == FRAMES_BAD_FREE);
    }
    return NULL;
}

static void start_hammer(void) {
    frames_deinit();
    uint64_t ranges[] = { CHUNK, 2 * CHUNK, 4 * CHUNK, 4 * CHUNK + 0x8000 };
    host_cpu = 0;
    REQUIRE(frames_init(ranges, 2, thread_count, reach) == FRAMES_OK);
    uint64_t addr;
    while (!frames_failed(addr = frames_alloc_run(1, 4096, 0))) {
        stamp[addr / 4096] = addr >= CHUNK && addr < 2 * CHUNK;
    }
    for (addr = CHUNK; addr < 2 * CHUNK; addr += 4096) {
        REQUIRE(stamp[addr / 4096] && frames_free(addr) == FRAMES_OK);
    }
    // This CPU has reserved the last word. Made whole, the chunk is broken up from its first word on.
    addr = frames_alloc_2m();
    REQUIRE(addr == CHUNK && frames_free_2m(addr) == FRAMES_OK);
}

static void *work(void *argument) {
    host_cpu = (unsigned)(uintptr_t)argument;
    uint32_t x = 2463534242u + host_cpu * 7919;
    struct {
        uint64_t addr, count;
        bool kernel;
    } held[HELD];
    size_t n = 0;
    // Before the map is there, all CPUs but the first wait for it.
    for (unsigned long call = 0; call < calls; ++call) {
        uint32_t r = next_random(&x);
        unsigned kind = r % 64;
        uint64_t addr = FRAMES_FAILED(FRAMES_NO_MEMORY), count = 1;
        bool kernel = false;
        if (n > 0 && (kind < 28 || n == HELD)) {
            size_t i = r / 64 % n;
            addr = held[i].addr;
            count = held[i].count;
            bool kernel = held[i].kernel;
            held[i] = held[--n];
            if (kernel) {
                REQUIRE((count == 1 ? frames_free(addr) : frames_free_run(addr, count))
                    == FRAMES_BAD_FREE);
                disown(addr, count, host_cpu + 1);
                REQUIRE(frames_free_kernel(addr, count) == FRAMES_OK);
                continue;
            }
            REQUIRE(frames_free_kernel(addr, count) == FRAMES_BAD_FREE);
            if ((count == 1 || count == 512) && r & 0x40000000) {
                // Somebody else may give it back.
                for (uint64_t i = addr / 4096; i < addr / 4096 + count; ++i) {
                    stamp[i] = 99;
                }
                addr = __atomic_exchange_n(&mailbox[count == 512][r / 64 % (count == 512 ? 4 : 64)], addr,
                    __ATOMIC_ACQ_REL);
                if (addr == 0) {
                    continue;
                }
                disown(addr, count, 99);
            } else {
                disown(addr, count, host_cpu + 1);
            }
            REQUIRE((count == 1 ? frames_free(addr) : count == 512 ? frames_free_2m(addr)
                : frames_free_run(addr, count)) == FRAMES_OK);
            continue;
        }
        if (kind < 48) {
            addr = frames_alloc();
        } else if (kind < 50) {
            count = r % 3 ? 1 : r % 2 ? 1 + r / 64 % 70 : 512;
            addr = frames_alloc_kernel(count, count == 512 ? 512 * 4096 : 4096, 0);
            kernel = true;
        } else if (kind < 58) {
            count = 1 + r / 64 % (r % 4096 < 512 ? 700 : 40);
            addr = frames_alloc_run(count, 4096u << r / 4096 % 4, 0);
        } else if (kind < 59) {
            count = 512;
            addr = frames_alloc_2m();
        } else if (kind < 60) {
            count = 1;
            addr = frames_alloc_run(1, 4096, 4096 * 3000);
        } else {
            uint64_t buf[100];
            count = r / 64 % 100;
            if (frames_fill(buf, count) == FRAMES_OK) {
                for (size_t i = 0; i < count; ++i) {
                    own(buf[i], 1);
                }
                for (size_t i = 0; i < count; ++i) {
                    disown(buf[i], 1, host_cpu + 1);
                }
                REQUIRE(frames_drain(buf, count) == FRAMES_OK);
            } else {
                ++out_of_memory[host_cpu];
            }
            continue;
        }
        if (frames_failed(addr)) {
            REQUIRE(frames_why(addr) == FRAMES_NO_MEMORY);
            ++out_of_memory[host_cpu];
            continue;
        }
        own(addr, count);
        held[n].addr = addr;
        held[n].kernel = kernel;
        held[n++].count = count;
        // Nobody's: free already, and outside.
        if (kind == 30) {
            REQUIRE(frames_free(UINT64_C(1) << 40) == FRAMES_BAD_FREE);
            REQUIRE(frames_free(addr + 1) == FRAMES_BAD_FREE);
        }
    }
    while (n > 0) {
        --n;
        disown(held[n].addr, held[n].count, host_cpu + 1);
        REQUIRE((held[n].kernel ? frames_free_kernel : frames_free_run)(held[n].addr, held[n].count)
            == FRAMES_OK);
    }
    pthread_barrier_wait(&barrier);
    if (host_cpu == 0) {
        empty_mailboxes();
    }
    for (unsigned round = 0; round < calls / 4000; ++round) {
        free_twice(&x);
    }
    return NULL;
}

int main(int argc, char **argv) {
    unsigned threads = argc > 1 ? (unsigned)atoi(argv[1]) : 4;
    calls = argc > 2 ? strtoul(argv[2], NULL, 0) : 100000;
    REQUIRE(threads >= 1 && threads <= MAX_THREADS);
    // MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED.
    if (syscall(SYS_membarrier, 1 << 4, 0, 0) != 0) {
        printf("no membarrier(2) here\n");
        return 77;
    }
    thread_count = threads;
    pthread_barrier_init(&barrier, NULL, threads);
    pthread_t id[MAX_THREADS];
    for (unsigned i = 1; i < threads; ++i) {
        pthread_create(&id[i], NULL, work, (void *)(uintptr_t)i);
    }
    REQUIRE(frames_why(frames_alloc()) == FRAMES_NO_MAP);
    uint64_t ranges[] = {
        0x5000, 0x9f000, 0x100000, 0x4d3000, 0x4d8000, 0xa00000, 0x1234000, 0x1fff000,
        0x2000000, 0x3123000,
    };
    REQUIRE(frames_init(ranges, 5, threads, reach) == FRAMES_OK);
    work((void *)0);
    for (unsigned i = 1; i < threads; ++i) {
        pthread_join(id[i], NULL);
    }
    frames_stats_t stats;
    frames_stats(&stats);
    REQUIRE(frames_check(print_text, stderr) == 0);
    REQUIRE(stats.free == stats.total);
    unsigned long dry = 0;
    for (unsigned i = 0; i < threads; ++i) {
        dry += out_of_memory[i];
    }
    // All of it must be there for one CPU, whatever the others held back.
    uint64_t n = 0;
    while (!frames_failed(frames_alloc())) {
        ++n;
    }
    REQUIRE(n == stats.total);
    start_hammer();
    for (unsigned i = 0; i < threads; ++i) {
        pthread_create(&id[i], NULL, hammer, (void *)(uintptr_t)i);
    }
    for (unsigned i = 0; i < threads; ++i) {
        pthread_join(id[i], NULL);
    }
    REQUIRE(frames_check(print_text, stderr) == 0);
    frames_stats(&stats);
    REQUIRE(stats.free == 512);
    printf("%u threads, %lu calls each, out of memory %lu times\n", threads, calls, dry);
    return 0;
}
