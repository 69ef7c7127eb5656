"""Machine code from a test, run by the kernel where no fault in it is forgiven."""

# Faults of native code, and of what it is called by, are exceptions. So the code is in a page of
# its own, which is mapped executable a second time, the code pointer of a viper function is turned
# to it, and it begins with `push 0`, so that nothing seems to have called it.
RUN_CODE = """
import pages, struct, uctypes

@micropython.viper
def code():
    pass

code_page = pages.alloc()
code_va = pages.reserve(1)
pages.map(code_va, code_page.addr, 1, pages.EXECUTE)
code_page[0:2] = b"\\x6a\\0"
code_start = code_va + 2

def run(machine_code):
    code_page[2 : 2 + len(machine_code)] = machine_code
    # mp_obj_fun_bc_t: type, context, child_table, bytecode
    uctypes.bytearray_at(id(code) + 24, 8)[:] = struct.pack("<Q", code_va)
    code()
"""
