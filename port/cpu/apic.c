#include "firmware/acpi.h"
#include "cpu/apic.h"
#include "cpu/io.h"

// SDM 3A 10.4.1, table 10-1: registers by their offset; x2APIC has them as MSRs (10.12.1.2).
enum {
    LOCAL_ID = 0x20,
    LOCAL_TPR = 0x80,
    LOCAL_EOI = 0xb0,
    LOCAL_SVR = 0xf0,
    LOCAL_ISR = 0x100,
    LOCAL_ESR = 0x280,
    LOCAL_LVT_TIMER = 0x320,
    LOCAL_LVT_THERMAL = 0x330,
    LOCAL_LVT_COUNTER = 0x340,
    LOCAL_LVT_LINT0 = 0x350,
    LOCAL_LVT_LINT1 = 0x360,
    LOCAL_LVT_ERROR = 0x370,
    LOCAL_TIMER_START = 0x380,
    LOCAL_TIMER_COUNT = 0x390,
    LOCAL_TIMER_DIVIDE = 0x3e0,

    SVR_ENABLE = 0x100,
    LVT_NMI = 0x400,
    LVT_MASKED = 0x10000,
    DIVIDE_BY_16 = 0x3,

    MSR_APIC_BASE = 0x1b,
    MSR_X2APIC = 0x800,
    BASE_X2APIC = 1 << 10,
    BASE_ENABLE = 1 << 11,
    CPUID_1_EDX_APIC = 1 << 9,
};
#define BASE_ADDR_MASK UINT64_C(0x000ffffffffff000)

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

// 8259A data sheet.
enum {
    PIC1 = 0x20,
    PIC2 = 0xa0,
    PIC_ICW1 = 0x11, // initialise, cascade, a fourth word comes
    PIC_ICW4_8086 = 0x01,
    PIC_VECTORS = 0x20,
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

static volatile uint32_t *local;
static bool x2apic;
static io_apic_t io_apics[IO_APICS_MAX];
static unsigned io_apic_count;
static source_t sources[ISA_IRQS];

static uint32_t local_read(unsigned reg) {
    return x2apic ? (uint32_t)cpu_rdmsr(MSR_X2APIC + (reg >> 4)) : local[reg / 4];
}

static void local_write(unsigned reg, uint32_t value) {
    if (x2apic) {
        cpu_wrmsr(MSR_X2APIC + (reg >> 4), value);
    } else {
        local[reg / 4] = value;
    }
}

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

// Moved off the exceptions' vectors and masked: what it still sends is spurious.
static void legacy_off(void) {
    io_out8(PIC1, PIC_ICW1);
    io_out8(PIC2, PIC_ICW1);
    io_out8(PIC1 + 1, PIC_VECTORS);
    io_out8(PIC2 + 1, PIC_VECTORS + 8);
    io_out8(PIC1 + 1, 1 << 2);
    io_out8(PIC2 + 1, 2);
    io_out8(PIC1 + 1, PIC_ICW4_8086);
    io_out8(PIC2 + 1, PIC_ICW4_8086);
    io_out8(PIC1 + 1, 0xff);
    io_out8(PIC2 + 1, 0xff);
}

// Masks all inputs: firmware may have left some on.
static void add_io_apic(uint64_t addr, uint32_t first) {
    io_apic_t io = { addr, first, 0 };
    if (io_apic_count == IO_APICS_MAX || addr == 0 || addr >= UINT64_C(1) << 32) {
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

static void read_madt(void) {
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

bool apic_init(uint8_t spurious_vector, uint8_t error_vector) {
    legacy_off();
    if (!(cpu_cpuid(1, 0).edx & CPUID_1_EDX_APIC)) {
        return false;
    }
    uint64_t base = cpu_rdmsr(MSR_APIC_BASE);
    if (!(base & BASE_ENABLE)) {
        base |= BASE_ENABLE;
        cpu_wrmsr(MSR_APIC_BASE, base);
    }
    x2apic = base & BASE_X2APIC;
    if (!x2apic && (base & BASE_ADDR_MASK) >= UINT64_C(1) << 32) {
        return false;
    }
    local = (volatile uint32_t *)(base & BASE_ADDR_MASK);
    local_write(LOCAL_SVR, SVR_ENABLE | spurious_vector);
    local_write(LOCAL_TPR, 0);
    local_write(LOCAL_LVT_TIMER, LVT_MASKED);
    local_write(LOCAL_TIMER_DIVIDE, DIVIDE_BY_16);
    local_write(LOCAL_LVT_LINT0, LVT_MASKED);
    local_write(LOCAL_LVT_LINT1, LVT_NMI);
    local_write(LOCAL_LVT_ERROR, error_vector);
    local_write(LOCAL_ESR, 0);
    local_write(LOCAL_EOI, 0);
    read_madt();
    return true;
}

bool apic_in_service(uint8_t vector) {
    return local_read(LOCAL_ISR + (vector / 32) * 0x10) >> vector % 32 & 1;
}

void apic_acknowledge(void) {
    local_write(LOCAL_EOI, 0);
}

bool apic_route(unsigned isa_irq, uint8_t vector) {
    const source_t *source = &sources[isa_irq];
    for (unsigned i = 0; i < io_apic_count; ++i) {
        const io_apic_t *io = &io_apics[i];
        if (source->global - io->first < io->count) {
            unsigned reg = IO_REDIRECTION + 2 * (source->global - io->first);
            uint32_t id = x2apic ? local_read(LOCAL_ID) : local_read(LOCAL_ID) >> 24;
            io_write(io, reg, REDIRECTION_MASKED);
            io_write(io, reg + 1, id << 24);
            io_write(io, reg, source->flags | vector);
            return true;
        }
    }
    return false;
}

void apic_timer_init(uint8_t vector) {
    local_write(LOCAL_LVT_TIMER, vector);
}

void apic_timer_start(uint32_t count) {
    local_write(LOCAL_TIMER_START, count);
}

uint32_t apic_timer_count(void) {
    return local_read(LOCAL_TIMER_COUNT);
}
