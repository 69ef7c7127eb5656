// A frame is freed a second time, or a run allocated, by a CPU that is overtaken, each time at the worst
// moment, by another CPU.
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "frames.h"
#include "frames_cpu.h"

#define REQUIRE(condition) ((condition) ? (void)0 : wrong(#condition, __LINE__))

#define CHUNK (UINT64_C(0x200000))
#define START (CHUNK)
#define END (4 * CHUNK)
#define WORD (UINT64_C(0x40000))

_Thread_local unsigned host_cpu;
_Thread_local int host_in_interrupt;
_Thread_local unsigned long host_words;

enum { OWNER, SECOND, CPUS };

static sem_t turn[CPUS];
static _Thread_local unsigned stops;    // Bits of the points at which this CPU waits.
static uint64_t frame;                  // What comes twice.
static frames_status_t status;

static void wrong(const char *what, int line) {
    fprintf(stderr, "frames_preempted.c:%d: not so: %s\n", line, what);
    _exit(1);
}

static void print_text(void *context, const char *text, size_t length) {
    fwrite(text, 1, length, context);
}

static void *reach(uint64_t addr, uint64_t size) {
    static _Alignas(4096) char metadata[0x10000];
    (void)addr;
    return size <= sizeof metadata ? memset(metadata, 0xa5, size) : NULL;
}

// The other CPU runs until it stops or is done.
static void yield(void) {
    sem_post(&turn[!host_cpu]);
    sem_wait(&turn[host_cpu]);
}

void host_preemption(int point) {
    if (stops >> point & 1) {
        stops &= ~(1u << point);
        yield();
    }
}

static void *free_again(void *unused) {
    host_cpu = SECOND;
    stops = 1u << FRAMES_BEFORE_CLAIMS | 1u << FRAMES_BEFORE_ADD;
    status = frames_free(frame);
    sem_post(&turn[OWNER]);
    return unused;
}

// All is allocated and this CPU has all 64 frames of a word back, the last of them first: nobody else
// knows of them. The rest of the word's chunk is free if `whole`. Returns the word's address.
static uint64_t start(bool whole) {
    frames_deinit();
    uint64_t ranges[] = { START, END }, addr = 0;
    REQUIRE(frames_init(ranges, 1, CPUS, reach) == FRAMES_OK);
    frames_stats_t stats;
    frames_stats(&stats);
    for (uint64_t n = stats.total; n > 0; --n) {
        addr = frames_alloc();
        REQUIRE(!frames_failed(addr));
    }
    uint64_t word = addr & ~(WORD - 1), chunk = addr & ~(CHUNK - 1);
    REQUIRE(word == chunk + 7 * WORD);
    if (whole) {
        REQUIRE(frames_free_run(chunk, 7 * 64) == FRAMES_OK);
    }
    for (uint64_t at = word + WORD; at > word; at -= 4096) {
        REQUIRE(frames_free(at - 4096) == FRAMES_OK);
    }
    return word;
}

// Three frees elsewhere in a row: this CPU gives its word back.
static void leave_word(uint64_t word) {
    uint64_t other = START == (word & ~(CHUNK - 1)) ? START + CHUNK : START;
    for (uint64_t n = 0; n < 4; ++n) {
        REQUIRE(frames_free(other + WORD + n * 4096) == FRAMES_OK);
    }
}

static void finish(pthread_t second, frames_status_t expected, uint64_t free) {
    yield();
    pthread_join(second, NULL);
    REQUIRE(status == expected);
    frames_stats_t stats;
    frames_stats(&stats);
    REQUIRE(stats.free == free && frames_check(print_text, stderr) == 0);
    // None is handed out twice.
    static unsigned char seen[END / 4096];
    memset(seen, 0, sizeof seen);
    for (uint64_t addr; !frames_failed(addr = frames_alloc()); --free) {
        REQUIRE(!seen[addr / 4096]++);
    }
    REQUIRE(free == 0);
}

// The word is given back before the second free looks at the claims, and the chunk is made whole after.
static void merged(void) {
    pthread_t second;
    uint64_t word = start(true);
    frame = word + 5 * 4096;
    pthread_create(&second, NULL, free_again, NULL);
    sem_wait(&turn[OWNER]);
    stops = 1u << FRAMES_BEFORE_MERGE;
    leave_word(word);
    finish(second, FRAMES_BAD_FREE, 512 + 4);
}

// The word is given back before the second free looks at the claims, and claimed as a whole after.
static void claimed(void) {
    pthread_t second;
    uint64_t word = start(false), addr;
    frame = word + 5 * 4096;
    pthread_create(&second, NULL, free_again, NULL);
    sem_wait(&turn[OWNER]);
    leave_word(word);
    yield();
    // The four frames come first, then one of the word.
    unsigned n = 0;
    do {
        addr = frames_alloc();
        REQUIRE(!frames_failed(addr) && ++n <= 5);
    } while ((addr & ~(WORD - 1)) != word);
    REQUIRE(addr != frame);
    finish(second, FRAMES_BAD_FREE, 64 + 4 - n);
}

#define RUN (96u)

static void *allocate_run(void *unused) {
    host_cpu = SECOND;
    stops = 1u << FRAMES_BEFORE_TAKE;
    uint64_t addr = frames_alloc_run(RUN, 4096, 0);
    status = addr == frame ? FRAMES_OK : FRAMES_NO_MEMORY;
    sem_post(&turn[OWNER]);
    return unused;
}

// What a run has of its second word is claimed after the CPU that wants it has seen it: that has the
// first word then, gives it back, and finds the run when it has made the other CPU give up its claim.
static void broken(void) {
    pthread_t second;
    uint64_t word = start(false);
    frame = (START == (word & ~(CHUNK - 1)) ? START + CHUNK : START) + 2 * WORD;
    REQUIRE(frames_free_run(frame, RUN) == FRAMES_OK);
    pthread_create(&second, NULL, allocate_run, NULL);
    sem_wait(&turn[OWNER]);
    for (uint64_t n = 0; n < 4; ++n) {
        REQUIRE(frames_free(frame + (RUN + 8 + n) * 4096) == FRAMES_OK);
    }
    // Of the four, the last comes first. For the next one, all that is free of the word is claimed.
    REQUIRE(frames_alloc() == frame + (RUN + 11) * 4096);
    uint64_t addr = frames_alloc();
    REQUIRE(addr == frame + WORD && frames_free(addr) == FRAMES_OK);
    finish(second, FRAMES_OK, 64 + 3);
}

int main(void) {
    sem_init(&turn[OWNER], 0, 0);
    sem_init(&turn[SECOND], 0, 0);
    merged();
    claimed();
    broken();
    return 0;
}
