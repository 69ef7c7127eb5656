// The allocator on a pipe: one call per line in, one answer per line out, for tests in Python.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frames_chunk.h"
#include "frames_state.h"
#include "frames_tree.h"

#define MAX_NUMBERS (8192)

_Thread_local unsigned host_cpu;
_Thread_local int host_in_interrupt;
_Thread_local unsigned long host_words;

static uint64_t numbers[MAX_NUMBERS];
static void *memory[64];
static size_t memory_count;
static uint64_t reach_end = UINT64_MAX;

static void *reach(uint64_t addr, uint64_t size) {
    if (addr + size > reach_end || memory_count == 64) {
        return NULL;
    }
    void *base = aligned_alloc(4096, size);
    // Real memory holds anything.
    memset(base, 0xa5 + (int)memory_count * 37, size);
    memory[memory_count++] = base;
    return base;
}

// Text of a report, with its lines joined by '|'.
static void print_text(void *context, const char *text, size_t length) {
    (void)context;
    for (size_t i = 0; i < length; ++i) {
        putchar(text[i] == '\n' ? '|' : text[i]);
    }
}

static void answer(uint64_t addr) {
    if (frames_failed(addr)) {
        printf("-%d\n", frames_why(addr));
    } else {
        printf("%" PRIu64 "\n", addr);
    }
}

// Break one invariant, so that check() has something to find.
static void spoil(const char *what, size_t slot) {
    uint64_t mask = UINT64_C(1) << slot % GROUP_SLOTS;
    struct group *group = &self.groups[slot / GROUP_SLOTS];
    if (strcmp(what, "huge") == 0) {
        group->is[HUGE] ^= mask;
    } else if (strcmp(what, "partial") == 0) {
        group->is[PARTIAL] ^= mask;
    } else if (strcmp(what, "edge") == 0) {
        group->is[EDGE] ^= mask;
    } else if (strcmp(what, "free") == 0) {
        group->is[FREE] ^= mask;
    } else if (strcmp(what, "bound") == 0) {
        self.bounds[slot] = 1;
    } else if (strcmp(what, "group_bound") == 0) {
        self.group_bounds[0] = 0;
    } else if (strcmp(what, "hint") == 0) {
        self.hints.two[2] = slot * 512 + 1;
    } else if (strcmp(what, "line") == 0) {
        for (unsigned k = 0; k < LINE_WORDS; ++k) {
            line_of(slot)[k] = 0;
        }
    } else if (strcmp(what, "split") == 0) {
        frames_unmark(FREE, slot);
        frames_split(slot);
    } else if (strcmp(what, "sum1") == 0) {
        self.sum1[PARTIAL][0] = self.sum1[FREE][0] = 0;
    } else if (strcmp(what, "sum2") == 0) {
        self.sum2[PARTIAL][0] = self.sum2[FREE][0] = 0;
    } else if (strcmp(what, "region") == 0) {
        self.regions[0].start = self.regions[0].end;
    } else if (strcmp(what, "segment") == 0) {
        self.segments[0].bit += 1;
    } else if (strcmp(what, "ready") == 0) {
        self.ready = self.slots + 1;
    } else if (strcmp(what, "claim") == 0) {
        self.claims[slot] ^= 0x80;
    } else if (strcmp(what, "unit") == 0) {
        self.groups[slot / GROUP_SLOTS].claims ^= 0x80;
    } else if (strcmp(what, "word") == 0) {
        self.cpu[1].reservation[WORD].index = self.cpu[0].reservation[WORD].index;
    } else if (strcmp(what, "unclaimed") == 0) {
        self.claims[self.cpu[0].reservation[WORD].index / LINE_WORDS] = 0;
    } else if (strcmp(what, "both") == 0) {
        self.bits[self.cpu[0].reservation[WORD].index] |= self.cpu[0].reservation[WORD].mask;
    } else if (strcmp(what, "mask") == 0) {
        self.cpu[1].reservation[WORD].mask = 1;
    } else if (strcmp(what, "busy") == 0) {
        self.cpu[1].busy = 1;
    }
}

