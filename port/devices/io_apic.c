#include "cpu/io.h"
#include "cpu/local_apic.h"
#include "devices/io_apic.h"
#include "firmware/acpi.h"
#include "firmware/memory.h"

// 82093AA data sheet, 3.0.
enum {
    IO_DEFAULT_ADDR = 0xfec00000,
    IO_SELECT = 0x00,
    IO_WINDOW = 0x10,
    IO_VERSION = 0x01,
    IO_REDIRECTION = 0x10, // two registers for each input
    REDIRECTION_LOW = 1 << 13,
    REDIRECTION_LEVEL = 1 << 15,
    REDIRECTION_MASKED = 1 << 16,
    IO_APICS_MAX = 8,
};

// ACPI 5.2.12: the multiple APIC description table.
enum {
    MADT_ENTRIES = 44,
    MADT_IO_APIC = 1,
    MADT_OVERRIDE = 2,
    // 5.2.12.5, table 5.25; 0 is what the bus has: ISA is high and edge.
    POLARITY_LOW = 3,
    TRIGGER_LEVEL = 3,
    ISA_IRQS = 16,
};

typedef struct {
    uint64_t addr;
    uint32_t first; // its first global interrupt
    uint32_t count;
} io_apic_t;

typedef struct {
    uint32_t global;
    uint32_t flags; // REDIRECTION_*
} source_t;

static io_apic_t io_apics[IO_APICS_MAX];
static unsigned io_apic_count;
static source_t sources[ISA_IRQS];

static uint32_t io_read(const io_apic_t *io, unsigned reg) {
    volatile uint32_t *base = (volatile uint32_t *)io->addr;
    base[IO_SELECT / 4] = reg;
    return base[IO_WINDOW / 4];
}

static void io_write(const io_apic_t *io, unsigned reg, uint32_t value) {
    volatile uint32_t *base = (volatile uint32_t *)io->addr;
    base[IO_SELECT / 4] = reg;
    base[IO_WINDOW / 4] = value;
}

// Masks all inputs: firmware may have left some on.
static void add_io_apic(uint64_t addr, uint32_t first) {
    io_apic_t io = { addr, first, 0 };
    if (io_apic_count == IO_APICS_MAX || !firmware_readable(addr, IO_WINDOW + sizeof(uint32_t)) || addr % sizeof(uint32_t) != 0) {
        return;
    }
    uint32_t version = io_read(&io, IO_VERSION);
    if (version == 0 || version == UINT32_MAX) {
        return;
    }
    io.count = (version >> 16 & 0xff) + 1;
    for (uint32_t i = 0; i < io.count; ++i) {
        io_write(&io, IO_REDIRECTION + 2 * i, REDIRECTION_MASKED);
    }
    io_apics[io_apic_count++] = io;
}

void io_apic_init(void) {
    for (unsigned i = 0; i < ISA_IRQS; ++i) {
        sources[i].global = i;
    }
    const acpi_header_t *madt = acpi_find("APIC", MADT_ENTRIES);
    if (madt == 0) {
        add_io_apic(IO_DEFAULT_ADDR, 0);
        return;
    }
    typedef struct __attribute__((packed)) {
        uint8_t type;
        uint8_t size;
        union {
            struct __attribute__((packed)) {
                uint8_t id, reserved;
                uint32_t addr, first;
            } io_apic;
            struct __attribute__((packed)) {
                uint8_t bus, irq;
                uint32_t global;
                uint16_t flags;
            } override;
        };
    } entry_t;
    const uint8_t *at = (const uint8_t *)madt + MADT_ENTRIES;
    const uint8_t *end = (const uint8_t *)madt + madt->length;
    while (end - at >= 2 && at[1] >= 2 && at[1] <= end - at) {
        const entry_t *entry = (const void *)at;
        if (entry->type == MADT_IO_APIC && entry->size >= 2 + sizeof(entry->io_apic)) {
            add_io_apic(entry->io_apic.addr, entry->io_apic.first);
        } else if (entry->type == MADT_OVERRIDE && entry->size >= 2 + sizeof(entry->override)
                   && entry->override.bus == 0 && entry->override.irq < ISA_IRQS) {
            source_t *source = &sources[entry->override.irq];
            source->global = entry->override.global;
            source->flags = (entry->override.flags & 3) == POLARITY_LOW ? REDIRECTION_LOW : 0;
            source->flags |= (entry->override.flags >> 2 & 3) == TRIGGER_LEVEL ? REDIRECTION_LEVEL : 0;
        }
        at += entry->size;
    }
}

// Its I/O APIC and the first of its registers. NULL: it has none.
static const io_apic_t *find(uint32_t global, unsigned *reg) {
    for (unsigned i = 0; i < io_apic_count; ++i) {
        const io_apic_t *io = &io_apics[i];
        if (global - io->first < io->count) {
            *reg = IO_REDIRECTION + 2 * (global - io->first);
            return io;
        }
    }
    return 0;
}

static bool route(uint32_t global, uint32_t flags, uint8_t vector) {
    unsigned reg;
    const io_apic_t *io = find(global, &reg);
    if (io == 0) {
        return false;
    }
    io_write(io, reg, REDIRECTION_MASKED);
    io_write(io, reg + 1, local_apic_id() << 24);
    io_write(io, reg, flags | vector);
    return true;
}

bool io_apic_install_isa(unsigned isa_irq, irq_handler_t handler, void *context) {
    irq_set_handler(IRQ_VECTOR_ISA + isa_irq, handler, context);
    return route(sources[isa_irq].global, sources[isa_irq].flags, IRQ_VECTOR_ISA + isa_irq);
}

bool io_apic_install(uint32_t global, uint8_t vector) {
    unsigned reg;
    const io_apic_t *io = find(global, &reg);
    return io != 0 && io_read(io, reg) & REDIRECTION_MASKED && route(global, 0, vector);
}

void io_apic_uninstall(uint32_t global) {
    unsigned reg;
    const io_apic_t *io = find(global, &reg);
    if (io != 0) {
        io_write(io, reg, REDIRECTION_MASKED);
    }
}
