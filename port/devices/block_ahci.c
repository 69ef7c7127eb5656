// Disks behind a port of an AHCI controller (AHCI 1.3.1, ATA/ATAPI Command Set 3), one command at a time.
#include <string.h>

#include "cpu/clock.h"
#include "devices/block.h"

enum {
    // A port's registers (AHCI 3.3).
    PORT_CAUSE = 0x10,
    PORT_COMMAND = 0x18,
    PORT_ERROR = 0x30,
    PORT_TASK_FILE = 0x20,
    PORT_ISSUE = 0x38,
    COMMAND_START = 1,
    COMMAND_RUNS = 1 << 15,
    CAUSE_FATAL = 0x78000000, // task file, host bus, interface
    TASK_FILE_ERROR = 0x01,
    // Command header and table (AHCI 4.2.2, 4.2.3).
    HEADER_WRITE = 1 << 6,
    HEADER_PARTS_SHIFT = 16,
    FIS_WORDS = 5, // of 32 bits
    TABLE_PARTS = 0x80,
    PART_MAX = 1 << 22, // bytes
    // ACS-3, 7: commands with 48 bits of address.
    FIS_TO_DEVICE = 0x27,
    FIS_COMMAND = 0x80,
    READ_DMA = 0x25,
    WRITE_DMA = 0x35,
    FLUSH_CACHE = 0xea,
    DEVICE_LBA = 0x40,
    // Registers: the port's, where the list of commands and the table of the only one lie.
    PORT = 0,
    LIST = 1,
    TABLE = 2,
};
#define RESTART_NS UINT64_C(500000000)

static volatile uint32_t *port_register(const block_t *block, unsigned offset) {
    return (volatile uint32_t *)(block->setup.registers[PORT] + offset);
}

static void init(block_t *block) {
    (void)block;
}

static void submit(block_t *block, block_op_t op, uint64_t sector, const dma_part_t *parts, unsigned count) {
    uint32_t *header = (uint32_t *)block->setup.registers[LIST];
    uint8_t *table = (uint8_t *)block->setup.registers[TABLE];
    uint32_t *entry = (uint32_t *)(table + TABLE_PARTS);
    uint64_t size = 0;
    unsigned entries = 0;
    for (unsigned i = 0; i < count; ++i) {
        // bytes_max keeps each of them below what an entry holds.
        entry[4 * entries] = parts[i].addr;
        entry[4 * entries + 1] = parts[i].addr >> 32;
        entry[4 * entries + 2] = 0;
        entry[4 * entries + 3] = parts[i].size - 1;
        ++entries;
        size += parts[i].size;
    }
    static const uint8_t commands[] = { READ_DMA, WRITE_DMA, FLUSH_CACHE };
    uint32_t sectors = size / block->setup.sector_size;
    uint8_t fis[4 * FIS_WORDS] = {
        FIS_TO_DEVICE, FIS_COMMAND, commands[op], 0,
        sector, sector >> 8, sector >> 16, DEVICE_LBA,
        sector >> 24, sector >> 32, sector >> 40, 0,
        sectors, sectors >> 8,
    };
    memcpy(table, fis, sizeof(fis));
    header[0] = FIS_WORDS | (op == BLOCK_WRITE ? HEADER_WRITE : 0) | entries << HEADER_PARTS_SHIFT;
    header[1] = 0;
    dma_causes(block->setup.dma);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    *port_register(block, PORT_ISSUE) = 1;
}

// After an error (AHCI 6.2.2.1) the list of commands begins anew. False: the port does not stop.
static bool restart(block_t *block) {
    *port_register(block, PORT_COMMAND) &= ~(uint32_t)COMMAND_START;
    uint64_t end = clock_ns() + RESTART_NS;
    while (*port_register(block, PORT_COMMAND) & COMMAND_RUNS) {
        if (clock_ns() >= end) {
            return false;
        }
    }
    *port_register(block, PORT_ERROR) = UINT32_MAX;
    *port_register(block, PORT_CAUSE) = UINT32_MAX;
    *port_register(block, PORT_COMMAND) |= COMMAND_START;
    return true;
}

static block_status_t poll(block_t *block) {
    uint32_t causes = dma_causes(block->setup.dma) | *port_register(block, PORT_CAUSE);
    bool failed = causes & CAUSE_FATAL;
    if (!failed && *port_register(block, PORT_ISSUE) & 1) {
        return BLOCK_PENDING;
    }
    // It may have come in between.
    failed = failed || *port_register(block, PORT_TASK_FILE) & TASK_FILE_ERROR;
    *port_register(block, PORT_CAUSE) = UINT32_MAX;
    if (failed) {
        return restart(block) ? BLOCK_ERROR : BLOCK_LIES;
    }
    return BLOCK_OK;
}

const block_driver_t block_ahci = { init, submit, poll };
