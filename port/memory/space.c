#include <string.h>

#include "boot/handoff.h"
#include "boot/percpu.h"
#include "cpu/cpus.h"
#include "cpu/io.h"
#include "cpu/lock.h"
#include "frames/frames.h"
#include "memory/space.h"
#include "panic.h"

enum {
    // SDM 4 table 2-2.
    MSR_PAT = 0x277,
    MSR_EFER = 0xc0000080,
    EFER_NXE = 1 << 11,
    // SDM 3A 2.5.
    CR4_MCE = 1 << 6,
    CR4_UMIP = 1 << 11,
    CR4_SMEP = 1 << 20,
    CR4_SMAP = 1 << 21,
    CR4_PGE = 1 << 7,
    // SDM 2A CPUID.
    CPUID1_EDX_MCE = 1 << 7,
    CPUID_FEATURES = 7,
    CPUID7_EBX_SMEP = 1 << 7,
    CPUID7_EBX_SMAP = 1 << 20,
    CPUID7_ECX_UMIP = 1 << 2,
    CPUID_EXTENDED = 0x80000001,
    CPUID_EDX_NX = 1 << 20,
    CPUID_EDX_1G = 1 << 26,
    // SDM 3A 4.1.4: where the CPU does not say, physical addresses have 36 bits.
    CPUID_EXTENDED_MAX = 0x80000000,
    CPUID_SIZES = 0x80000008,
    ADDR_BITS_DEFAULT = 36,

    MEMORY_RANGES_MAX = 64,

    FLUSH_ALL_ABOVE = 32, // pages; beyond that one reload of CR3 costs less
};

// SDM 3A 11.12.2, lowest entry first: WB WC UC- UC, twice. It is what the CPU starts with but for WC.
#define PAT UINT64_C(0x0007010600070106)

// What one entry of a top table covers.
#define TOP_SHIFT 39
#define TOP_ENTRIES 512

#define BOOT_END (UINT64_C(1) << 32) // what the boot tables map
#define MMIO_END (UINT64_C(1) << 32)

extern uint64_t boot_pml4[];
extern char stack_guard[];
extern char fault_stack_guard[], double_fault_stack_guard[], nmi_stack_guard[];
extern char machine_check_stack_guard[], interrupt_stack_guard[], high_stack_guard[];

// In the order of their addresses, as vectors.S and kernel.ld have them.
static char *const guards[] = {
    fault_stack_guard, double_fault_stack_guard, nmi_stack_guard, machine_check_stack_guard,
    interrupt_stack_guard, high_stack_guard, stack_guard,
};
#define GUARDS (sizeof(guards) / sizeof(*guards))

// Frames of the image for tables: those that every start needs, and then a reserve for when there
// are no others. They always come back to it.
static char tables[SPACE_TABLES][PAGING_SIZE] __attribute__((aligned(PAGING_SIZE)));
static uint64_t reserve[SPACE_TABLES];
size_t space_reserve_count;
// Where memory is, touching regions merged. With more than these, what lies between the last ones
// counts as memory, too.
static struct {
    uint64_t start, end;
} memory[MEMORY_RANGES_MAX];
static size_t memory_count;
static bool on_boot_tables = true;
// Each CPU has a top table of its own: what it has for itself is reached from there alone, all else over
// the same tables. The lock is for those.
static uint64_t roots[CPUS_MAX];
static lock_t lock;
// This CPU looks at tables without the lock: how deep.
PERCPU static volatile unsigned looking;
uint64_t space_reserve_next = SPACE_RESERVE;

static uint64_t take(void *context) {
    (void)context;
    if (space_reserve_count <= SPACE_RESERVE_FRAMES) {
        uint64_t addr = frames_alloc_kernel(1, PAGING_SIZE, on_boot_tables ? BOOT_END : 0);
        if (!frames_failed(addr)) {
            return addr;
        }
    }
    return space_reserve_count > 0 ? reserve[--space_reserve_count] : 0;
}

