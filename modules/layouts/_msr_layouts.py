# Model-specific registers: SDM 4, chapter 2; APM 2, appendix A.
#
# A line is a register: its number in hex, its name, and its fields, NAME:BIT or NAME:BIT.WIDTH.
# What has a "*" is each CPU's own, and is not compared.

TEXT = """
10 *TIME_STAMP_COUNTER
1b APIC_BASE *bsp:8 x2apic:10 enabled:11 base:12.40
34 *SMI_COUNT count:0.32
3a FEATURE_CONTROL lock:0 vmx_in_smx:1 vmx:2 senter_local:8.7 senter_global:15 sgx_launch:17 \
sgx:18 lmce:20
3b *TSC_ADJUST
8b BIOS_SIGN_ID patch:0.32 revision:32.32
ce PLATFORM_INFO ratio:8.8 programmable_ratio:28 programmable_tdp:29 least_ratio:40.8
e7 *MPERF
e8 *APERF
fe MTRRCAP variable:0.8 fixed:8 write_combining:10 smrr:11
10a ARCH_CAPABILITIES rdcl_no:0 ibrs_all:1 rsba:2 skip_l1dfl:3 ssb_no:4 mds_no:5 pschange_mc_no:6 \
tsx_ctrl:7 taa_no:8
174 SYSENTER_CS
175 *SYSENTER_ESP
176 SYSENTER_EIP
179 MCG_CAP banks:0.8 control:8 extended:9 cmci:10 threshold:11 extended_count:16.8 recovery:24 \
extended_log:26 local:27
17a *MCG_STATUS restart_ip:0 error_ip:1 in_progress:2 local:3
198 *PERF_STATUS state:0.16
199 *PERF_CTL target:0.16 no_turbo:32
19a CLOCK_MODULATION duty:0.4 enabled:4
19c *THERM_STATUS hot:0 hot_log:1 prochot:2 critical:4 readout:16.7 resolution:27.4 valid:31
1a0 MISC_ENABLE fast_strings:0 thermal_control:3 perfmon:7 no_bts:11 no_pebs:12 speedstep:16 \
monitor:18 limit_cpuid:22 no_xtpr:23 no_execute_off:34 no_turbo:38
1a2 TEMPERATURE_TARGET target:16.8
1ad TURBO_RATIO_LIMIT one:0.8 two:8.8 three:16.8 four:24.8
1b0 ENERGY_PERF_BIAS hint:0.4
1d9 *DEBUGCTL lbr:0 btf:1 tr:6 bts:7
277 PAT pa0:0.3 pa1:8.3 pa2:16.3 pa3:24.3 pa4:32.3 pa5:40.3 pa6:48.3 pa7:56.3
2ff MTRR_DEF_TYPE type:0.8 fixed:10 enabled:11
606 RAPL_POWER_UNIT power:0.4 energy:8.5 time:16.4
610 PKG_POWER_LIMIT limit:0.15 on:15 clamp:16
611 *PKG_ENERGY_STATUS energy:0.32
619 *DRAM_ENERGY_STATUS energy:0.32
639 *PP0_ENERGY_STATUS energy:0.32
641 *PP1_ENERGY_STATUS energy:0.32
c0000080 EFER syscall:0 long_mode:8 long_mode_active:10 no_execute:11 svm:12 fast_fxsave:14
c0000081 STAR syscall_cs:32.16 sysret_cs:48.16
c0000082 LSTAR
c0000083 CSTAR
c0000084 FMASK
c0000100 *FS_BASE
c0000101 *GS_BASE
c0000102 *KERNEL_GS_BASE
c0000103 *TSC_AUX
c0010010 SYSCFG mtrr_fixed_dram:18 mtrr_fixed_modify:19 mtrr_variable_dram:20 tom2:21 \
tom2_write_back:22 memory_encryption:23
c0010015 HWCR smm_lock:0 tlb_cache_off:3 monitor_off:9 eff_freq_lock:21 no_boost:25
c001001a TOP_MEM
c001001d TOP_MEM2
c0010061 *PSTATE_LIMIT current:0.3 most:4.3
c0010063 *PSTATE_STATUS state:0.3
c0010299 AMD_RAPL_POWER_UNIT power:0.4 energy:8.5 time:16.4
c001029a *AMD_CORE_ENERGY energy:0.32
c001029b *AMD_PACKAGE_ENERGY energy:0.32
"""
