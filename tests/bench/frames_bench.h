// What the files of the allocator's benchmark share.
#ifndef RINGZERO_FRAMES_BENCH_H
#define RINGZERO_FRAMES_BENCH_H

#include <stdio.h>

// Of contiguous frames: prints rows and writes them as JSON. `only` and `only_work` may be NULL.
void bench_runs(char *arena, unsigned runs, const char *only, const char *only_work, FILE *json,
    const char **comma);

#endif
