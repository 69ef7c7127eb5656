// Several CPUs at once: every frame has a stamp, which only its owner may write, without an atomic.
//
// A frame in two hands shows as a wrong stamp, and as a data race under TSan; so does memory that
// changes hands with nothing to order it. Frames also go from thread to thread, so that they come
// back on another CPU than they were lent on, and memory is short, so that CPUs have to give up
// what they hold back.
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

static void *work(void *argument) {
    host_cpu = (unsigned)(uintptr_t)argument;
    uint32_t x = 2463534242u + host_cpu * 7919;
    struct {
        uint64_t addr, count;
    } held[HELD];
    size_t n = 0;
    // Before the map is there, all CPUs but the first wait for it.
    for (unsigned long call = 0; call < calls; ++call) {
        uint32_t r = next_random(&x);
        unsigned kind = r % 64;
        uint64_t addr = FRAMES_FAILED(FRAMES_NO_MEMORY), count = 1;
        if (n > 0 && (kind < 28 || n == HELD)) {
            size_t i = r / 64 % n;
            addr = held[i].addr;
            count = held[i].count;
            held[i] = held[--n];
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
        if (kind < 56) {
            addr = frames_alloc();
        } else if (kind < 58) {
            count = 1 + r / 64 % 40;
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
        REQUIRE(frames_free_run(held[n].addr, held[n].count) == FRAMES_OK);
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
    for (unsigned i = 0; i < 64; ++i) {
        REQUIRE(mailbox[0][i] == 0 || frames_free(mailbox[0][i]) == FRAMES_OK);
        REQUIRE(mailbox[1][i] == 0 || frames_free_2m(mailbox[1][i]) == FRAMES_OK);
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
    printf("%u threads, %lu calls each, out of memory %lu times\n", threads, calls, dry);
    return 0;
}
