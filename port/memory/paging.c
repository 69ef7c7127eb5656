#include <string.h>

#include "memory/paging.h"

// SDM 3A tables 4-15 to 4-20.
#define PRESENT      UINT64_C(0x001)
#define WRITABLE     UINT64_C(0x002)
#define PWT          UINT64_C(0x008)
#define PCD          UINT64_C(0x010)
#define ACCESSED     UINT64_C(0x020)
#define DIRTY        UINT64_C(0x040)
#define LARGE        UINT64_C(0x080)
#define OWN          UINT64_C(0x200) // ignored by the CPU
#define NO_EXECUTE   (UINT64_C(1) << 63)
#define ADDR_MASK    UINT64_C(0x000ffffffffff000)

// Set from the start, so that the CPU never writes to a table.
#define TABLE_BITS   (PRESENT | WRITABLE | ACCESSED)
#define LEAF_BITS    (PRESENT | ACCESSED | DIRTY)

#define ENTRIES      512
#define TOP          4   // levels count down to 1, the one of 4 KiB pages
#define HALF         (UINT64_C(1) << 47)

typedef enum { MAP, UNMAP, PROTECT } op_t;

// One call's work.
typedef struct {
    paging_t *paging;
    op_t op;
    bool own;         // may change what is the kernel's
    bool stale;       // the CPU may hold what is no longer so
    uint64_t delta;   // MAP: addr - va
    uint64_t leaf;    // MAP, PROTECT: the bits of a page's entry, less LARGE
    uint64_t pool;    // frames taken, each holding the address of the next
    uint64_t dead;    // tables to give back, likewise
} work_t;

static uint64_t *at(const paging_t *paging, uint64_t addr) {
    return (uint64_t *)(paging->base + (uintptr_t)addr);
}

static uint64_t *table_of(const paging_t *paging, uint64_t entry) {
    return at(paging, entry & ADDR_MASK);
}

// The size of what one entry of a table at this level covers.
static uint64_t span(int level) {
    return UINT64_C(1) << (12 + 9 * (level - 1));
}

static unsigned index_of(int level, uint64_t va) {
    return va >> (12 + 9 * (level - 1)) & (ENTRIES - 1);
}

// The last byte of [va, last] that the entry of va covers.
static uint64_t last_in(int level, uint64_t va, uint64_t last) {
    uint64_t end = va | (span(level) - 1);
    return end < last ? end : last;
}

static bool is_leaf(int level, uint64_t entry) {
    return level == 1 || (entry & LARGE);
}

static uint64_t leaf_at(int level, uint64_t addr, uint64_t bits) {
    return addr | bits | (level > 1 ? LARGE : 0);
}

static uint64_t leaf_addr(int level, uint64_t entry) {
    return entry & ADDR_MASK & ~(span(level) - 1);
}

static uint64_t leaf_bits(uint64_t entry) {
    return entry & (LEAF_BITS | WRITABLE | PWT | PCD | OWN | NO_EXECUTE);
}

static uint64_t bits_of(unsigned flags) {
    return LEAF_BITS
           | (flags & PAGING_WRITE ? WRITABLE : 0)
           | (flags & PAGING_EXECUTE ? 0 : NO_EXECUTE)
           | (flags & PAGING_COMBINE ? PWT : 0)
           | (flags & PAGING_UNCACHED ? PCD | PWT : 0)
           | (flags & PAGING_OWN ? OWN : 0);
}

static unsigned flags_of(uint64_t entry) {
    return (entry & WRITABLE ? PAGING_WRITE : 0)
           | (entry & NO_EXECUTE ? 0 : PAGING_EXECUTE)
           | (entry & PCD ? PAGING_UNCACHED : entry & PWT ? PAGING_COMBINE : 0)
           | (entry & OWN ? PAGING_OWN : 0);
}

// Whether pages of this level's size exist.
static bool has_size(const paging_t *paging, int level) {
    return level <= 2 || (level == 3 && paging->has_1g);
}

// Whether one entry can map all of [va, last].
static bool fits(const work_t *work, int level, uint64_t va, uint64_t last) {
    return last - va + 1 == span(level) && has_size(work->paging, level)
           && ((va + work->delta) & (span(level) - 1)) == 0;
}

// How many entries of the table, from that of va on, can be pages of [va, last] where nothing is.
static uint64_t free_entries(const work_t *work, const uint64_t *table, int level, uint64_t va, uint64_t last) {
    if (!has_size(work->paging, level) || ((va | (va + work->delta)) & (span(level) - 1)) != 0) {
        return 0;
    }
    uint64_t limit = (last - va + 1) / span(level), count = 0;
    for (unsigned i = index_of(level, va); i < ENTRIES && count < limit && !(table[i] & PRESENT); ++i) {
        count += 1;
    }
    return count;
}

