// The kernel's address space.
//
// From 0 to 64 TiB every address is the physical one: RAM cached, everything else below 4 GiB, where
// the machine's registers are, uncached. The kernel's text is read-only and executable, its constants
// read-only, all else not executable. The null frame and a frame below each stack are not mapped.
// Above 64 TiB are the heap's growth, the stacks of threads and what Python reserves, and in the last 512
// GiB what a CPU has for itself. That, the heap and the stacks are each CPU's own, all else is the same
// for all.
#ifndef RINGZERO_MEMORY_SPACE_H
#define RINGZERO_MEMORY_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory/paging.h"

#define SPACE_IDENTITY_END UINT64_C(0x400000000000)
#define SPACE_HEAP         UINT64_C(0x400000000000)
#define SPACE_HEAP_END     UINT64_C(0x500000000000)
#define SPACE_STACKS       UINT64_C(0x500000000000)
#define SPACE_STACKS_END   UINT64_C(0x600000000000)
#define SPACE_RESERVE      UINT64_C(0x600000000000)
#define SPACE_RESERVE_END  UINT64_C(0x7ffffffff000)
#define SPACE_PERCPU       UINT64_C(0xffffff8000000000)

// e820's kinds (ACPI 6.5 table 15.4).
enum {
    SPACE_USABLE = 1,
    SPACE_ACPI_RECLAIM = 3,
    SPACE_ACPI_NVS = 4,
    SPACE_PERSISTENT = 7,
};

// As this CPU sees it. Changed by the functions below alone.
extern paging_t space;

// Builds it with frames for its tables and switches to it. The regions [starts[i], lasts[i]] are
// sorted and do not overlap. Needs the boot tables, which map 4 GiB.
paging_status_t space_init(const uint64_t *starts, const uint64_t *lasts, const uint8_t *kinds, size_t count);
// Back to the boot tables: whoever owned frames owns them no more.
void space_leave(void);
bool space_ready(void);

// What a further CPU, the next in number, is started with: its own variables, as they are at the start, and
// its page tables. False: there is no memory. And for one that has not come up.
typedef struct {
    char *memory;
    uint64_t root;
} space_cpu_t;
bool space_add_cpu(space_cpu_t *cpu);
void space_remove_cpu(const space_cpu_t *cpu);

// As the functions of paging.h, with all CPUs at work: where a mapping goes or changes, each has been told
// when they return.
paging_status_t space_map(uint64_t va, uint64_t addr, uint64_t count, unsigned flags);
paging_status_t space_unmap(uint64_t va, uint64_t count, unsigned flags);
paging_status_t space_protect(uint64_t va, uint64_t count, unsigned flags);
paging_status_t space_check(uint64_t va, uint64_t addr, uint64_t count, unsigned flags);
paging_status_t space_translate(uint64_t va, paging_page_t *page);
bool space_next(uint64_t va, paging_page_t *page);
size_t space_tables(void);

// On this CPU: which protections it has, and the kinds of caching.
void space_cpu_init(void);

// Whether [va, va + count pages) touches what nobody but the kernel may map or unmap.
bool space_is_kernel(uint64_t va, uint64_t count);

// The end of what the CPU can address, or of the identity map where that comes first.
uint64_t space_addr_end(void);
// Whether [addr, addr + count pages) touches memory, as the map has it, usable or not.
bool space_is_memory(uint64_t addr, uint64_t count);
// Maps frames at their own address as all free memory is: writable, cached, not executable. Anything
// but PAGING_OK: there was no frame for a table, and not all of it is so yet.
paging_status_t space_restore(uint64_t addr, uint64_t count);

// Whether all of it can be read, or written; on the boot tables only what they map.
bool space_readable(uint64_t va, size_t size);
bool space_writable(uint64_t va, size_t size);

// Frames of the image for tables, how many are left of them, and how many of those are kept for
// when there are no others.
#define SPACE_TABLES 48
#define SPACE_RESERVE_FRAMES 32
extern size_t space_reserve_count;

// Address space that nothing else is in, aligned so that large pages fit; 0 where there is no more
// from space_reserve_next on.
uint64_t space_reserve(uint64_t count);
extern uint64_t space_reserve_next;

#endif