static void give(void *context, uint64_t addr) {
    (void)context;
    if (addr - (uint64_t)tables < sizeof(tables)) {
        reserve[space_reserve_count++] = addr;
    } else if (frames_free_kernel(addr, 1) != FRAMES_OK) {
        panic("a page table's frame was not the kernel's");
    }
}

typedef struct {
    uint64_t va, size;
} range_t;

static void flush_here(void *context) {
    const range_t *range = context;
    if (range->size > FLUSH_ALL_ABOVE * PAGING_SIZE) {
        cpu_set_cr3(cpu_cr3());
        return;
    }
    for (uint64_t done = 0; done < range->size; done += PAGING_SIZE) {
        cpu_invlpg(range->va + done);
    }
}

static bool is_shared(unsigned entry) {
    return entry < SPACE_HEAP >> TOP_SHIFT || (entry >= SPACE_STACKS_END >> TOP_SHIFT && entry < TOP_ENTRIES - 1);
}

// What has changed in this CPU's top table there changes in all.
static void share_top(uint64_t va, uint64_t size) {
    const uint64_t *own = (const uint64_t *)space.root;
    unsigned last = (va + (size - 1)) >> TOP_SHIFT & (TOP_ENTRIES - 1);
    for (unsigned i = va >> TOP_SHIFT & (TOP_ENTRIES - 1); i <= last; ++i) {
        for (unsigned number = 0; is_shared(i) && number < cpus_count; ++number) {
            uint64_t *entry = (uint64_t *)roots[number] + i;
            if (*entry != own[i]) {
                __atomic_store_n(entry, own[i], __ATOMIC_RELEASE);
            }
        }
    }
}

// What the others are to flush: under their address of this CPU's stack they have their own.
static range_t flushed;

static void flush(void *context, uint64_t va, uint64_t size) {
    (void)context;
    if (on_boot_tables) {
        return;
    }
    range_t range = { va, size };
    if (cpus_count > 1 && is_shared(va >> TOP_SHIFT & (TOP_ENTRIES - 1))) {
        share_top(va, size);
        flushed = range;
        cpus_run_on_others(flush_here, &flushed);
        // Whoever looked at tables before that may still be in one that goes now.
        for (unsigned i = 0; i < cpus_count; ++i) {
            while (i != cpus_number && *CPUS_OF(i, looking) != 0) {
                cpu_pause();
            }
        }
    }
    flush_here(&range);
}

PERCPU paging_t space = { .take = take, .give = give, .flush = flush };

static uint64_t round_down(uint64_t addr) {
    return addr & ~(PAGING_SIZE - 1);
}

static bool is_ram(uint8_t kind) {
    return kind == SPACE_USABLE || kind == SPACE_ACPI_RECLAIM || kind == SPACE_ACPI_NVS || kind == SPACE_PERSISTENT;
}

uint64_t space_addr_end(void) {
    unsigned bits = ADDR_BITS_DEFAULT;
    if (cpu_cpuid(CPUID_EXTENDED_MAX, 0).eax >= CPUID_SIZES) {
        bits = cpu_cpuid(CPUID_SIZES, 0).eax & 0xff;
    }
    return bits < 64 && UINT64_C(1) << bits < SPACE_IDENTITY_END ? UINT64_C(1) << bits : SPACE_IDENTITY_END;
}

static void add_memory(uint64_t start, uint64_t end) {
    if (memory_count > 0 && (start <= memory[memory_count - 1].end || memory_count == MEMORY_RANGES_MAX)) {
        memory[memory_count - 1].end = end;
    } else {
        memory[memory_count].start = start;
        memory[memory_count].end = end;
        memory_count++;
    }
}

bool space_is_memory(uint64_t addr, uint64_t count) {
    uint64_t last = addr + (count * PAGING_SIZE - 1);
    for (size_t i = 0; i < memory_count; ++i) {
        if (addr < memory[i].end && last >= memory[i].start) {
            return true;
        }
    }
    return false;
}

static paging_status_t map_identity(uint64_t start, uint64_t end, unsigned flags) {
    return start < end ? paging_map(&space, start, start, (end - start) / PAGING_SIZE, flags) : PAGING_OK;
}