// How many tables it takes to map [va, last], which one entry covers, where nothing is.
static size_t tables_to_map(const work_t *work, int level, uint64_t va, uint64_t last) {
    if (fits(work, level, va, last)) {
        return 0;
    }
    if (level == 2) {
        return 1;
    }
    size_t count = 1;
    for (;;) {
        uint64_t end = last_in(level - 1, va, last);
        count += tables_to_map(work, level - 1, va, end);
        if (end == last) {
            return count;
        }
        va = end + 1;
    }
}

// How many tables it takes to cut [va, last] out of the one page that covers it.
static size_t tables_to_split(int level, uint64_t va, uint64_t last) {
    if (last - va + 1 == span(level)) {
        return 0;
    }
    uint64_t end = last_in(level - 1, va, last);
    size_t count = 1 + tables_to_split(level - 1, va, end);
    if (end != last) {
        count += tables_to_split(level - 1, last & ~(span(level - 1) - 1), last);
    }
    return count;
}

// Whether the work can be done on [va, last], and how many frames it takes.
static paging_status_t check(const work_t *work, const uint64_t *table, int level, uint64_t va, uint64_t last, size_t *need) {
    for (;;) {
        uint64_t end = last_in(level, va, last);
        uint64_t entry = table[index_of(level, va)];
        uint64_t pages = work->op == MAP ? free_entries(work, table, level, va, last) : 0;
        if (pages > 0) {
            end = va + (pages * span(level) - 1);
        } else if (!(entry & PRESENT)) {
            if (work->op != MAP) {
                return PAGING_UNMAPPED;
            }
            *need += tables_to_map(work, level, va, end);
        } else if (is_leaf(level, entry)) {
            if (work->op == MAP) {
                return PAGING_MAPPED;
            }
            if ((entry & OWN) && !work->own) {
                return PAGING_OWNED;
            }
            if (work->op == UNMAP || leaf_bits(entry) != work->leaf) {
                *need += tables_to_split(level, va, end);
            }
        } else {
            paging_status_t status = check(work, table_of(work->paging, entry), level - 1, va, end, need);
            if (status != PAGING_OK) {
                return status;
            }
        }
        if (end == last) {
            return PAGING_OK;
        }
        va = end + 1;
    }
}

static uint64_t take_table(work_t *work) {
    uint64_t addr = work->pool;
    uint64_t *table = at(work->paging, addr);
    work->pool = table[0];
    memset(table, 0, PAGING_SIZE);
    return addr;
}

// A CPU that still holds the way to the table sees the link as an entry that is not present.
static void drop_table(work_t *work, uint64_t addr) {
    *at(work->paging, addr) = work->dead;
    work->dead = addr;
    work->stale = true;
}

static bool is_empty(const uint64_t *table) {
    for (unsigned i = 0; i < ENTRIES; ++i) {
        if (table[i] != 0) {
            return false;
        }
    }
    return true;
}

// The entry of one page in place of the table, one level down from `level`; 0 where that is not
// the same.
static uint64_t merged(const paging_t *paging, int level, const uint64_t *table) {
    uint64_t first = table[0];
    if (!has_size(paging, level) || !(first & PRESENT) || !is_leaf(level - 1, first)) {
        return 0;
    }
    uint64_t addr = leaf_addr(level - 1, first);
    uint64_t bits = leaf_bits(first);
    if ((addr & (span(level) - 1)) != 0) {
        return 0;
    }
    for (unsigned i = 1; i < ENTRIES; ++i) {
        if (table[i] != leaf_at(level - 1, addr + i * span(level - 1), bits)) {
            return 0;
        }
    }
    return leaf_at(level, addr, bits);
}

