#include <string.h>

#include "boot/handoff.h"
#include "boot/percpu.h"
#include "cpu/firmware_call.h"
#include "cpu/io.h"
#include "cpu/trap.h"
#include "frames/frames.h"
#include "memory/efi.h"
#include "memory/space.h"

enum {
    // SDM 3A table 6-1.
    VECTOR_NMI = 2,
    VECTOR_MACHINE_CHECK = 18,
    RFLAGS_START = 1 << 1, // SDM 1 3.4.3: always set
    // UEFI 2.10, 2.3.4: 128 KiB where there are boot services, so that code that serves then, too, finds what it
    // is used to; the 4 KiB of later are in them.
    STACK_PAGES = 32,
    ALIGN = 16,
    PERCPU_ENTRY = 511,
    CR8_ALL = 15,
    CR0_EM_TS = 0x0c,
};

static uint64_t kernel_root;
// On the firmware's page tables the caller's stack may not be there.
static bool faulted;
static uint64_t fault_vector, fault_error, fault_addr, fault_rip;

static bool on_trap(trap_frame_t *frame) {
    uint64_t root = cpu_cr3();
    if (root == kernel_root) {
        return false;
    }
    if (frame->vector == VECTOR_NMI || frame->vector == VECTOR_MACHINE_CHECK || frame->vector >= TRAP_EXCEPTIONS) {
        // None of the firmware's: another CPU wants something, or there is a panic.
        trap_set_first(0);
        cpu_set_cr3(kernel_root);
        trap_handle(frame);
        cpu_set_cr3(root);
        trap_set_first(on_trap);
        return true;
    }
    faulted = true;
    fault_vector = frame->vector;
    fault_error = frame->error;
    fault_addr = cpu_cr2();
    fault_rip = frame->rip;
    frame->rip = (uint64_t)firmware_call_end;
    frame->rflags = RFLAGS_START;
    return true;
}

static uint64_t take(void *context) {
    (void)context;
    uint64_t addr = frames_alloc_kernel(1, PAGING_SIZE, 0);
    return frames_failed(addr) ? 0 : addr;
}

static void give(void *context, uint64_t addr) {
    (void)context;
    frames_free_kernel(addr, 1);
}

static void flush(void *context, uint64_t va, uint64_t size) {
    (void)context, (void)va, (void)size;
}

static paging_status_t map(paging_t *paging, uint64_t start, uint64_t end, unsigned flags) {
    return start < end ? paging_map(paging, start, start, (end - start) / PAGING_SIZE, flags) : PAGING_OK;
}

static uint64_t pages_of(size_t size) {
    return (size + PAGING_SIZE - 1) / PAGING_SIZE;
}