int main(void) {
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        char *rest = line;
        char *call = strsep(&rest, " \n");
        char *word = NULL;
        if (strcmp(call, "spoil") == 0) {
            word = strsep(&rest, " \n");
        }
        size_t n = 0;
        for (char *field; n < MAX_NUMBERS && (field = strsep(&rest, " \n"));) {
            if (*field) {
                numbers[n++] = strtoull(field, NULL, 0);
            }
        }
        if (strcmp(call, "init") == 0) {
            printf("%d\n", frames_init(numbers + 1, (n - 1) / 2, (unsigned)numbers[0], reach));
        } else if (strcmp(call, "deinit") == 0) {
            frames_deinit();
            while (memory_count) {
                free(memory[--memory_count]);
            }
            reach_end = UINT64_MAX;
            host_cpu = 0;
            puts("0");
        } else if (strcmp(call, "reach") == 0) {
            reach_end = numbers[0];
            puts("0");
        } else if (strcmp(call, "cpu") == 0) {
            host_cpu = (unsigned)numbers[0];
            puts("0");
        } else if (strcmp(call, "words") == 0) {
            printf("%lu\n", host_words);
            host_words = 0;
        } else if (strcmp(call, "interrupt") == 0) {
            host_in_interrupt = 1;
            puts("0");
        } else if (strcmp(call, "kernel") == 0) {
            answer(frames_alloc_kernel(numbers[0], numbers[1], numbers[2]));
        } else if (strcmp(call, "free_kernel") == 0) {
            printf("%d\n", frames_free_kernel(numbers[0], numbers[1]));
        } else if (strcmp(call, "kind") == 0) {
            printf("%d\n", frames_kind(numbers[0]));
        } else if (strcmp(call, "alloc") == 0) {
            answer(frames_alloc());
        } else if (strcmp(call, "alloc_2m") == 0) {
            answer(frames_alloc_2m());
        } else if (strcmp(call, "alloc_run") == 0) {
            answer(frames_alloc_run(numbers[0], numbers[1], numbers[2]));
        } else if (strcmp(call, "free") == 0) {
            printf("%d\n", frames_free(numbers[0]));
        } else if (strcmp(call, "free_2m") == 0) {
            printf("%d\n", frames_free_2m(numbers[0]));
        } else if (strcmp(call, "free_run") == 0) {
            printf("%d\n", frames_free_run(numbers[0], numbers[1]));
        } else if (strcmp(call, "fill") == 0) {
            size_t count = (size_t)numbers[0];
            printf("%d", frames_fill(numbers, count));
            for (size_t i = 0; i < count; ++i) {
                printf(" %" PRIu64, numbers[i]);
            }
            puts("");
        } else if (strcmp(call, "drain") == 0) {
            printf("%d\n", frames_drain(numbers, n));
        } else if (strcmp(call, "reserve") == 0) {
            printf("%d\n", frames_reserve(numbers[0], numbers[1]));
        } else if (strcmp(call, "stats") == 0) {
            frames_stats_t s = { 0 };
            int status = frames_stats(&s);
            printf("%d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
                " %" PRIu64 "\n", status, s.total, s.free, s.reserved, s.metadata,
                s.metadata_frames, s.metadata_addr, s.free_2m);
        } else if (strcmp(call, "check") == 0) {
            unsigned broken = frames_check(print_text, NULL);
            printf(" %u\n", broken);
        } else if (strcmp(call, "show") == 0) {
            int status = frames_show(print_text, NULL, (unsigned)numbers[0], (unsigned)numbers[1]);
            printf(" %d\n", status);
        } else if (strcmp(call, "runs") == 0) {
            int status = frames_runs(print_text, NULL);
            printf(" %d\n", status);
        } else if (strcmp(call, "text") == 0) {
            puts(frames_text((frames_status_t)numbers[0]));
        } else if (strcmp(call, "spoil") == 0) {
            spoil(word, n ? (size_t)numbers[0] : 0);
            puts("0");
        } else {
            puts("what?");
        }
        fflush(stdout);
    }
    free(line);
    frames_deinit();
    while (memory_count) {
        free(memory[--memory_count]);
    }
    return 0;
}
