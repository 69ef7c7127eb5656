"""Debian's cpuid, which tests hold the kernel's to: it tells what is in a table of registers."""

import re
import subprocess

# What it says of a feature whose name is not in that; of Intel's, and behind a "|" of AMD's.
SAYS = """
aperfmperf hardware coordination feedback
epb performance-energy bias capability
erms enhanced REP MOVSB/STOSB
cqm RDT-CMT/PQoS cache monitoring
zero_fcs_fds deprecated FPU CS/DS
rdt_a RDT-CAT/PQE cache allocation
sha_ni SHA instructions
intel_pt Intel processor trace
shstk CET_SS: CET shadow stack
bus_lock_detect bus lock detection
fsrm fast short REP MOV
srbds_ctrl IA32_MCU_OPT_CTRL SRBDS mitigation MSR
rtm_always_abort RTM transaction always aborts
hybrid_cpu hybrid part
arch_lbr LBR: architectural last branch records
ibt CET_IBT: CET indirect branch tracking
spec_ctrl IBRS/IBPB: indirect branch restrictions
intel_stibp STIBP: 1 thr indirect branch predictor
flush_l1d L1D_FLUSH: IA32_FLUSH_CMD MSR
spec_ctrl_ssbd SSBD: speculative store bypass disable
arch_perfmon_ext ArchPerfmonExt is valid
fzrm fast zero-length MOVSB
fsrs fast short STOSB
fsrc fast short CMPSB, SCASB
lass LASS: linear address space separation
msrlist RDMSRLIST, WRMSRLIST instructions
prefetchi PREFETCHIT0, PREFETCHIT1 instructions
xgetbv1 XGETBV instruction
lahf_lm LAHF/SAHF supported in 64-bit mode
extapic extended APIC space
cr8_legacy AltMovCr8
abm LZCNT advanced bit manipulation
3dnowprefetch 3DNow! PREFETCH/PREFETCHW instructions
osvw OS visible workaround
ibs instruction based sampling
wdt watchdog timer support
lwp lightweight profiling support
fma4 4-operand FMA instruction
nodeid_msr NodeId MSR C001100C
topoext topology extensions
perfctr_core core performance counter extensions
perfctr_nb NB/DF performance counter extensions
bpext data breakpoint extension
ptsc performance time-stamp counter support
perfctr_llc LLC performance counter extensions
mp multiprocessing capable
nx execution disable|no-execute page protection
mmxext AMD multimedia instruction extensions
fxsr_opt SSE extensions
pdpe1gb 1-GB large page support
lm 64-bit extensions technology available|long mode (AA-64)
3dnowext 3DNow! instruction extensions
htc TM: thermal monitor
100mhzsteps 100 MHz multiplier control
hw_pstate hardware P-State control
invariant_tsc TscInvariant
eff_freq_ro read-only effective frequency interface
proc_feedback processor feedback interface
acc_power APM power reporting
irperf instructions retired count support
xsaveerptr always save/restore error pointers
amd_ibpb IBPB: indirect branch prediction barrier
int_wbinvd interruptible WBINVD, WBNOINVD
amd_ibrs IBRS: indirect branch restr speculation
amd_stibp STIBP: 1 thr indirect branch predictor
ibrs_always_on CPU prefers: IBRS always on
amd_stibp_always_on CPU prefers: STIBP always on
ibrs_preferred IBRS preferred over software solution
ibrs_same_mode IBRS provides same mode protection
no_efer_lmsle EFER[LMSLE] not supported
amd_ppin ppin processor id number supported
amd_ssbd SSBD: speculative store bypass disable
virt_ssbd virtualized SSBD
amd_ssb_no SSBD fixed in hardware
amd_psfd PSFD: predictive store forward disable
btc_no not vulnerable to branch type confusion
brs branch sampling feature support
npt nested paging
lbrv LBR virtualization
tsc_scale MSR based TSC rate control
vmcb_clean VMCB clean bits support
pausefilter pause intercept filter
pfthreshold pause filter threshold
v_vmsave_vmload virtualized VMLOAD/VMSAVE
vgif virtualized global interrupt flag (GIF)
v_spec_ctrl guest Spec_ctl support
no_nested_data_bp no nested data-breakpoints
lfence_rdtsc LFENCE always serializing
null_sel_clr_base null selector clears base
autoibrs automatic IBRS
no_smm_ctl_msr SMM_CTL MSR not supported
pni PNI/SSE3: Prescott New Instructions
pclmulqdq PCLMULDQ instruction
ds_cpl CPL-qualified debug store
est Enhanced Intel SpeedStep Technology
cid context ID: adaptive or shared L1 data
cx16 CMPXCHG16B instruction
tsc_deadline_timer time stamp counter deadline
osxsave OS-enabled XSAVE/XSTOR
msr RDMSR and WRMSR support
cx8 CMPXCHG8B inst.
sep SYSENTER and SYSEXIT
pge PTE global bit
pn PSN: processor serial number
dts DS: debug store
fxsr FXSAVE/FXRSTOR
ht hyper-threading / multi-core supported
monitor_extensions enum of Monitor-MWAIT exts supported
monitor_interrupts supports intrs as break-event for MWAIT
dtherm digital thermometer
ida Intel Turbo Boost Technology
pts PTM package thermal management
hwp HWP base registers
hwp_notify HWP notification
misalignsse misaligned SSE mode
hwp_act_window HWP activity window
hwp_epp HWP energy performance preference
hwp_pkg_req HWP package level request
avx512_vpopcntdq AVX512: VPOPCNTDQ instruction
decodeassists decode assists
"""
# What it does not know, in its version of 2023.
UNKNOWN = set(
    """sha512 sm3 sm4 fred lkgs nmi_source amx_complex avx_vnni_int16 uiret_uif avx10
ibpb_ret""".split()
)