// Without the image, which has flags of its own.
static paging_status_t map_around_image(uint64_t start, uint64_t end, unsigned flags) {
    uint64_t before = end < (uint64_t)image_start ? end : (uint64_t)image_start;
    uint64_t after = start > (uint64_t)image_end ? start : (uint64_t)image_end;
    paging_status_t status = map_identity(start, before, PAGING_WRITE | flags);
    return status == PAGING_OK ? map_identity(after, end, PAGING_WRITE | flags) : status;
}

static paging_status_t map_regions(const uint64_t *starts, const uint64_t *lasts, const uint8_t *kinds, size_t count) {
    uint64_t done = PAGING_SIZE; // the null frame is not mapped
    uint64_t addr_end = space_addr_end();
    memory_count = 0;
    for (size_t i = 0; i < count; ++i) {
        if (!is_ram(kinds[i]) || lasts[i] < done || starts[i] >= addr_end) {
            continue;
        }
        uint64_t start = round_down(starts[i]);
        uint64_t end = lasts[i] < addr_end ? round_down(lasts[i]) + PAGING_SIZE : addr_end;
        start = start > done ? start : done;
        add_memory(start, end);
        paging_status_t status = map_around_image(done, start < MMIO_END ? start : MMIO_END, PAGING_UNCACHED);
        if (status == PAGING_OK) {
            status = map_around_image(start, end, 0);
        }
        if (status != PAGING_OK) {
            return status;
        }
        done = end;
    }
    return map_around_image(done, MMIO_END, PAGING_UNCACHED);
}

static paging_status_t map_own(const char *start, const char *end, unsigned flags) {
    return map_identity((uint64_t)start, (uint64_t)end, PAGING_OWN | flags);
}

// A CPU's own data, which lies at addr, but for the guards of its stacks.
static paging_status_t map_percpu(paging_t *paging, uint64_t va, uint64_t addr) {
    const char *start = percpu_start;
    paging_status_t status = PAGING_OK;
    for (size_t i = 0; status == PAGING_OK && i <= GUARDS; ++i) {
        const char *end = i < GUARDS ? guards[i] : percpu_end;
        uint64_t offset = start - percpu_start, count = (end - start) / PAGING_SIZE;
        status = paging_map(paging, va + offset, addr + offset, count, PAGING_OWN | PAGING_WRITE);
        start = end + PAGING_SIZE;
    }
    return status;
}

static paging_status_t map_image(void) {
    paging_status_t status = map_own(text_start, text_end, PAGING_EXECUTE);
    if (status == PAGING_OK) {
        status = map_own(text_end, rodata_end, 0);
    }
    if (status == PAGING_OK) {
        status = map_own(rodata_end, percpu_load, PAGING_WRITE);
    }
    if (status == PAGING_OK) {
        status = map_percpu(&space, (uint64_t)percpu_load, (uint64_t)percpu_load);
    }
    return status == PAGING_OK ? map_percpu(&space, (uint64_t)percpu_start, (uint64_t)percpu_load) : status;
}

void space_cpu_init(void) {
    cpu_wrmsr(MSR_PAT, PAT);
    if (cpu_cpuid(CPUID_EXTENDED, 0).edx & CPUID_EDX_NX) {
        cpu_wrmsr(MSR_EFER, cpu_rdmsr(MSR_EFER) | EFER_NXE);
    }
    uint64_t cr4 = cpu_cr4() & ~(uint64_t)CR4_PGE;
    // Without it a machine check stops the CPU without a word (SDM 3B 15.6).
    cr4 |= cpu_cpuid(1, 0).edx & CPUID1_EDX_MCE ? CR4_MCE : 0;
    if (cpu_cpuid(0, 0).eax >= CPUID_FEATURES) {
        cpuid_t features = cpu_cpuid(CPUID_FEATURES, 0);
        cr4 |= features.ebx & CPUID7_EBX_SMEP ? CR4_SMEP : 0;
        cr4 |= features.ebx & CPUID7_EBX_SMAP ? CR4_SMAP : 0;
        cr4 |= features.ecx & CPUID7_ECX_UMIP ? CR4_UMIP : 0;
    }
    cpu_set_cr4(cr4);
}

