#include "frames/frames.h"
#include "memory/space.h"
#include "mpy/extent.h"
#include "panic.h"

// A large page is a large frame, which only goes back whole: where the end comes to lie in one, all
// of it stays.
void extent_cut(extent_t *extent, uint64_t count) {
    while (extent->count > count) {
        paging_page_t page;
        uint64_t last = extent->start + (extent->count - 1) * FRAMES_SIZE;
        if (space_translate(last, &page) != PAGING_OK) {
            panic("an extent is not mapped");
        }
        uint64_t start = page.va;
        if (page.size > PAGING_SIZE_2M) {
            // Large frames side by side.
            uint64_t end = extent->start + count * FRAMES_SIZE;
            end = (end + (PAGING_SIZE_2M - 1)) & ~(PAGING_SIZE_2M - 1);
            start = end > start ? end : start;
        }
        if (start > last || start < extent->start + count * FRAMES_SIZE) {
            return;
        }
        uint64_t run = (last - start) / FRAMES_SIZE + 1;
        if (space_unmap(start, run, PAGING_OWN) != PAGING_OK) {
            // Splitting a page takes a frame, and there is none: it stays.
            return;
        }
        if (frames_free_kernel(page.addr + (start - page.va), run) != FRAMES_OK) {
            panic("an extent's frames were not its own");
        }
        extent->count -= run;
    }
}

bool extent_extend(extent_t *extent, uint64_t count) {
    uint64_t before = extent->count;
    while (extent->count < count) {
        uint64_t va = extent->start + extent->count * FRAMES_SIZE;
        uint64_t run = va % PAGING_SIZE_2M == 0 && count - extent->count >= FRAMES_2M ? FRAMES_2M : 1;
        uint64_t addr = frames_alloc_kernel(run, run > 1 ? PAGING_SIZE_2M : PAGING_SIZE, 0);
        if (frames_failed(addr) && run > 1) {
            run = 1;
            addr = frames_alloc_kernel(run, PAGING_SIZE, 0);
        }
        if (!frames_failed(addr)) {
            if (space_map(va, addr, run, PAGING_WRITE | PAGING_OWN) == PAGING_OK) {
                extent->count += run;
                continue;
            }
            frames_free_kernel(addr, run);
        }
        extent_cut(extent, before);
        return false;
    }
    return true;
}
