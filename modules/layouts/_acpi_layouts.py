# What is in ACPI's static tables: ACPI 6.5, chapters 5 and 18, and the documents that it names.
# Field names are those of iasl, so that what is printed here is found there.
#
# A line is a structure: its key, then a title and fields, all apart by ";". A field is NAME:TYPE:
#
#   1 to 8    a number of so many bytes; with <KEY its values have the names of that line
#   4f|A|B@2.2  a number with bit fields: position and width, or one bit, that after the last one;
#             d in place of f: the name says already that it is decoded
#   8s 8b     a string, bytes; *b: up to the end; z: a string that a zero ends; =NAMEb: as many
#             bytes as that field says
#   u         a UUID
#   <KEY      a structure inside this one
#   t, l      after a number: it chooses among KEY0, KEY1 ..., is the structure's length
#   >KEY      structures of that kind up to the end; #NAME: as many as that field says, and #A*B;
#             @NAME: from the offset on that it says
#
# "%" in a name is its number in a row. A line of values has names from 0 on; N=NAME goes to N,
# *=NAME is all others.

TEXT = """
HEAD ;Table Length:4;Revision:1;Checksum:1;Oem ID:6s;Oem Table ID:8s;Oem Revision:4;\
Asl Compiler ID:4s;Asl Compiler Revision:4
GAS Generic Address Structure;Space ID:1<SPACE;Bit Width:1;Bit Offset:1;\
Encoded Access Width:1<ACCESS;Address:8
SPACE SystemMemory;SystemIO;PCI_Config;EmbeddedControl;SMBus;SystemCMOS;PCIBARTarget;IPMI;\
GeneralPurposeIo;GenericSerialBus;PCC;127=FunctionalFixedHW
ACCESS Undefined/Legacy;Byte Access:8;Word Access:16;DWord Access:32;QWord Access:64
RSDP ;Signature:8s;Checksum:1;Oem ID:6s;Revision:1;RSDT Address:4;Length:4;XSDT Address:8;\
Extended Checksum:1;Reserved:3
RSDT Root System Description Table;>RSDT~
RSDT~ ;ACPI Table Address %:4
XSDT Extended System Description Table;>XSDT~
XSDT~ ;ACPI Table Address %:8
FACP Fixed ACPI Description Table (FADT);FACS Address:4;DSDT Address:4;Model:1;\
PM Profile:1<PROFILE;SCI Interrupt:2;SMI Command Port:4;ACPI Enable Value:1;ACPI Disable Value:1;\
S4BIOS Command:1;P-State Control:1;PM1A Event Block Address:4;PM1B Event Block Address:4;\
PM1A Control Block Address:4;PM1B Control Block Address:4;PM2 Control Block Address:4;\
PM Timer Block Address:4;GPE0 Block Address:4;GPE1 Block Address:4;PM1 Event Block Length:1;\
PM1 Control Block Length:1;PM2 Control Block Length:1;PM Timer Block Length:1;\
GPE0 Block Length:1;GPE1 Block Length:1;GPE1 Base Offset:1;_CST Support:1;C2 Latency:2;\
C3 Latency:2;CPU Cache Size:2;Cache Flush Stride:2;Duty Cycle Offset:1;Duty Cycle Width:1;\
RTC Day Alarm Index:1;RTC Month Alarm Index:1;RTC Century Index:1;\
Boot Flags:2f|Legacy Devices Supported (V2)|8042 Present on ports 60/64 (V2)|VGA Not Present (V4)|\
MSI Not Supported (V4)|PCIe ASPM Not Supported (V4)|CMOS RTC Not Present (V5);Reserved:1;\
Flags:4f|WBINVD instruction is operational (V1)|WBINVD flushes all caches (V1)|\
All CPUs support C1 (V1)|C2 works on MP system (V1)|Control Method Power Button (V1)|\
Control Method Sleep Button (V1)|RTC wake not in fixed reg space (V1)|\
RTC can wake system from S4 (V1)|32-bit PM Timer (V1)|Docking Supported (V1)|\
Reset Register Supported (V2)|Sealed Case (V3)|Headless - No Video (V3)|\
Use native instr after SLP_TYPx (V3)|PCIEXP_WAK Bits Supported (V4)|Use Platform Timer (V4)|\
RTC_STS valid on S4 wake (V4)|Remote Power-on capable (V4)|Use APIC Cluster Model (V4)|\
Use APIC Physical Destination Mode (V4)|Hardware Reduced (V5)|Low Power S0 Idle (V5);\
Reset Register:<GAS;Value to cause reset:1;ARM Flags:2f|PSCI Compliant|Must use HVC for PSCI;\
FADT Minor Revision:1;FACS Address:8;DSDT Address:8;PM1A Event Block:<GAS;PM1B Event Block:<GAS;\
PM1A Control Block:<GAS;PM1B Control Block:<GAS;PM2 Control Block:<GAS;PM Timer Block:<GAS;\
GPE0 Block:<GAS;GPE1 Block:<GAS;Sleep Control Register:<GAS;Sleep Status Register:<GAS;\
Hypervisor ID:8
PROFILE Unspecified;Desktop;Mobile;Workstation;Enterprise Server;SOHO Server;Appliance PC;\
Performance Server;Tablet;*=Unknown Profile Type
FACS ;Length:4;Hardware Signature:4;32 Firmware Waking Vector:4;\
Global Lock:4;Flags:4f|S4BIOS Support Present|64-bit Wake Supported (V2);\
64 Firmware Waking Vector:8;Version:1;Reserved:3;OspmFlags:4f|64-bit Wake Env Required (V2)
APIC Multiple APIC Description Table (MADT);Local Apic Address:4;Flags:4f|PC-AT Compatibility;\
>APIC~
APIC~ ;Subtable Type:1t;Length:1l
APIC~0 Processor Local APIC;Processor ID:1;Local Apic ID:1;\
Flags:4f|Processor Enabled|Runtime Online Capable
APIC~1 I/O APIC;I/O Apic ID:1;Reserved:1;Address:4;Interrupt:4
APIC~2 Interrupt Source Override;Bus:1;Source:1;Interrupt:4;Flags:2f|Polarity@0.2|Trigger Mode@2.2
APIC~3 NMI Source;Flags:2f|Polarity@0.2|Trigger Mode@2.2;Interrupt:4
APIC~4 Local APIC NMI;Processor ID:1;Flags:2f|Polarity@0.2|Trigger Mode@2.2;Interrupt Input LINT:1
APIC~5 Local APIC Address Override;Reserved:2;APIC Address:8
APIC~6 I/O SAPIC;I/O Sapic ID:1;Reserved:1;Interrupt Base:4;Address:8
APIC~7 Local SAPIC;Processor ID:1;Local Sapic ID:1;Local Sapic EID:1;Reserved:3;\
Flags:4f|Processor Enabled;Processor UID:4;Processor UID String:z
APIC~8 Platform Interrupt Sources;Flags:2f|Polarity@0.2|Trigger Mode@2.2;InterruptType:1;\
Processor ID:1;Processor EID:1;I/O Sapic Vector:1;Interrupt:4;Flags:4f|CPEI Override
APIC~9 Processor Local x2APIC;Reserved:2;Processor x2Apic ID:4;Flags:4f|Processor Enabled;\
Processor UID:4
APIC~10 Local x2APIC NMI;Flags:2f|Polarity@0.2|Trigger Mode@2.2;Processor UID:4;\
Interrupt Input LINT:1;Reserved:3
APIC~11 Generic Interrupt Controller;Reserved:2;CPU Interface Number:4;Processor UID:4;\
Flags:4f|Processor Enabled|Performance Interrupt Trigger Mode|\
Virtual GIC Interrupt Trigger Mode;Parking Protocol Version:4;Performance Interrupt:4;\
Parked Address:8;Base Address:8;Virtual GIC Base Address:8;Hypervisor GIC Base Address:8;\
Virtual GIC Interrupt:4;Redistributor Base Address:8;ARM MPIDR:8;Efficiency Class:1;Reserved:1;\
SPE Overflow Interrupt:2
APIC~12 Generic Interrupt Distributor;Reserved:2;Local GIC Hardware ID:4;Base Address:8;\
Interrupt Base:4;Version:1;Reserved:3
APIC~13 Generic MSI Frame;Reserved:2;MSI Frame ID:4;Base Address:8;Flags:4f|Select SPI;\
SPI Count:2;SPI Base:2
APIC~14 Generic Interrupt Redistributor;Reserved:2;Base Address:8;Length:4
APIC~15 Generic Interrupt Translator;Reserved:2;Translation ID:4;Base Address:8;Reserved:4
APIC~16 Multiprocessor Wakeup;Mailbox Version:2;Reserved:4;Mailbox Address:8
MCFG Memory Mapped Configuration table;Reserved:8;>MCFG~
MCFG~ ;Base Address:8;Segment Group Number:2;Start Bus Number:1;End Bus Number:1;Reserved:4
HPET High Precision Event Timer table;Hardware Block ID:4;Timer Block Register:<GAS;\
Sequence Number:1;Minimum Clock Ticks:2;Flags:1f|4K Page Protect|64K Page Protect
SRAT System Resource Affinity Table;Table Revision:4;Reserved:8;>SRAT~
SRAT~ ;Subtable Type:1t;Length:1l
SRAT~0 Processor Local APIC/SAPIC Affinity;Proximity Domain Low(8):1;Apic ID:1;Flags:4f|Enabled;\
Local Sapic EID:1;Proximity Domain High(24):3;Clock Domain:4
SRAT~1 Memory Affinity;Proximity Domain:4;Reserved1:2;Base Address:8;Address Length:8;\
Reserved2:4;Flags:4f|Enabled|Hot Pluggable|Non-Volatile;Reserved3:8
SRAT~2 Processor Local x2APIC Affinity;Reserved1:2;Proximity Domain:4;Apic ID:4;Flags:4f|Enabled;\
Clock Domain:4;Reserved2:4
SRAT~3 GICC Affinity;Proximity Domain:4;Acpi Processor UID:4;Flags:4f|Enabled;Clock Domain:4
SRAT~4 GIC ITS Affinity;Proximity Domain:4;Reserved:2;ITS ID:4
SRAT~5 Generic Initiator Affinity;Reserved1:1;Device Handle Type:1;Proximity Domain:4;\
Device Handle:16b;Flags:4f|Enabled;Reserved2:4
SLIT System Locality Information Table;Localities:8;>SLIT~#Localities
SLIT~ ;Locality %:=Localitiesb
SPCR Serial Port Console Redirection table;Interface Type:1;Reserved:3;\
Serial Port Register:<GAS;Interrupt Type:1;PCAT-compatible IRQ:1;Interrupt:4;Baud Rate:1;\
Parity:1;Stop Bits:1;Flow Control:1;Terminal Type:1;Reserved:1;PCI Device ID:2;PCI Vendor ID:2;\
PCI Bus:1;PCI Device:1;PCI Function:1;PCI Flags:4;PCI Segment:1;Reserved:4
DBGP Debug Port table;Interface Type:1;Reserved:3;Debug Port Register:<GAS
DMAR DMA Remapping table;Host Address Width:1;Flags:1;Reserved:10b;>DMAR~
DMAR~ ;Subtable Type:2t;Length:2l
DMAR~0 Hardware Unit Definition;Flags:1;Reserved:1;PCI Segment Number:2;Register Base Address:8;\
>DMAR.
DMAR~1 Reserved Memory Region;Reserved:2;PCI Segment Number:2;Base Address:8;\
End Address (limit):8;>DMAR.
DMAR~2 Root Port ATS Capability;Flags:1;Reserved:1;PCI Segment Number:2;>DMAR.
DMAR~3 Remapping Hardware Static Affinity;Reserved:4;Base Address:8;Proximity Domain:4
DMAR~4 ACPI Namespace Device Declaration;Reserved:3;Device Number:1;Device Name:z
DMAR. ;Device Scope Type:1<SCOPE;Entry Length:1l;Reserved:2;Enumeration ID:1;PCI Bus Number:1;\
>DMAR/
DMAR/ ;PCI Path:2p
SCOPE Reserved value;PCI Endpoint Device;PCI Bridge Device;IOAPIC Device;\
Message-capable HPET Device;Namespace Device;*=Reserved value
IVRS I/O Virtualization Reporting Structure;Virtualization Info:4;Reserved:8;>IVRS~
IVRS~ ;Subtable Type:1t;Flags:1;Length:2l;DeviceId:2
IVRS~16 Hardware Definition Block;Capability Offset:2;Base Address:8;PCI Segment Group:2;\
Virtualization Info:2;Feature Reporting:4;>IVRS.
IVRS~17 Hardware Definition Block;Capability Offset:2;Base Address:8;PCI Segment Group:2;\
Virtualization Info:2;Attributes:4;EFR Image:8;Reserved:8;>IVRS.
IVRS~32,33,34 Memory Definition Block;Auxiliary Data:2;Reserved:8;Start Address:8;Memory Length:8
IVRS. ;Entry Type:1t;Device ID:2;Data Setting:1
IVRS.66,67 ;Reserved:1;Source Used Device ID:2;Reserved:1
IVRS.64,70,71 ;Extended Data:4
IVRS.72 ;Handle:1;Source Used Device ID:2;Variety:1
BGRT Boot Graphics Resource Table;Version:2;Status:1f|Displayed|Orientation Offset@1.2;\
Image Type:1;Image Address:8;Image OffsetX:4;Image OffsetY:4
WAET Windows ACPI Emulated Devices Table;Flags:4f|RTC needs no INT ack|PM timer, one read only
TPM2 Trusted Platform Module hardware interface table;Platform Class:2;Reserved:2;\
Control Address:8;Start Method:4<START;Method Parameters:12b;Minimum Log Length:4;Log Address:8
TPM2.3 Trusted Platform Module hardware interface table;Reserved:4;Control Address:8;\
Start Method:4;Reserved:4
START Unknown method;Reserved;ACPI Start Method;Reserved;Reserved;Reserved;Memory Mapped I/O;\
Command Response Buffer;Command Response Buffer with ACPI Start Method;\
*=Unknown Subtable Type
BERT Boot Error Record Table;Boot Error Region Length:4;Boot Error Region Address:8
EINJ Error Injection table;Injection Header Length:4;Flags:1;Reserved:3;\
Injection Entry Count:4;>EINJ~#Injection Entry Count
EINJ~ ;Action:1<INJECT;Instruction:1<INSTRUCTION;Flags:1f|Preserve Register Bits;Reserved:1;\
Register Region:<GAS;Value:8;Mask:8
INJECT Begin Operation;Get Trigger Table;Set Error Type;Get Error Type;End Operation;\
Execute Operation;Check Busy Status;Get Command Status;Set Error Type With Address;\
Get Execute Timings;*=Unknown Action
INSTRUCTION Read Register;Read Register Value;Write Register;Write Register Value;Noop;\
*=Unknown Instruction
ERST Error Record Serialization Table;Serialization Header Length:4;Reserved:4;\
Instruction Entry Count:4;>ERST~#Instruction Entry Count
ERST~ ;Action:1<RECORD;Instruction:1<STEP;Flags:1f|Preserve Register Bits;Reserved:1;\
Register Region:<GAS;Value:8;Mask:8
RECORD Begin Write Operation;Begin Read Operation;Begin Clear Operation;End Operation;\
Set Record Offset;Execute Operation;Check Busy Status;Get Command Status;Get Record Identifier;\
Set Record Identifier;Get Record Count;Begin Dummy Write;Unused/Unknown Action;\
Get Error Address Range;Get Error Address Length;Get Error Attributes;Execute Timings;\
*=Unknown Action
STEP Read Register;Read Register Value;Write Register;Write Register Value;Noop;Load Var1;\
Load Var2;Store Var1;Add;Subtract;Add Value;Subtract Value;Stall;Stall While True;\
Skip Next If True;GoTo;Set Source Address;Set Destination Address;Move Data;\
*=Unknown Instruction
HEST Hardware Error Source Table;Error Source Count:4;>HEST~
HEST~ ;Subtable Type:2t;Source Id:2
HEST~0 IA-32 Machine Check Exception;Reserved1:2;Flags:1f|Firmware First|GHES Assist@2.1;\
Enabled:1;Records To Preallocate:4;Max Sections Per Record:4;Global Capability Data:8;\
Global Control Data:8;Num Hardware Banks:1;Reserved2:7;>HEST.#Num Hardware Banks
HEST~1 IA-32 Corrected Machine Check;Reserved1:2;Flags:1f|Firmware First|GHES Assist@2.1;\
Enabled:1;Records To Preallocate:4;Max Sections Per Record:4;Notify:<NOTIFY;\
Num Hardware Banks:1;Reserved2:3;>HEST.#Num Hardware Banks
HEST~2 IA-32 Non-Maskable Interrupt;Reserved:4;Records To Preallocate:4;\
Max Sections Per Record:4;Max Raw Data Length:4
HEST~6 PCI Express Root Port AER;Reserved:2;Flags:1f|Firmware First|Global;Enabled:1;\
Records To Preallocate:4;Max Sections Per Record:4;Bus:4;Device:2;Function:2;DeviceControl:2;\
Reserved:2;Uncorrectable Mask:4;Uncorrectable Severity:4;Correctable Mask:4;\
Advanced Capabilities:4;Root Error Command:4
HEST~7 PCI Express AER (AER Endpoint);Reserved:2;Flags:1f|Firmware First|Global;Enabled:1;\
Records To Preallocate:4;Max Sections Per Record:4;Bus:4;Device:2;Function:2;DeviceControl:2;\
Reserved:2;Uncorrectable Mask:4;Uncorrectable Severity:4;Correctable Mask:4;\
Advanced Capabilities:4
HEST~8 PCI Express/PCI-X Bridge AER;Reserved:2;Flags:1f|Firmware First|Global;Enabled:1;\
Records To Preallocate:4;Max Sections Per Record:4;Bus:4;Device:2;Function:2;DeviceControl:2;\
Reserved:2;Uncorrectable Mask:4;Uncorrectable Severity:4;Correctable Mask:4;\
Advanced Capabilities:4;2nd Uncorrectable Mask:4;2nd Uncorrectable Severity:4;\
2nd Advanced Capabilities:4
HEST~9 Generic Hardware Error Source;Related Source Id:2;Reserved:1;Enabled:1;\
Records To Preallocate:4;Max Sections Per Record:4;Max Raw Data Length:4;\
Error Status Address:<GAS;Notify:<NOTIFY;Error Status Block Length:4
HEST~10 Generic Hardware Error Source V2;Related Source Id:2;Reserved:1;Enabled:1;\
Records To Preallocate:4;Max Sections Per Record:4;Max Raw Data Length:4;\
Error Status Address:<GAS;Notify:<NOTIFY;Error Status Block Length:4;\
Read Ack Register:<GAS;Read Ack Preserve:8;Read Ack Write:8
HEST~11 IA-32 Deferred Machine Check;Reserved1:2;Flags:1f|Firmware First|GHES Assist@2.1;\
Enabled:1;Records To Preallocate:4;Max Sections Per Record:4;Notify:<NOTIFY;\
Num Hardware Banks:1;Reserved2:3;>HEST.#Num Hardware Banks
HEST. ;Bank Number:1;Clear Status On Init:1;Status Format:1;Reserved:1;Control Register:4;\
Control Data:8;Status Register:4;Address Register:4;Misc Register:4
NOTIFY Hardware Error Notification Structure;Notify Type:1<NOTIFYTYPE;Notify Length:1;\
Configuration Write Enable:2;PollInterval:4;Vector:4;Polling Threshold Value:4;\
Polling Threshold Window:4;Error Threshold Value:4;Error Threshold Window:4
NOTIFYTYPE Polled;External Interrupt;Local Interrupt;SCI;NMI;CMCI;MCE;GPIO;SEA;SEI;GSIV;\
Software Delegated Exception;*=Reserved
MSCT Maximum System Characteristics Table;Proximity Offset:4;Max Proximity Domains:4;\
Max Clock Domains:4;Max Physical Address:8;>MSCT~@Proximity Offset
MSCT~ ;Revision:1;Length:1l;Domain Range Start:4;Domain Range End:4;Processor Capacity:4;\
Memory Capacity:8
MPST Memory Power State Table;Channel ID:1;Reserved:3;Power Node Count:2;Reserved:2;\
>MPST~#Power Node Count;Characteristics Count:2;Reserved:2;>MPST-#Characteristics Count
MPST~ ;Flags:1f|Node Enabled|Power Managed|Hot Plug Capable;Reserved:1;Node ID:2;Length:4;\
Range Address:8;Range Length:8;Num Power States:4;Num Physical Components:4;\
>MPST.#Num Power States;>MPST/#Num Physical Components
MPST. ;Power State:1;InfoIndex:1
MPST/ ;Component Id:2
MPST- ;Structure ID:1;Flags:1f|Memory Preserved|Auto Entry|Auto Exit;Reserved:2;Average Power:4;\
Power Saving:4;Exit Latency:8;Reserved:8
PCCT Platform Communications Channel Table;Flags:4f|Platform;Reserved:8;>PCCT~
PCCT~ ;Subtable Type:1t;Length:1l
PCCT~0 Generic Communications Subspace;Reserved:6;Base Address:8;Address Length:8;\
Doorbell Register:<GAS;Preserve Mask:8;Write Mask:8;Command Latency:4;Maximum Access Rate:4;\
Minimum Turnaround Time:2
PCCT~1 HW-Reduced Comm Subspace;Platform Interrupt:4;Flags (Decoded Below):1d|Polarity|Mode;\
Reserved:1;Base Address:8;Address Length:8;Doorbell Register:<GAS;Preserve Mask:8;Write Mask:8;\
Command Latency:4;Maximum Access Rate:4;Minimum Turnaround Time:2
PCCT~2 HW-Reduced Comm Subspace Type2;Platform Interrupt:4;\
Flags (Decoded Below):1d|Polarity|Mode;Reserved:1;Base Address:8;Address Length:8;\
Doorbell Register:<GAS;Preserve Mask:8;Write Mask:8;Command Latency:4;Maximum Access Rate:4;\
Minimum Turnaround Time:2;Platform ACK Register:<GAS;ACK Preserve Mask:8;ACK Write Mask:8
PCCT~3 Extended PCC Master Subspace;<PCCT.
PCCT~4 Extended PCC Slave Subspace;<PCCT.
PCCT. ;Platform Interrupt:4;Flags (Decoded Below):1d|Polarity|Mode;Reserved:1;Base Address:8;\
Address Length:4;Doorbell Register:<GAS;Preserve Mask:8;Write Mask:8;Command Latency:4;\
Maximum Access Rate:4;Minimum Turnaround Time:4;Platform ACK Register:<GAS;ACK Preserve Mask:8;\
ACK Set Mask:8;Reserved:8;Command Complete Register:<GAS;Command Complete Check Mask:8;\
Command Update Register:<GAS;Command Update Preserve Mask:8;Command Update Set Mask:8;\
Error Status Register:<GAS;Error Status Mask:8
PMTT Platform Memory Topology Table;Reserved:4;>PMTT~
PMTT~ ;Subtable Type:1t;Reserved:1;Length:2l;\
Flags:2f|Top-level Device|Physical Element|Memory Type@2.2;Reserved:2
PMTT~0 Socket;Socket ID:2;Reserved:2;>PMTT~
PMTT~1 Memory Controller;Read Latency:4;Write Latency:4;Read Bandwidth:4;Write Bandwidth:4;\
Access Width:2;Alignment:2;Reserved:2;Domain Count:2;>PMTT.#Domain Count;>PMTT~
PMTT. ;Proximity Domain:4
PMTT~2 Physical Component (DIMM);Component ID:2;Reserved:2;Memory Size:4;Bios Handle:4
PPTT Processor Properties Topology Table;>PPTT~
PPTT~ ;Subtable Type:1t;Length:1l;Reserved:2
PPTT~0 Processor Hierarchy Node;Flags:4f|Physical package|ACPI Processor ID valid|\
Processor is a thread|Node is a leaf|Identical Implementation;Parent:4;ACPI Processor ID:4;\
Private Resource Number:4;>PPTT.#Private Resource Number
PPTT. ;Private Resource:4
PPTT~1 Cache Type;Flags:4f|Size valid|Number of Sets valid|Associativity valid|\
Allocation Type valid|Cache Type valid|Write Policy valid|Line Size valid;Next Level of Cache:4;\
Size:4;Number of Sets:4;Associativity:1;\
Attributes:1d|Allocation Type@0.2|Cache Type@2.2|Write Policy@4.1;Line Size:2
PPTT~2 ID;Vendor ID:4;Level1 ID:8;Level2 ID:8;Major revision:2;Minor revision:2;Spin revision:2
HMAT Heterogeneous Memory Attributes Table;Reserved:4;>HMAT~
HMAT~ ;Structure Type:2t;Reserved:2;Length:4l
HMAT~0 Memory Proximity Domain Attributes;Flags:2f|Processor Proximity Domain Valid;Reserved1:2;\
Attached Initiator Proximity Domain:4;Memory Proximity Domain:4;Reserved2:4;Reserved3:8;\
Reserved4:8
HMAT~1 System Locality Latency and Bandwidth Information;Flags:1f|Memory Hierarchy@0.4;\
Data Type:1;Reserved1:2;Initiator Proximity Domains #:4;Target Proximity Domains #:4;\
Reserved2:4;Entry Base Unit:8;>HMAT.#Initiator Proximity Domains #;\
>HMAT/#Target Proximity Domains #;\
>HMAT-#Initiator Proximity Domains #*Target Proximity Domains #
HMAT. ;Initiator Proximity Domain List:4
HMAT/ ;Target Proximity Domain List:4
HMAT- ;Entry:2
HMAT~2 Memory Side Cache Information;Memory Proximity Domain:4;Reserved1:4;\
Memory Side Cache Size:8;Cache Attributes:4f|Total Cache Levels@0.4|Cache Level@4.4|\
Cache Associativity@8.4|Write Policy@12.4|Cache Line Size@16.16;Reserved2:2;SMBIOS Handle #:2;\
>HMAT+#SMBIOS Handle #
HMAT+ ;SMBIOS Handle:2
NFIT NVDIMM Firmware Interface Table;Reserved:4;>NFIT~
NFIT~ ;Subtable Type:2t;Length:2l
NFIT~0 System Physical Address Range;Range Index:2;\
Flags:2f|Add/Online Operation Only|Proximity Domain Valid;Reserved:4;Proximity Domain:4;\
Region Type GUID:u;Address Range Base:8;Address Range Length:8;Memory Map Attribute:8
NFIT~1 Memory Range Map;Device Handle:4;Physical Id:2;Region Id:2;Range Index:2;\
Control Region Index:2;Region Size:8;Region Offset:8;Address Region Base:8;Interleave Index:2;\
Interleave Ways:2;Flags:2d|Save to device failed|Restore from device failed|\
Platform flush failed|Device not armed|Health events observed|Health events enabled|\
Mapping failed;Reserved:2
NFIT~2 Interleave Info;Interleave Index:2;Reserved:2;Line Count:4;Line Size:4;>NFIT.#Line Count
NFIT. ;Line Offset:4
NFIT~3 SMBIOS Information;Reserved:4;SMBIOS Table Entries:*b
NFIT~4 NVDIMM Control Region;Region Index:2;Vendor Id:2;Device Id:2;Revision Id:2;\
Subsystem Vendor Id:2;Subsystem Device Id:2;Subsystem Revision Id:2;Valid Fields:1;\
Manufacturing Location:1;Manufacturing Date:2;Reserved:2;Serial Number:4;Code:2;Window Count:2;\
Window Size:8;Command Offset:8;Command Size:8;Status Offset:8;Status Size:8;\
Flags:2d|Windows buffered;Reserved1:6
NFIT~5 NVDIMM Block Data Window Region;Region Index:2;Window Count:2;Offset:8;Size:8;Capacity:8;\
Start Address:8
NFIT~6 Flush Hint Address;Device Handle:4;Hint Count:2;Reserved:6;>NFIT/#Hint Count
NFIT/ ;Hint Address:8
NFIT~7 Platform Capabilities;Highest Capability:1;Reserved:3;\
Capabilities:4f|Cache Flush to NVDIMM|Memory Flush to NVDIMM|Memory Mirroring;Reserved:4
CEDT CXL Early Discovery Table;>CEDT~
CEDT~ ;Subtable Type:1t;Reserved:1;Length:2l
CEDT~0 CXL Host Bridge Structure;Associated host bridge:4;Specification version:4;Reserved:4;\
Register base:8;Register length:8
CEDT~1 CXL Fixed Memory Window Structure;Reserved:4;Window base address:8;Window size:8;\
Interleave Members:1;Interleave Arithmetic:1;Reserved:2;Granularity:4;Restrictions:2;QtgId:2;\
>CEDT.
CEDT. ;Target:4
VIOT Virtual I/O Translation Table;Node count:2;Node offset:2;Reserved:8;\
>VIOT~#Node count@Node offset
VIOT~ ;Type:1t;Reserved:1;Length:2l
VIOT~1 PCI Range;Endpoint start:4;PCI Segment start:2;PCI Segment end:2;PCI BDF start:2;\
PCI BDF end:2;Output node:2;Reserved:6
VIOT~2 MMIO Endpoint;Endpoint:4;Base address:8;Output node:2;Reserved:6
VIOT~3 VirtIO-PCI IOMMU;PCI Segment:2;PCI BDF number:2;Reserved:8
VIOT~4 VirtIO-MMIO IOMMU;Reserved:4;Base address:8
FPDT Firmware Performance Data Table;>FPDT~
FPDT~ ;Subtable Type:2t;Length:1l;Revision:1
FPDT~0 ;Reserved:4;FPDT Boot Record Address:8
FPDT~1 ;Reserved:4;S3PT Record Address:8
GTDT Generic Timer Description Table;Counter Block Address:8;Reserved:4;Secure EL1 Interrupt:4;\
EL1 Flags:4f|Trigger Mode|Polarity|Always On;Non-Secure EL1 Interrupt:4;\
NEL1 Flags:4f|Trigger Mode|Polarity|Always On;Virtual Timer Interrupt:4;\
VT Flags:4f|Trigger Mode|Polarity|Always On;Non-Secure EL2 Interrupt:4;\
NEL2 Flags:4f|Trigger Mode|Polarity|Always On;Counter Read Block Address:8;\
Platform Timer Count:4;Platform Timer Offset:4;Virtual EL2 Timer GSIV:4;\
Virtual EL2 Timer Flags:4;>GTDT~#Platform Timer Count@Platform Timer Offset
GTDT~ ;Subtable Type:1t;Length:2l;Reserved:1
GTDT~0 Generic Timer Block;Block Address:8;Timer Count:4;Timer Offset:4;>GTDT.#Timer Count
GTDT. ;Frame Number:1;Reserved:3;Base Address:8;EL0 Base Address:8;Timer Interrupt:4;\
Timer Flags:4f|Trigger Mode|Polarity;Virtual Timer Interrupt:4;\
Virtual Timer Flags:4f|Trigger Mode|Polarity;Common Flags:4f|Secure|Always On
GTDT~1 Generic Watchdog Timer;Refresh Frame Address:8;Control Frame Address:8;\
Timer Interrupt:4;Timer Flags:4f|Trigger Mode|Polarity|Security
UEFI UEFI Boot Optimization Table;UUID Identifier:u;Data Offset:2
ECDT Embedded Controller Boot Resources Table;Command/Status Register:<GAS;Data Register:<GAS;\
UID:4;GPE Number:1;Namepath:z
BOOT Simple Boot Flag Table;Boot Register Index:1;Reserved:3
WSMT Windows SMM Security Mitigations Table;Protection Flags:4d|FIXED_COMM_BUFFERS|\
COMM_BUFFER_NESTED_PTR_PROTECTION|SYSTEM_RESOURCE_PROTECTION
DSDT Differentiated System Description Table
SSDT Secondary System Description Table
"""