// Does the work, which check() found possible.
static void apply(work_t *work, uint64_t *table, int level, uint64_t va, uint64_t last) {
    for (;;) {
        uint64_t end = last_in(level, va, last);
        uint64_t *entry = &table[index_of(level, va)];
        bool whole = end - va + 1 == span(level);
        uint64_t pages = work->op == MAP ? free_entries(work, table, level, va, last) : 0;
        if (pages > 0) {
            end = va + (pages * span(level) - 1);
            uint64_t leaf = leaf_at(level, va + work->delta, work->leaf);
            for (uint64_t i = 0; i < pages; ++i) {
                entry[i] = leaf;
                leaf += span(level);
            }
        } else if ((*entry & PRESENT) && is_leaf(level, *entry) && work->op == PROTECT && leaf_bits(*entry) == work->leaf) {
            // It is so already.
        } else if ((*entry & PRESENT) && is_leaf(level, *entry) && whole) {
            *entry = work->op == UNMAP ? 0 : leaf_at(level, leaf_addr(level, *entry), work->leaf);
            work->stale = true;
        } else {
            if (!(*entry & PRESENT)) {
                *entry = take_table(work) | TABLE_BITS;
            } else if (is_leaf(level, *entry)) {
                uint64_t addr = leaf_addr(level, *entry);
                uint64_t bits = leaf_bits(*entry);
                uint64_t child_addr = take_table(work);
                uint64_t *child = at(work->paging, child_addr);
                for (unsigned i = 0; i < ENTRIES; ++i) {
                    child[i] = leaf_at(level - 1, addr + i * span(level - 1), bits);
                }
                *entry = child_addr | TABLE_BITS;
                work->stale = true;
            }
            uint64_t child_addr = *entry & ADDR_MASK;
            uint64_t *child = at(work->paging, child_addr);
            apply(work, child, level - 1, va, end);
            if (work->op == UNMAP) {
                if (is_empty(child)) {
                    *entry = 0;
                    drop_table(work, child_addr);
                }
            } else {
                uint64_t page = merged(work->paging, level, child);
                if (page != 0) {
                    *entry = page;
                    drop_table(work, child_addr);
                }
            }
        }
        if (end == last) {
            return;
        }
        va = end + 1;
    }
}

static void give_all(const paging_t *paging, uint64_t *list) {
    while (*list != 0) {
        uint64_t addr = *list;
        *list = *at(paging, addr);
        paging->give(paging->context, addr);
    }
}

static paging_status_t check_range(uint64_t va, uint64_t count) {
    if (va % PAGING_SIZE != 0) {
        return PAGING_MISALIGNED;
    }
    if (va >= HALF && va < -HALF) {
        return PAGING_NOT_CANONICAL;
    }
    uint64_t room = (va < HALF ? HALF : 0) - va;
    if (count == 0 || count > UINT64_MAX / PAGING_SIZE) {
        return PAGING_TOO_LONG;
    }
    if (count * PAGING_SIZE > room) {
        return va < HALF ? PAGING_NOT_CANONICAL : PAGING_TOO_LONG;
    }
    return PAGING_OK;
}

static paging_status_t check_map(const paging_t *paging, uint64_t va, uint64_t addr, uint64_t count, unsigned flags) {
    paging_status_t status = check_range(va, count);
    if (status != PAGING_OK) {
        return status;
    }
    if (addr % PAGING_SIZE != 0) {
        return PAGING_MISALIGNED;
    }
    uint64_t addr_end = ADDR_MASK + PAGING_SIZE;
    if (addr >= addr_end || count * PAGING_SIZE > addr_end - addr) {
        return PAGING_TOO_LONG;
    }
    return (flags & ~(unsigned)PAGING_FLAGS)
           || (flags & PAGING_WRITE && flags & PAGING_EXECUTE && !paging->allows_both)
           || (flags & PAGING_COMBINE && flags & PAGING_UNCACHED)
           || (flags & PAGING_OWN && flags & PAGING_DISOWN) ? PAGING_BAD_FLAGS : PAGING_OK;
}

static paging_status_t run(work_t *work, uint64_t va, uint64_t count) {
    paging_t *paging = work->paging;
    uint64_t *root = at(paging, paging->root);
    uint64_t size = count * PAGING_SIZE;
    size_t need = 0;
    paging_status_t status = check(work, root, TOP, va, va + (size - 1), &need);
    if (status != PAGING_OK) {
        return status;
    }
    while (need-- > 0) {
        uint64_t addr = paging->take(paging->context);
        if (addr == 0) {
            give_all(paging, &work->pool);
            return PAGING_NO_FRAME;
        }
        *at(paging, addr) = work->pool;
        work->pool = addr;
    }
    apply(work, root, TOP, va, va + (size - 1));
    if (work->stale) {
        paging->flush(paging->context, va, size);
    }
    give_all(paging, &work->dead);
    return PAGING_OK;
}

paging_status_t paging_init(paging_t *paging) {
    uint64_t addr = paging->take(paging->context);
    if (addr == 0) {
        return PAGING_NO_FRAME;
    }
    memset(at(paging, addr), 0, PAGING_SIZE);
    paging->root = addr;
    return PAGING_OK;
}

