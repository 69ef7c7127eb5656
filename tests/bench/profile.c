// A plugin of QEMU's: how often each block of instructions was run. Its argument out=FILE is what to
// write, with lines of address, instructions in the block, times.
//
// What it uses of docs/devel/tcg-plugins and include/qemu/qemu-plugin.h, version 1 of the interface: the
// header comes with no package.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define MOST_BLOCKS (1000000)

struct qemu_plugin_tb;
typedef uint64_t qemu_plugin_id_t;
enum { QEMU_PLUGIN_INLINE_ADD_U64 };

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int count, char **arguments);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
    void (*callback)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op, void *value, uint64_t by);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
    void (*callback)(qemu_plugin_id_t id, void *data), void *data);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);

static struct {
    uint64_t addr, instructions, times;
} blocks[MOST_BLOCKS];
static size_t block_count;

// A block that is translated again is another one.
static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
    (void)id;
    if (block_count == MOST_BLOCKS) {
        fputs("profile: too many blocks\n", stderr);
        exit(1);
    }
    blocks[block_count].addr = qemu_plugin_tb_vaddr(tb);
    blocks[block_count].instructions = qemu_plugin_tb_n_insns(tb);
    qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &blocks[block_count].times, 1);
    ++block_count;
}

static void ended(qemu_plugin_id_t id, void *file) {
    (void)id;
    for (size_t i = 0; i < block_count; ++i) {
        fprintf(file, "%llx %llu %llu\n", (unsigned long long)blocks[i].addr,
            (unsigned long long)blocks[i].instructions, (unsigned long long)blocks[i].times);
    }
    fclose(file);
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int count, char **arguments) {
    (void)info;
    FILE *file = count == 1 && strncmp(arguments[0], "out=", 4) == 0 ? fopen(arguments[0] + 4, "w") : NULL;
    if (file == NULL) {
        fputs("profile: one argument, out=FILE\n", stderr);
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, file);
    return 0;
}
