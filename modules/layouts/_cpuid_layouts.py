# What is in CPUID's registers: SDM 2A, CPUID; APM 3, appendix E.
#
# A line is a register: leaf.subleaf.register, in hex, then its bits from 0 on: a feature's NAME,
# a field NAME:WIDTH, "-" for none, or .N to go on at bit N.

TEXT = """
0.0.a max_leaf:32
1.0.a stepping:4 model:4 family:4 type:2 .16 extended_model:4 extended_family:8
1.0.b brand_index:8 clflush_size_8:8 logical_ids:8 apic_id:8
1.0.c pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - \
pcid dca sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave osxsave avx f16c rdrand \
hypervisor
1.0.d fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts \
acpi mmx fxsr sse sse2 ss ht tm ia64 pbe
5.0.a monitor_smallest:16
5.0.b monitor_largest:16
5.0.c monitor_extensions monitor_interrupts
6.0.a dtherm ida arat - pln ecmd pts hwp hwp_notify hwp_act_window hwp_epp hwp_pkg_req - hdc
6.0.b thermal_thresholds:4
6.0.c aperfmperf .3 epb
7.0.a max_subleaf:32
7.0.b fsgsbase tsc_adjust sgx bmi1 hle avx2 fdp_excptn_only smep bmi2 erms invpcid rtm cqm \
zero_fcs_fds mpx rdt_a avx512f avx512dq rdseed adx smap avx512ifma pcommit clflushopt clwb \
intel_pt avx512pf avx512er avx512cd sha_ni avx512bw avx512vl
7.0.c prefetchwt1 avx512vbmi umip pku ospke waitpkg avx512_vbmi2 shstk gfni vaes vpclmulqdq \
avx512_vnni avx512_bitalg tme avx512_vpopcntdq - la57 .22 rdpid kl bus_lock_detect cldemote - \
movdiri movdir64b enqcmd sgx_lc pks
7.0.d - sgx_keys avx512_4vnniw avx512_4fmaps fsrm uintr .8 avx512_vp2intersect srbds_ctrl \
md_clear rtm_always_abort - tsx_force_abort serialize hybrid_cpu tsxldtrk - pconfig arch_lbr ibt \
- amx_bf16 avx512_fp16 amx_tile amx_int8 spec_ctrl intel_stibp flush_l1d arch_capabilities \
core_capabilities spec_ctrl_ssbd
7.1.a sha512 sm3 sm4 rao_int avx_vnni avx512_bf16 lass cmpccxadd arch_perfmon_ext .10 fzrm fsrs \
fsrc .17 fred lkgs wrmsrns nmi_source amx_fp16 hreset avx_ifma .26 lam msrlist
7.1.d .4 avx_vnni_int8 avx_ne_convert .8 amx_complex .10 avx_vnni_int16 .14 prefetchi .17 \
uiret_uif cet_sss avx10
a.0.a perfmon_version:8 perfmon_counters:8 perfmon_width:8 perfmon_events:8
a.0.d fixed_counters:5 fixed_width:8
d.0.a xcr0:32
d.0.b xsave_size:32
d.0.c xsave_size_max:32
d.1.a xsaveopt xsavec xgetbv1 xsaves xfd
15.0.a tsc_denominator:32
15.0.b tsc_numerator:32
15.0.c crystal_hz:32
16.0.a base_mhz:16
16.0.b max_mhz:16
16.0.c bus_mhz:16
80000000.0.a max_extended_leaf:32
80000001.0.c lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw \
ibs xop skinit wdt - lwp fma4 tce - nodeid_msr - tbm topoext perfctr_core perfctr_nb .26 bpext \
ptsc perfctr_llc mwaitx
80000001.0.d .11 syscall .19 mp nx - mmxext .25 fxsr_opt pdpe1gb rdtscp - lm 3dnowext 3dnow
80000005.0.c l1d_line:8 l1d_lines_per_tag:8 l1d_ways:8 l1d_kib:8
80000005.0.d l1i_line:8 l1i_lines_per_tag:8 l1i_ways:8 l1i_kib:8
80000006.0.c l2_line:8 l2_lines_per_tag:4 l2_ways_code:4 l2_kib:16
80000006.0.d l3_line:8 l3_lines_per_tag:4 l3_ways_code:4 .18 l3_512kib:14
80000007.0.d ts fid vid ttp htc stc 100mhzsteps hw_pstate invariant_tsc cpb eff_freq_ro \
proc_feedback acc_power
80000008.0.a physical_bits:8 linear_bits:8 guest_physical_bits:8
80000008.0.b clzero irperf xsaveerptr invlpgb rdpru .9 wbnoinvd .12 amd_ibpb int_wbinvd amd_ibrs \
amd_stibp ibrs_always_on amd_stibp_always_on ibrs_preferred ibrs_same_mode no_efer_lmsle .23 \
amd_ppin amd_ssbd virt_ssbd amd_ssb_no cppc amd_psfd btc_no ibpb_ret brs
80000008.0.c threads_less_1:8 .12 apic_id_size:4
8000000a.0.a svm_revision:8
8000000a.0.b svm_asids:32
8000000a.0.d npt lbrv svm_lock nrip_save tsc_scale vmcb_clean flushbyasid decodeassists .10 \
pausefilter .12 pfthreshold avic .15 v_vmsave_vmload vgif .18 x2avic .20 v_spec_ctrl .25 vnmi
8000001e.0.a extended_apic_id:32
8000001e.0.b core_id:8 threads_per_core_less_1:8
8000001e.0.c node_id:8 nodes_less_1:3
8000001f.0.a sme sev - sev_es sev_snp
8000001f.0.b c_bit:6 physical_bits_lost:6 vmpls:4
80000021.0.a no_nested_data_bp .2 lfence_rdtsc .6 null_sel_clr_base .8 autoibrs no_smm_ctl_msr
"""
