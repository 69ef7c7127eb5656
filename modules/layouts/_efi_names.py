# UEFI 2.10. Lines of words, by number: statuses (appendix D), memory types (7.2.3), the bits of
# memory's attributes (7.2.3) and of OsIndications (8.5.4), "-" where there is none. Then nodes of
# device paths (10.3): type and subtype in hex, size of what follows the header in hex, the text of
# 10.6, and for it the fields: offset in hex and kind: b w d q a number of 1, 2, 4, 8 bytes, others
# as _efi_words says. Then GUIDs: of configuration tables 4.6, of variables 3.3 and 32.4.1, and
# EDK II's, of MdePkg.dec and MdeModulePkg.dec.

TEXT = """\
SUCCESS LOAD_ERROR INVALID_PARAMETER UNSUPPORTED BAD_BUFFER_SIZE BUFFER_TOO_SMALL NOT_READY \
DEVICE_ERROR WRITE_PROTECTED OUT_OF_RESOURCES VOLUME_CORRUPTED VOLUME_FULL NO_MEDIA MEDIA_CHANGED \
NOT_FOUND ACCESS_DENIED NO_RESPONSE NO_MAPPING TIMEOUT NOT_STARTED ALREADY_STARTED ABORTED \
ICMP_ERROR TFTP_ERROR PROTOCOL_ERROR INCOMPATIBLE_VERSION SECURITY_VIOLATION CRC_ERROR \
END_OF_MEDIA - - END_OF_FILE INVALID_LANGUAGE COMPROMISED_DATA IP_ADDRESS_CONFLICT HTTP_ERROR
Reserved LoaderCode LoaderData BootServicesCode BootServicesData RuntimeServicesCode \
RuntimeServicesData Conventional Unusable ACPIReclaim ACPIMemoryNVS MemoryMappedIO \
MemoryMappedIOPortSpace PalCode Persistent Unaccepted
UC WC WT WB UCE - - - - - - - WP RP XP NV MORE_RELIABLE RO SP CPU_CRYPTO - - - - - - - - - - - - \
- - - - - - - - - - - - - - - - - - - - - - - - - - - - - - ISA_VALID RUNTIME
BOOT_TO_FW_UI TIMESTAMP_REVOCATION FILE_CAPSULE_DELIVERY_SUPPORTED FMP_CAPSULE_SUPPORTED \
CAPSULE_RESULT_VAR_SUPPORTED START_OS_RECOVERY START_PLATFORM_RECOVERY JSON_CONFIG_DATA_REFRESH
0101 02 Pci(0x%X,0x%X) 01b 00b
0201 08 %s0x%X) 00h 04d
0301 04 Ata(0x%X,0x%X,0x%X) 00b 01b 02w
0302 04 Scsi(0x%X,0x%X) 00w 02w
0305 02 USB(0x%X,0x%X) 00b 01b
030b 21 MAC(%s,0x%X) 00m 20b
030e 0f Uart(%d,%d,%s,%s) 04q 0cb 0dp 0es
0312 06 Sata(0x%X,0x%X,0x%X) 00w 02w 04w
0317 0c NVMe(0x%X,%s) 00d 04e
0401 26 HD(%d,%s,%s,0x%X,0x%X) 00d 25k 14i 04q 0cq
0402 14 CDROM(0x%X,0x%X,0x%X) 00d 04q 0cq
0406 10 FvFile(%s) 00g
0407 10 Fv(%s) 00g
8868e871-e4f1-11d3-bc22-0080c73c8881 ACPI 2.0 root pointer
eb9d2d30-2d88-11d3-9a16-0090273fc14d ACPI 1.0 root pointer
eb9d2d31-2d88-11d3-9a16-0090273fc14d SMBIOS
f2fd1544-9794-4a2c-992e-e5bbcf20e394 SMBIOS 3
eb9d2d2f-2d88-11d3-9a16-0090273fc14d MPS
b1b621d5-f19c-41a5-830b-d9152c69aae0 device tree
dcfa911d-26eb-469f-a220-38b7dc461220 memory attributes
eb66918a-7eef-402a-842e-931d21c38ae9 runtime properties
b122a263-3661-4f68-9929-78f8b0d62180 system resources
36122546-f7e7-4c8f-bd9b-eb8525b50c0b conformance profiles
8be4df61-93ca-11d2-aa0d-00e098032b8c global variable
d719b2cb-3d3a-4596-a3bc-dad00e67656f image security
4c19049f-4137-4dd3-9c10-8b97a83ffdfa memory type information
49152e77-1ada-4764-b7a2-7afefed95e8b debug image information
7739f24c-93d7-11d4-9a3a-0090273fc14d hand-off blocks
05ad34ba-6f02-4214-952e-4da0398e2bb9 DXE services
060cc026-4c0d-4dda-8f41-595fef00a502 status codes
ee4e5898-3914-4259-9d6e-dc7bd79403cf LZMA decompression
"""