paging_status_t space_init(const uint64_t *starts, const uint64_t *lasts, const uint8_t *kinds, size_t count) {
    uint32_t features = cpu_cpuid(CPUID_EXTENDED, 0).edx;
    if (!(features & CPUID_EDX_NX)) {
        panic("this kernel needs a CPU that can forbid execution (NX)");
    }
    space.has_1g = features & CPUID_EDX_1G;
    for (space_reserve_count = 0; space_reserve_count < SPACE_TABLES; ++space_reserve_count) {
        reserve[space_reserve_count] = (uint64_t)tables[space_reserve_count];
    }
    paging_status_t status = paging_init(&space);
    if (status == PAGING_OK) {
        status = map_regions(starts, lasts, kinds, count);
    }
    if (status == PAGING_OK) {
        status = map_image();
    }
    if (status != PAGING_OK) {
        return status;
    }
    // The CPU knows NX since space_cpu_init(); before, it would take it for a reserved bit.
    cpu_set_cr3(space.root);
    roots[0] = space.root;
    on_boot_tables = false;
    return PAGING_OK;
}

void space_leave(void) {
    cpu_set_cr3((uint64_t)boot_pml4);
    on_boot_tables = true;
    space_reserve_count = 0;
    space_reserve_next = SPACE_RESERVE;
}

static void free_cpu(paging_t *paging, uint64_t addr) {
    paging_page_t page;
    lock_take(&lock);
    while (paging_next(paging, SPACE_PERCPU, &page)) {
        paging_unmap(paging, page.va, page.size / PAGING_SIZE, PAGING_OWN);
    }
    lock_release(&lock);
    frames_free_kernel(paging->root, 1);
    frames_free_kernel(addr, (percpu_end - percpu_start) / PAGING_SIZE);
}

bool space_add_cpu(space_cpu_t *cpu) {
    uint64_t addr = frames_alloc_kernel((percpu_end - percpu_start) / PAGING_SIZE, PAGING_SIZE, 0);
    uint64_t root = frames_alloc_kernel(1, PAGING_SIZE, 0);
    if (frames_failed(addr) || frames_failed(root)) {
        if (!frames_failed(addr)) {
            frames_free_kernel(addr, (percpu_end - percpu_start) / PAGING_SIZE);
        }
        return false;
    }
    paging_t own = space;
    own.root = root;
    lock_take(&lock);
    for (unsigned i = 0; i < TOP_ENTRIES; ++i) {
        ((uint64_t *)root)[i] = is_shared(i) ? ((const uint64_t *)space.root)[i] : 0;
    }
    paging_status_t status = map_percpu(&own, (uint64_t)percpu_start, addr);
    lock_release(&lock);
    if (status != PAGING_OK) {
        free_cpu(&own, addr);
        return false;
    }
    size_t size = (size_t)percpu_data_size;
    memcpy((void *)addr, percpu_initial, size);
    memset((void *)(addr + size), 0, percpu_stacks - percpu_start - size);
    *cpu = (space_cpu_t) { (char *)addr, root };
    *(paging_t *)(addr + ((char *)&space - percpu_start)) = own;
    roots[cpus_count] = root;
    return true;
}

void space_remove_cpu(const space_cpu_t *cpu) {
    paging_t own = space;
    own.root = cpu->root;
    free_cpu(&own, (uint64_t)cpu->memory);
}

paging_status_t space_map(uint64_t va, uint64_t addr, uint64_t count, unsigned flags) {
    lock_take(&lock);
    paging_status_t status = paging_map(&space, va, addr, count, flags);
    if (status == PAGING_OK && cpus_count > 1) {
        share_top(va, count * PAGING_SIZE);
    }
    lock_release(&lock);
    return status;
}

paging_status_t space_unmap(uint64_t va, uint64_t count, unsigned flags) {
    lock_take(&lock);
    paging_status_t status = paging_unmap(&space, va, count, flags);
    lock_release(&lock);
    return status;
}