paging_status_t paging_map(paging_t *paging, uint64_t va, uint64_t addr, uint64_t count, unsigned flags) {
    paging_status_t status = check_map(paging, va, addr, count, flags);
    if (status != PAGING_OK) {
        return status;
    }
    work_t work = { .paging = paging, .op = MAP, .delta = addr - va, .leaf = bits_of(flags) };
    return run(&work, va, count);
}

paging_status_t paging_unmap(paging_t *paging, uint64_t va, uint64_t count, unsigned flags) {
    paging_status_t status = check_range(va, count);
    if (status != PAGING_OK) {
        return status;
    }
    work_t work = { .paging = paging, .op = UNMAP, .own = flags & (PAGING_OWN | PAGING_DISOWN) };
    return run(&work, va, count);
}

paging_status_t paging_protect(paging_t *paging, uint64_t va, uint64_t count, unsigned flags) {
    paging_status_t status = check_map(paging, va, 0, count, flags);
    if (status != PAGING_OK) {
        return status;
    }
    work_t work = { .paging = paging, .op = PROTECT, .own = flags & (PAGING_OWN | PAGING_DISOWN), .leaf = bits_of(flags) };
    return run(&work, va, count);
}

paging_status_t paging_check(paging_t *paging, uint64_t va, uint64_t addr, uint64_t count, unsigned flags) {
    paging_status_t status = check_map(paging, va, addr, count, flags);
    if (status != PAGING_OK) {
        return status;
    }
    work_t work = { .paging = paging, .op = MAP, .delta = addr - va };
    size_t need = 0;
    return check(&work, at(paging, paging->root), TOP, va, va + (count * PAGING_SIZE - 1), &need);
}

paging_status_t paging_translate(const paging_t *paging, uint64_t va, paging_page_t *page) {
    if (va >= HALF && va < -HALF) {
        return PAGING_NOT_CANONICAL;
    }
    const uint64_t *table = at(paging, paging->root);
    for (int level = TOP;; --level) {
        uint64_t entry = table[index_of(level, va)];
        if (!(entry & PRESENT)) {
            return PAGING_UNMAPPED;
        }
        if (is_leaf(level, entry)) {
            page->va = va & ~(span(level) - 1);
            page->addr = leaf_addr(level, entry);
            page->size = span(level);
            page->flags = flags_of(entry);
            return PAGING_OK;
        }
        table = table_of(paging, entry);
    }
}

// In the entries of `table` from the one of va on; first: va of the table's first byte.
static bool next_in(const paging_t *paging, const uint64_t *table, int level, uint64_t first, uint64_t va, paging_page_t *page) {
    for (unsigned i = va > first ? index_of(level, va) : 0; i < ENTRIES; ++i) {
        uint64_t entry = table[i];
        if (!(entry & PRESENT)) {
            continue;
        }
        uint64_t start = first + i * span(level);
        if (level == TOP && i >= ENTRIES / 2) {
            start -= 2 * HALF; // sign extension
        }
        if (is_leaf(level, entry)) {
            page->va = start;
            page->addr = leaf_addr(level, entry);
            page->size = span(level);
            page->flags = flags_of(entry);
            return true;
        }
        if (next_in(paging, table_of(paging, entry), level - 1, start, va, page)) {
            return true;
        }
    }
    return false;
}

bool paging_next(const paging_t *paging, uint64_t va, paging_page_t *page) {
    if (va >= HALF && va < -HALF) {
        va = -HALF;
    }
    return next_in(paging, at(paging, paging->root), TOP, 0, va, page);
}

static size_t count_tables(const paging_t *paging, const uint64_t *table, int level) {
    size_t count = 1;
    for (unsigned i = 0; level > 1 && i < ENTRIES; ++i) {
        if ((table[i] & PRESENT) && !is_leaf(level, table[i])) {
            count += count_tables(paging, table_of(paging, table[i]), level - 1);
        }
    }
    return count;
}

size_t paging_tables(const paging_t *paging) {
    return count_tables(paging, at(paging, paging->root), TOP);
}

const char *paging_text(paging_status_t status) {
    static const char *const texts[] = {
        [PAGING_OK] = "no error",
        [PAGING_MISALIGNED] = "address is not a multiple of 4096",
        [PAGING_NOT_CANONICAL] = "address is not canonical",
        [PAGING_TOO_LONG] = "count is 0 or too large",
        [PAGING_BAD_FLAGS] = "flags do not go together",
        [PAGING_MAPPED] = "already mapped",
        [PAGING_UNMAPPED] = "not mapped",
        [PAGING_OWNED] = "belongs to the kernel",
        [PAGING_NO_FRAME] = "no frame for a page table",
    };
    return texts[status];
}
