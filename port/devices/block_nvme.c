// Namespaces of NVM Express (Base 2.0, NVM Command Set 1.0), each with a pair of queues of its own.
#include <string.h>

#include "devices/block.h"

enum {
    // Commands (NVM 3.2): opcodes.
    FLUSH = 0x00,
    WRITE = 0x01,
    READ = 0x02,
    // Status (Base 3.3.3.2.1): without its phase bit.
    STATUS_MASK = 0x7ff,
    STATUS_WRITE_PROTECTED = 0x20,
    STATUS_READ_ONLY_RANGE = 0x182,
    PAGE = 4096,
    // Registers: where the queues lie, their doorbells, how many entries they have, and the namespace.
    SUBMISSION = 0,
    COMPLETION = 1,
    SUBMISSION_DOORBELL = 2,
    COMPLETION_DOORBELL = 3,
    ENTRIES = 4,
    NAMESPACE = 5,
};

// Base 3.3.3.1 and 3.3.3.2.
typedef struct {
    uint8_t opcode, flags;
    uint16_t id;
    uint32_t namespace;
    uint64_t reserved, metadata;
    uint64_t prp1, prp2;
    uint64_t sector;
    uint32_t count; // - 1
    uint32_t words[3];
} command_t;

typedef struct {
    uint32_t result, reserved;
    uint16_t head, queue;
    uint16_t id, status; // its lowest bit is the phase
} completion_t;

static void init(block_t *block) {
    block->nvme.phase = true;
}

// Base 4.1.1: pages from the first one's offset on; one more in the second field, several in a list.
static void set_pages(block_t *block, command_t *command, const dma_part_t *parts, unsigned count) {
    uint64_t *list = block->nvme.list;
    unsigned pages = 0;
    for (unsigned i = 0; i < count; ++i) {
        uint64_t end = parts[i].addr + parts[i].size;
        for (uint64_t at = parts[i].addr; at < end; at = (at / PAGE + 1) * PAGE) {
            if (i == 0 && at == parts[0].addr) {
                command->prp1 = at;
            } else {
                list[pages++] = at;
            }
        }
    }
    command->prp2 = pages == 0 ? 0 : pages == 1 ? list[0] : (uint64_t)list;
}

static void submit(block_t *block, block_op_t op, uint64_t sector, const dma_part_t *parts, unsigned count) {
    const uint64_t *registers = block->setup.registers;
    command_t command = { 0 };
    static const uint8_t opcodes[] = { READ, WRITE, FLUSH };
    command.opcode = opcodes[op];
    command.id = ++block->nvme.id;
    command.namespace = registers[NAMESPACE];
    if (op != BLOCK_FLUSH) {
        uint64_t size = 0;
        for (unsigned i = 0; i < count; ++i) {
            size += parts[i].size;
        }
        set_pages(block, &command, parts, count);
        command.sector = sector;
        command.count = size / block->setup.sector_size - 1;
    }
    memcpy((command_t *)registers[SUBMISSION] + block->nvme.tail, &command, sizeof(command));
    block->nvme.tail = (block->nvme.tail + 1) % registers[ENTRIES];
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    *(volatile uint32_t *)registers[SUBMISSION_DOORBELL] = block->nvme.tail;
}

static block_status_t poll(block_t *block) {
    const uint64_t *registers = block->setup.registers;
    const volatile completion_t *completion = (completion_t *)registers[COMPLETION] + block->nvme.head;
    uint16_t status = __atomic_load_n(&completion->status, __ATOMIC_ACQUIRE);
    if ((status & 1) != block->nvme.phase) {
        return BLOCK_PENDING;
    }
    uint16_t id = completion->id;
    block->nvme.head = (block->nvme.head + 1) % registers[ENTRIES];
    block->nvme.phase ^= block->nvme.head == 0;
    *(volatile uint32_t *)registers[COMPLETION_DOORBELL] = block->nvme.head;
    if (id != block->nvme.id) {
        return BLOCK_LIES;
    }
    switch (status >> 1 & STATUS_MASK) {
        case 0:
            return BLOCK_OK;
        case STATUS_WRITE_PROTECTED:
        case STATUS_READ_ONLY_RANGE:
            return BLOCK_READ_ONLY;
        default:
            return BLOCK_ERROR;
    }
}

const block_driver_t block_nvme = { init, submit, poll };
