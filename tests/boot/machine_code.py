"""Machine code from a test, run by the kernel where no fault in it is forgiven."""

# Native code's faults are exceptions, so this is none: a page that is mapped executable a second
# time, and a viper function whose code pointer is turned to it.
RUN_CODE = """
import pages, struct, uctypes

@micropython.viper
def code():
    pass

code_page = pages.alloc()
code_va = pages.reserve(1)
pages.map(code_va, code_page.addr, 1, pages.EXECUTE)

def run(machine_code):
    code_page[0 : len(machine_code)] = machine_code
    # mp_obj_fun_bc_t: type, context, child_table, bytecode
    uctypes.bytearray_at(id(code) + 24, 8)[:] = struct.pack("<Q", code_va)
    code()
"""