static size_t buffers_size(const efi_call_t *call) {
    size_t size = 0;
    for (size_t i = 0; i < EFI_ARGS_MAX; ++i) {
        size += (call->buffers[i].size + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
    }
    return size;
}

// The kernel, the firmware, and at `memory` stack and buffers, each behind a frame that is not mapped.
static paging_status_t build(paging_t *paging, const efi_call_t *call, uint64_t memory) {
    paging_status_t status = map(paging, (uint64_t)text_start, (uint64_t)text_end, PAGING_OWN | PAGING_EXECUTE);
    if (status == PAGING_OK) {
        status = map(paging, (uint64_t)text_end, (uint64_t)rodata_end, PAGING_OWN);
    }
    if (status == PAGING_OK) {
        status = map(paging, (uint64_t)rodata_end, (uint64_t)percpu_load, PAGING_OWN | PAGING_WRITE);
    }
    uint64_t stack = memory + PAGING_SIZE, buffers = stack + (STACK_PAGES + 1) * PAGING_SIZE;
    if (status == PAGING_OK) {
        status = map(paging, stack, buffers - PAGING_SIZE, PAGING_OWN | PAGING_WRITE);
    }
    if (status == PAGING_OK) {
        status = map(paging, buffers, buffers + pages_of(buffers_size(call)) * PAGING_SIZE, PAGING_OWN | PAGING_WRITE);
    }
    for (size_t i = 0; status == PAGING_OK && i < call->regions_count; ++i) {
        const efi_region_t *region = &call->regions[i];
        if (region->start == 0 || (region->flags & (PAGING_OWN | PAGING_DISOWN)) || region->flags > PAGING_FLAGS) {
            return PAGING_BAD_FLAGS;
        }
        status = paging_map(paging, region->start, region->start, region->count, region->flags);
    }
    return status;
}

static void discard(paging_t *paging) {
    paging_page_t page;
    while (paging_next(paging, 0, &page)) {
        uint64_t start = page.va, end = start;
        // All that lies together, so that nothing has to be split.
        do {
            end = page.va + page.size;
        } while (paging_next(paging, end, &page) && page.va == end);
        paging_unmap(paging, start, (end - start) / PAGING_SIZE, PAGING_OWN);
    }
    give(0, paging->root);
}

static void enter(efi_call_t *call, const paging_t *paging, uint64_t memory) {
    uint64_t stack = memory + (STACK_PAGES + 1) * PAGING_SIZE, buffer = stack + PAGING_SIZE;
    uint64_t args[EFI_ARGS_MAX];
    for (size_t i = 0; i < EFI_ARGS_MAX; ++i) {
        args[i] = call->args[i];
        if (call->buffers[i].size > 0) {
            args[i] = buffer;
            memcpy((void *)buffer, call->buffers[i].data, call->buffers[i].size);
            buffer += (call->buffers[i].size + (ALIGN - 1)) & ~(uint64_t)(ALIGN - 1);
        }
    }
    stack -= sizeof(args);
    memcpy((void *)stack, args, sizeof(args));

    uint64_t cr0 = cpu_cr0(), cr4 = cpu_cr4();
    // What the firmware turns on finds nobody: interrupts it may allow are held back all the same.
    cpu_set_cr8(CR8_ALL);
    cpu_set_cr0(cr0 & ~(uint64_t)CR0_EM_TS);
    kernel_root = cpu_cr3();
    faulted = false;
    trap_set_first(on_trap);
    call->result = firmware_call(call->function, stack, paging->root);
    trap_set_first(0);
    cpu_set_cr4(cr4);
    cpu_set_cr0(cr0);
    cpu_set_cr8(0);
    if (faulted) {
        call->vector = fault_vector;
        call->error = fault_error;
        call->addr = fault_addr;
        call->rip = fault_rip;
    }

    for (size_t i = 0; i < EFI_ARGS_MAX; ++i) {
        if (call->buffers[i].size > 0) {
            memcpy(call->buffers[i].data, (const void *)args[i], call->buffers[i].size);
        }
    }
}

static efi_call_status_t call_at(efi_call_t *call, uint64_t memory) {
    paging_t paging = { .has_1g = space.has_1g, .allows_both = true, .take = take, .give = give, .flush = flush };
    if (paging_init(&paging) != PAGING_OK) {
        return EFI_CALL_NO_MEMORY;
    }
    paging_status_t built = build(&paging, call, memory);
    efi_call_status_t status = built == PAGING_NO_FRAME ? EFI_CALL_NO_MEMORY : EFI_CALL_REGIONS;
    paging_page_t page;
    if (built == PAGING_OK) {
        bool found = paging_translate(&paging, call->function, &page) == PAGING_OK;
        uint64_t *own = (uint64_t *)paging.root + PERCPU_ENTRY;
        status = EFI_CALL_FUNCTION;
        if (found && (page.flags & (PAGING_EXECUTE | PAGING_OWN)) == PAGING_EXECUTE) {
            uint64_t before = *own;
            *own = ((const uint64_t *)space.root)[PERCPU_ENTRY];
            enter(call, &paging, memory);
            *own = before;
            status = faulted ? EFI_CALL_FAULT : EFI_CALL_OK;
        }
    }
    discard(&paging);
    return status;
}

efi_call_status_t efi_call(efi_call_t *call) {
    uint64_t count = 1 + STACK_PAGES + 1 + pages_of(buffers_size(call));
    uint64_t state = cpu_irq_save();
    uint64_t memory = frames_alloc_kernel(count, PAGING_SIZE, 0);
    efi_call_status_t status = EFI_CALL_NO_MEMORY;
    if (!frames_failed(memory)) {
        status = call_at(call, memory);
        frames_free_kernel(memory, count);
    }
    cpu_irq_restore(state);
    return status;
}
