// The page-frame allocator: who has which 4 KiB frame of physical memory.
//
// Addresses are physical and in bytes, counts are in frames of 4 KiB, ranges are half open.
// Free and allocated memory is never touched. The allocator's own data lies in frames that it takes
// from the map itself.
//
// A frame is allocated by itself, as part of a 2 MiB frame (512 frames at a multiple of 2 MiB), or as
// part of a 1 GiB frame. Any call may give back any set of allocated frames, in other portions than
// they were allocated in, but a 2 MiB or 1 GiB frame only goes back whole.
//
// A bad free is refused, and then nothing has changed. With several CPUs two double frees cannot be
// told from good ones, and can put a frame into two hands: one that comes when another CPU has got
// the frame again, and one that does not wait for the first to return.
//
// A call that allocates looks at no more than FRAMES_WORDS words of the allocator's data for each
// 2 MiB of memory, twice that with several CPUs, and at 64 more. Most look at few: where runs have become
// free lately is kept, and for each chunk of 2 MiB a bound for its longest run.
//
// With one CPU, nothing here may run in an interrupt handler that can interrupt itself here. With
// several, each CPU calls with interrupts off or from code that is never moved to another CPU.
#ifndef RINGZERO_FRAMES_H
#define RINGZERO_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAMES_SIZE (4096u)
#define FRAMES_2M (512u)      // Frames in 2 MiB.
#define FRAMES_1G (262144u)   // Frames in 1 GiB.
#define FRAMES_WORDS (72u)
#define FRAMES_REGIONS_MAX (1024u)
#define FRAMES_CPUS_MAX (256u)

typedef enum {
    FRAMES_OK,
    FRAMES_NO_MAP,          // frames_init() has not been called.
    FRAMES_NO_MEMORY,       // No such frames are free.
    FRAMES_BAD_ARGUMENT,    // Count, alignment, limit or range make no sense.
    FRAMES_BAD_FREE,        // Not allocated: free already, never allocated, outside, misaligned, or part of
                            // a bigger frame.
    FRAMES_IN_USE,          // frames_reserve() on memory that is allocated.
    FRAMES_HAVE_MAP,        // frames_init() for the second time.
} frames_status_t;

// What the functions that give an address return when there is none: the status, marked.
#define FRAMES_FAILED(status) (UINT64_C(1) << 63 | (status))
static inline bool frames_failed(uint64_t addr) {
    return addr >> 63;
}
static inline frames_status_t frames_why(uint64_t addr) {
    return (frames_status_t)(addr & 0xff);
}

// Where the physical range [addr, addr + size) can be read and written, or NULL if it cannot.
// Called by frames_init(), and by frames_reserve() when its list of regions must grow.
typedef void *(*frames_reach_t)(uint64_t addr, uint64_t size);

// Take over the memory in `ranges`: `count` pairs of start and end in bytes, in any order and
// alignment, overlapping or not; at most FRAMES_REGIONS_MAX of them once sorted and merged, and
// nothing from 2^52 on. Only whole frames inside a range count. `cpus` is the number of CPUs that
// will ever call: frames_cpu() in frames_cpu.h must stay below it.
// `ranges` is sorted and merged in place, and left so on failure too; nothing else changes then.
frames_status_t frames_init(uint64_t *ranges, size_t count, unsigned cpus, frames_reach_t reach);

// The only CPU says that from now on there are so many: before another one calls, and once. FRAMES_NO_MEMORY:
// there is no room for what that takes, and nothing has changed.
frames_status_t frames_share(unsigned cpus);

// Back to "no map yet". The caller knows that nobody holds frames any more.
void frames_deinit(void);

// One frame: its address, or frames_failed(). Before frames_init() CPU 0 gets FRAMES_NO_MAP and
// the others wait for the map.
uint64_t frames_alloc(void);
frames_status_t frames_free(uint64_t addr);

// One 2 MiB frame.
uint64_t frames_alloc_2m(void);
frames_status_t frames_free_2m(uint64_t addr);

// `count` contiguous frames, the first at a multiple of `align` bytes (a power of two, at least
// 4096), all of them below the address `below` (0: no limit).
uint64_t frames_alloc_run(uint64_t count, uint64_t align, uint64_t below);
frames_status_t frames_free_run(uint64_t addr, uint64_t count);

// Frames that a kernel takes for itself: the functions above and below do not give them back, and
// this gives nothing else back. Otherwise as frames_alloc_run() and frames_free_run(), with one more
// freedom: 1 GiB may go back in parts of whole 2 MiB frames.
uint64_t frames_alloc_kernel(uint64_t count, uint64_t align, uint64_t below);
frames_status_t frames_free_kernel(uint64_t addr, uint64_t count);

// Many single frames. All or nothing: with several CPUs a rollback can find that another CPU has
// already got a frame that the failed drain was giving back, which then stays with that CPU.
frames_status_t frames_fill(uint64_t *buf, size_t count);
frames_status_t frames_drain(const uint64_t *buf, size_t count);

// Take [start, end) out for good, rounded outwards to whole frames. Parts that the allocator does
// not have are ignored; the others must be free.
frames_status_t frames_reserve(uint64_t start, uint64_t end);

typedef struct {
    uint64_t total;             // Frames that can be allocated, now or later.
    uint64_t free;
    uint64_t free_2m;           // Free 2 MiB frames.
    uint64_t reserved;          // Frames taken out by frames_reserve().
    uint64_t metadata;          // Bytes of the allocator's own data, fixed variables included.
    uint64_t metadata_frames;   // Frames taken from the map for them.
    uint64_t metadata_addr;     // The first of them.
    uint64_t regions;
    uint64_t cpus;
} frames_stats_t;

frames_status_t frames_stats(frames_stats_t *stats);

// What an address is, for messages.
typedef enum {
    FRAMES_MISALIGNED,
    FRAMES_OUTSIDE,         // No frame of the allocator.
    FRAMES_FREE,
    FRAMES_SINGLE,          // Allocated, and can go back by itself.
    FRAMES_IN_2M,           // Part of an allocated 2 MiB frame,
    FRAMES_IN_1G,           // of a 1 GiB frame.
    FRAMES_KERNELS,
} frames_kind_t;

frames_kind_t frames_kind(uint64_t addr);

// Text goes out through a function of this form.
typedef void (*frames_print_t)(void *context, const char *text, size_t length);

// Verify every invariant; each broken one is printed by name. Returns how many are broken. Other
// CPUs must be quiet.
unsigned frames_check(frames_print_t print, void *context);

// A heat map in `columns` columns and at most `rows` rows; the free runs by power of two.
frames_status_t frames_show(frames_print_t print, void *context, unsigned columns, unsigned rows);
frames_status_t frames_runs(frames_print_t print, void *context);

// In words, for messages. Never NULL.
const char *frames_text(frames_status_t status);

#endif // RINGZERO_FRAMES_H
