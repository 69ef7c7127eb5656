// The allocators that the benchmark compares. Each is what somebody would write who wants it
// small and right, not a straw man; none is made for one of the workloads.
#ifndef RINGZERO_BENCH_PEERS_H
#define RINGZERO_BENCH_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME (4096u)

struct span {
    uint64_t start, end;        // Bytes.
    int kind;                   // 1: usable.
};

struct peer {
    const char *name;
    // Takes over the usable memory. Physical address a is at base + a.
    void (*init)(const struct span *spans, size_t count, char *base);
    uint64_t (*alloc)(void);            // UINT64_MAX: none left.
    int (*free)(uint64_t addr);             // 0: well.
    uint64_t (*alloc_2m)(void);         // NULL if it cannot.
    int (*free_2m)(uint64_t addr);
    uint64_t (*alloc_run)(uint64_t count);      // 1 to 512 contiguous ones; NULL if it cannot.
    int (*free_run)(uint64_t addr, uint64_t count);
    uint64_t (*free_chunks)(void);      // How many 2 MiB frames are free.
    size_t (*fill)(uint64_t *buf, size_t count);
    void (*drain)(const uint64_t *buf, size_t count);
    double (*bits)(void);               // Of metadata per frame; NULL if that is not a fixed figure.
    unsigned cpus;                      // More than one: safe with as many threads.
    bool gives_back;                    // It has a real free().
    void (*walk_to)(uint64_t n);        // Its calls are O(n): measure few, from here on.
};

extern const struct peer peers[];
extern const size_t peer_count;

#endif
