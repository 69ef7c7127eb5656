// Which frames of a chunk that others have frames of, too, are the kernel's.
#include "frames_mixed.h"
#include "frames_state.h"

// The marks of a chunk that the kernel shares with others, or NULL.
struct mixed *frames_find_mixed(size_t slot) {
    struct mixed *m = __atomic_load_n(&self.groups[slot / GROUP_SLOTS].mixed, __ATOMIC_ACQUIRE);
    while (m && GET(&m->slot) != slot) {
        m = m->next;
    }
    return m;
}

uint64_t frames_kernel_mask(size_t word) {
    size_t slot = word / LINE_WORDS;
    const struct mixed *m;
    while ((m = frames_find_mixed(slot)) != NULL) {
        // Only a slot and a mask of the same sequence number say something.
        uint32_t sequence = __atomic_load_n(&m->sequence, __ATOMIC_ACQUIRE);
        size_t slot_now = __atomic_load_n(&m->slot, __ATOMIC_ACQUIRE);
        uint64_t mask = __atomic_load_n(&m->mask[word % LINE_WORDS], __ATOMIC_ACQUIRE);
        if (slot_now == slot && GET(&m->sequence) == sequence && sequence % 2 == 0) {
            return mask;
        }
    }
    return 0;
}