def plain(text):
    return re.sub("[^a-z0-9]", "", text.lower())


def named(name, lines):
    """Whether one of the lines is what the tool says of a feature."""
    found = re.search(rf"^{re.escape(name)} (.*)$", SAYS, re.M)
    if found:
        return bool(set(found[1].split("|")) & set(lines))
    # Short names are words of their own.
    name = plain(name)
    for line in lines:
        words = [plain(word) for word in re.split("[ /:,]", line)]
        if name in words or len(name) > 5 and name in plain(line):
            return True
    return False


def dump(cpus):
    """Tables of registers, {(leaf, subleaf): (eax, ebx, ecx, edx)}, in the form of `cpuid -r`."""
    text = ""
    for number, rows in enumerate(cpus):
        text += f"CPU {number}:\n"
        for (leaf, subleaf), row in sorted(rows.items()):
            row = " ".join(
                f"{register}=0x{value:08x}"
                for register, value in zip(("eax", "ebx", "ecx", "edx"), row, strict=True)
            )
            text += f"   0x{leaf:08x} 0x{subleaf:02x}: {row}\n"
    return text


def raw(text):
    """The table of the first CPU in such a text."""
    found = re.findall(r"0x(\w+) 0x(\w+): eax=0x(\w+) ebx=0x(\w+) ecx=0x(\w+) edx=0x(\w+)", text)
    rows = {}
    for numbers in found:
        leaf, subleaf, *row = (int(number, 16) for number in numbers)
        rows.setdefault((leaf, subleaf), tuple(row))
    return rows


def told(cpus, folder):
    """What the tool tells of each table, in lines."""
    (folder / "cpus").write_text(dump(cpus))
    done = subprocess.run(
        ["cpuid", "-f", folder / "cpus"], check=True, capture_output=True, text=True, timeout=100
    )
    return [part.splitlines() for part in re.split(r"^CPU \d+:\n", done.stdout, flags=re.M)[1:]]


def true(lines):
    """The lines that say that a bit is set, without that."""
    return [line[:-7].strip() for line in lines if line.endswith(" = true")]


def check(rows, cpu, folder):
    """All that both tell of a table is the same. `cpu` is the kernel's answer, a dict."""
    lines = told([rows], folder)[0]
    text = "\n".join(lines)
    assert cpu["vendor"] == re.search(r'vendor_id = "(.*)"', text)[1]
    for name in "family", "model":
        if found := re.search(rf"\({name} synth\) *= 0x\w+ \((\d+)\)", text):
            assert cpu[name] == int(found[1])
    assert cpu["stepping"] == int(re.search(r"stepping id *= 0x\w+ \((\d+)\)", text)[1])
    if found := re.search(r'^ *brand = "(.*?)(\\0)*"', text, re.M):
        assert cpu["brand"] == found[1].strip()
    found = true(lines)
    for name in cpu["features"]:
        if name not in UNKNOWN:
            assert named(name, found), name
    parts = r"\(APIC synth\): PKG_ID=0x(\w+) CORE_ID=0x(\w+) SMT_ID=0x(\w+)"
    if found := re.search(parts, text):
        assert tuple(cpu["topology"][1:]) == tuple(int(part, 16) for part in found.groups())
    sizes = [int(size) for size in re.findall(r"\(size synth\) *= (\d+)", text)]
    if sizes:
        assert [size for _, _, size, _, _, _ in cpu["caches"]] == sizes[: len(cpu["caches"])]
