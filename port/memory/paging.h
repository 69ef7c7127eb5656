// Page tables of the x86_64 kind: four levels, pages of 4 KiB, 2 MiB and 1 GiB (SDM 3A 4.5).
//
// Plain C11 with nothing of the kernel in it: frames for tables come and go through callbacks, and
// physical memory is reached at `base`. `va` and `addr` are in bytes, `count` in pages of 4 KiB.
//
// The tables are always the smallest that say the same: a page is as large as its alignment, its
// neighbours and the CPU allow, and no table is empty. Every call checks all of its range and takes
// all the frames it needs before it changes anything, so one that fails has changed nothing.
#ifndef RINGZERO_MEMORY_PAGING_H
#define RINGZERO_MEMORY_PAGING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGING_SIZE UINT64_C(4096)
#define PAGING_SIZE_2M (UINT64_C(1) << 21)
#define PAGING_SIZE_1G (UINT64_C(1) << 30)

typedef enum {
    PAGING_OK,
    PAGING_MISALIGNED,    // va or addr is no multiple of 4096
    PAGING_NOT_CANONICAL, // SDM 1 3.3.7.1: the range leaves the two halves of 48 bits
    PAGING_TOO_LONG,      // count is 0, or the range ends beyond the last address
    PAGING_BAD_FLAGS,     // writable and executable where the tables are not for that, or two kinds of caching
    PAGING_MAPPED,        // something is mapped there
    PAGING_UNMAPPED,      // something there is not mapped
    PAGING_OWNED,         // the kernel's own, and the call says neither PAGING_OWN nor _DISOWN
    PAGING_NO_FRAME,      // no frame for a table
} paging_status_t;

// What a mapping allows. Reading always is; writing and executing never together in the kernel's own tables.
enum {
    PAGING_WRITE = 1,
    PAGING_EXECUTE = 2,
    PAGING_COMBINE = 4,   // write-combining: PAT entry 1
    PAGING_UNCACHED = 8,  // PAT entry 3
    PAGING_OWN = 16,      // the kernel's own: only calls with this or the next change it
    PAGING_DISOWN = 32,   // what was the kernel's own is it no more
    PAGING_FLAGS = 63,
};

typedef struct paging {
    uint64_t root;        // address of the top table
    uintptr_t base;       // where address 0 is seen
    bool has_1g;          // CPUID 80000001h EDX bit 26
    bool allows_both;     // writing and executing together: firmware may have code and data in one
    void *context;        // for the callbacks
    uint64_t (*take)(void *context); // address of a frame; 0 where there is none
    void (*give)(void *context, uint64_t addr);
    // [va, va + size) has changed where something was mapped. Called before tables are given back.
    void (*flush)(void *context, uint64_t va, uint64_t size);
} paging_t;

typedef struct {
    uint64_t va;
    uint64_t addr;
    uint64_t size; // of the page, in bytes
    unsigned flags;
} paging_page_t;

// Takes the top table; all else in *paging is the caller's.
paging_status_t paging_init(paging_t *paging);

paging_status_t paging_map(paging_t *paging, uint64_t va, uint64_t addr, uint64_t count, unsigned flags);
// flags: PAGING_OWN, PAGING_DISOWN or 0.
paging_status_t paging_unmap(paging_t *paging, uint64_t va, uint64_t count, unsigned flags);
paging_status_t paging_protect(paging_t *paging, uint64_t va, uint64_t count, unsigned flags);

// Whether nothing is mapped there: PAGING_OK, or what paging_map() would say.
paging_status_t paging_check(paging_t *paging, uint64_t va, uint64_t addr, uint64_t count, unsigned flags);

// The page that holds va, any byte address. PAGING_UNMAPPED; PAGING_NOT_CANONICAL.
paging_status_t paging_translate(const paging_t *paging, uint64_t va, paging_page_t *page);

// The first page that ends above va. False: there is none.
bool paging_next(const paging_t *paging, uint64_t va, paging_page_t *page);

// How many frames the tables take.
size_t paging_tables(const paging_t *paging);

// In words, for messages.
const char *paging_text(paging_status_t status);

#endif