paging_status_t space_protect(uint64_t va, uint64_t count, unsigned flags) {
    lock_take(&lock);
    paging_status_t status = paging_protect(&space, va, count, flags);
    lock_release(&lock);
    return status;
}

paging_status_t space_check(uint64_t va, uint64_t addr, uint64_t count, unsigned flags) {
    lock_take(&lock);
    paging_status_t status = paging_check(&space, va, addr, count, flags);
    lock_release(&lock);
    return status;
}

// Others wait for whoever looks, so that it need not wait itself: it may hold what they want.
paging_status_t space_translate(uint64_t va, paging_page_t *page) {
    looking++;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    paging_status_t status = paging_translate(&space, va, page);
    looking--;
    return status;
}

bool space_next(uint64_t va, paging_page_t *page) {
    looking++;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    bool found = paging_next(&space, va, page);
    looking--;
    return found;
}

size_t space_tables(void) {
    lock_take(&lock);
    size_t count = paging_tables(&space);
    lock_release(&lock);
    return count;
}

bool space_ready(void) {
    return !on_boot_tables;
}

bool space_is_kernel(uint64_t va, uint64_t count) {
    uint64_t last = va + (count * PAGING_SIZE - 1);
    return va < PAGING_SIZE
           || (va < (uint64_t)image_end && last >= (uint64_t)image_start)
           || last >= SPACE_PERCPU
           || (va < SPACE_STACKS_END && last >= SPACE_HEAP);
}

paging_status_t space_restore(uint64_t addr, uint64_t count) {
    uint64_t end = addr + count * PAGING_SIZE;
    for (uint64_t va = addr; va < end;) {
        paging_status_t status = PAGING_OK;
        paging_page_t page;
        uint64_t next;
        if (space_translate(va, &page) == PAGING_OK) {
            next = page.va + page.size < end ? page.va + page.size : end;
            uint64_t pages = (next - va) / PAGING_SIZE;
            if (page.addr != page.va) {
                status = space_unmap(va, pages, 0);
                next = va;
            } else if (page.flags != PAGING_WRITE) {
                status = space_protect(va, pages, PAGING_WRITE);
            }
        } else {
            next = space_next(va, &page) && page.va < end ? page.va : end;
            status = space_map(va, va, (next - va) / PAGING_SIZE, PAGING_WRITE);
        }
        if (status != PAGING_OK) {
            return status;
        }
        va = next;
    }
    return PAGING_OK;
}

static bool allows(uint64_t va, size_t size, unsigned flags) {
    if (size == 0) {
        return true;
    }
    uint64_t last = va + (size - 1);
    if (last < va) {
        return false;
    }
    if (on_boot_tables) {
        return last < BOOT_END || (va >= (uint64_t)percpu_start && last < (uint64_t)percpu_end);
    }
    paging_page_t page;
    do {
        if (space_translate(va, &page) != PAGING_OK || (page.flags & flags) != flags) {
            return false;
        }
        va = page.va + page.size;
    } while (va != 0 && va <= last);
    return true;
}

bool space_readable(uint64_t va, size_t size) {
    return allows(va, size, 0);
}

bool space_writable(uint64_t va, size_t size) {
    return allows(va, size, PAGING_WRITE);
}

static uint64_t reserve_locked(uint64_t count) {
    uint64_t room = (SPACE_RESERVE_END - space_reserve_next) / PAGING_SIZE;
    uint64_t align = count >= PAGING_SIZE_1G / PAGING_SIZE ? PAGING_SIZE_1G
        : count >= PAGING_SIZE_2M / PAGING_SIZE ? PAGING_SIZE_2M : PAGING_SIZE;
    uint64_t va = (space_reserve_next + (align - 1)) & ~(align - 1);
    if (count == 0 || count > room || va + count * PAGING_SIZE > SPACE_RESERVE_END) {
        return 0;
    }
    // A page that is never mapped lies between one reservation and the next.
    space_reserve_next = va + (count + 1) * PAGING_SIZE;
    return va;
}

uint64_t space_reserve(uint64_t count) {
    lock_take(&lock);
    uint64_t va = reserve_locked(count);
    lock_release(&lock);
    return va;
}
