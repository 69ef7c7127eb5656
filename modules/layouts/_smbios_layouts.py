# What is in SMBIOS's structures: DMTF DSP0134 3.7, chapter 7, and DSP0270 1.3. Fields have the
# names, and values the words, that dmidecode prints, so that what is printed here is found there.
#
# A line is a structure: its type and title, then what is in it, all apart by ";":
#
#   NAME=OOk...  a field at offset OO in hex; k is its kind: b w d q a number of 1, 2, 4, 8 bytes,
#                i one of 2 with a sign, h x one of 2, 4 bytes in hex, s a string's number. Then
#                S&M    shifted right by S, and with mask M, both in hex
#                :KEY   a word of that line
#                *KEY   a list of the words of its bits, or None; -KEY without None; +KEY a row
#                %TEXT  as Python formats it; .N TEXT  with N decimal places
#                $NAME  as the method of that name says
#                !N=TEXT  of the value N, in hex: that text; without one no field at all
#   @OO          the end, unless the structure has that many bytes
#   ?OOk         the end, unless that field is not 0
#   $NAME        what that method adds
#   "+" as a NAME  more of the list before
#
# A line of words has those of 0, 1, 2 ...; #N goes on at N, #N-M is the next one's range, ~ the
# words of 1 and 2 that most have; a bit's word that begins with "=" is the only one where it is.

TEXT = """
0 BIOS Information;@12;Vendor=04s;Version=05s;Release Date=08s;Address=06w%0x%04X0!0=;\
Runtime Size=06w$runtime;ROM Size=09b$rom;Characteristics=0Aq-BIOS;@13;+=12b-BIOS1;@14;\
+=13b-BIOS2;@18;BIOS Revision=14w$revision;Firmware Revision=16w$revision
BIOS #3;=BIOS characteristics not supported;ISA is supported;MCA is supported;\
EISA is supported;PCI is supported;PC Card (PCMCIA) is supported;PNP is supported;\
APM is supported;BIOS is upgradeable;BIOS shadowing is allowed;VLB is supported;\
ESCD support is available;Boot from CD is supported;Selectable boot is supported;\
BIOS ROM is socketed;Boot from PC Card (PCMCIA) is supported;EDD is supported;\
Japanese floppy for NEC 9800 1.2 MB is supported (int 13h);\
Japanese floppy for Toshiba 1.2 MB is supported (int 13h);\
5.25"/360 kB floppy services are supported (int 13h);\
5.25"/1.2 MB floppy services are supported (int 13h);\
3.5"/720 kB floppy services are supported (int 13h);\
3.5"/2.88 MB floppy services are supported (int 13h);\
Print screen service is supported (int 5h);8042 keyboard services are supported (int 9h);\
Serial services are supported (int 14h);Printer services are supported (int 17h);\
CGA/mono video services are supported (int 10h);NEC PC-98
BIOS1 ACPI is supported;USB legacy is supported;AGP is supported;I2O boot is supported;\
LS-120 boot is supported;ATAPI Zip drive boot is supported;IEEE 1394 boot is supported;\
Smart battery is supported
BIOS2 BIOS boot specification is supported;Function key-initiated network boot is supported;\
Targeted content distribution is supported;UEFI is supported;System is a virtual machine;\
Manufacturing mode is supported;Manufacturing mode is enabled
1 System Information;@8;Manufacturer=04s;Product Name=05s;Version=06s;Serial Number=07s;@19;\
UUID=08b$uuid;Wake-up Type=18b:WAKE;@1B;SKU Number=19s;Family=1As
WAKE Reserved;Other;Unknown;APM Timer;Modem Ring;LAN Remote;Power Switch;PCI PME#;\
AC Power Restored
2 Base Board Information;@8;Manufacturer=04s;Product Name=05s;Version=06s;Serial Number=07s;\
@9;Asset Tag=08s;@A;Features=09b*FEATURE;@E;Location In Chassis=0As;Chassis Handle=0Bh;\
Type=0Db:BOARD;@F;Contained Object Handles=0Eb$handles
FEATURE Board is a hosting board;Board requires at least one daughter board;\
Board is removable;Board is replaceable;Board is hot swappable
BOARD #1;Unknown;Other;Server Blade;Connectivity Switch;System Management Module;\
Processor Module;I/O Module;Memory Module;Daughter Board;Motherboard;Processor+Memory Module;\
Processor+I/O Module;Interconnect Board
3 Chassis Information;@9;Manufacturer=04s;Type=05b0&7F:CHASSIS;Lock=05b7&1:THERE;Version=06s;\
Serial Number=07s;Asset Tag=08s;@D;Boot-up State=09b:STATE;Power Supply State=0Ab:STATE;\
Thermal State=0Bb:STATE;Security Status=0Cb:SECURITY;@11;OEM Information=0Dx;@13;\
Height=11b%%d U!0=Unspecified;Number Of Power Cords=12b!0=Unspecified;@15;\
Contained Elements=13b$elements
CHASSIS ~;Desktop;Low Profile Desktop;Pizza Box;Mini Tower;Tower;Portable;Laptop;Notebook;\
Hand Held;Docking Station;All In One;Sub Notebook;Space-saving;Lunch Box;Main Server Chassis;\
Expansion Chassis;Sub Chassis;Bus Expansion Chassis;Peripheral Chassis;RAID Chassis;\
Rack Mount Chassis;Sealed-case PC;Multi-system;CompactPCI;AdvancedTCA;Blade;Blade Enclosing;\
Tablet;Convertible;Detachable;IoT Gateway;Embedded PC;Mini PC;Stick PC
THERE Not Present;Present
STATE ~;Safe;Warning;Critical;Non-recoverable
SECURITY ~;None;External Interface Locked Out;External Interface Enabled
4 Processor Information;@1A;Socket Designation=04s;Type=05b:CPU;Family=06b$family;\
Manufacturer=07s;$signature;Version=10s;Voltage=11b$voltage;External Clock=12w%%d MHz!0=Unknown;\
Max Speed=14w%%d MHz!0=Unknown;Current Speed=16w%%d MHz!0=Unknown;Status=18b$populated;\
Upgrade=19b:UPGRADE;@20;L1 Cache Handle=1Aw$cache;L2 Cache Handle=1Cw$cache;\
L3 Cache Handle=1Ew$cache;@23;Serial Number=20s;Asset Tag=21s;Part Number=22s;@28;\
Core Count=23b$count!0=;Core Enabled=24b$count!0=;Thread Count=25b$count!0=;\
Characteristics=26w*ABILITY
CPU ~;Central Processor;Math Processor;DSP Processor;Video Processor
FAMILY ~;8086;80286;80386;80486;8087;80287;80387;80487;Pentium;Pentium Pro;\
Pentium II;Pentium MMX;Celeron;Pentium II Xeon;Pentium III;M1;M2;Celeron M;Pentium 4 HT;Intel;\
#18;Duron;K5;K6;K6-2;K6-3;Athlon;AMD29000;K6-2+;Power PC;Power PC 601;Power PC 603;Power PC 603+;\
Power PC 604;Power PC 620;Power PC x704;Power PC 750;Core Duo;Core Duo Mobile;Core Solo Mobile;\
Atom;Core M;Core m3;Core m5;Core m7;Alpha;Alpha 21064;Alpha 21066;Alpha 21164;Alpha 21164PC;\
Alpha 21164a;Alpha 21264;Alpha 21364;Turion II Ultra Dual-Core Mobile M;\
Turion II Dual-Core Mobile M;Athlon II Dual-Core M;Opteron 6100;Opteron 4100;Opteron 6200;\
Opteron 4200;FX;MIPS;MIPS R4000;MIPS R4200;MIPS R4400;MIPS R4600;MIPS R10000;C-Series;E-Series;\
A-Series;G-Series;Z-Series;R-Series;Opteron 4300;Opteron 6300;Opteron 3300;FirePro;SPARC;\
SuperSPARC;MicroSPARC II;MicroSPARC IIep;UltraSPARC;UltraSPARC II;UltraSPARC IIi;UltraSPARC III;\
UltraSPARC IIIi;#60;68040;68xxx;68000;68010;68020;68030;Athlon X4;Opteron X1000;Opteron X2000;\
Opteron A-Series;Opteron X3000;Zen;#70;Hobbit;#78;Crusoe TM5000;Crusoe TM3000;Efficeon TM8000;\
#80;Weitek;#82;Itanium;Athlon 64;Opteron;Sempron;Turion 64;Dual-Core Opteron;Athlon 64 X2;\
Turion 64 X2;Quad-Core Opteron;Third-Generation Opteron;Phenom FX;Phenom X4;Phenom X2;Athlon X2;\
PA-RISC;PA-RISC 8500;PA-RISC 8000;PA-RISC 7300LC;PA-RISC 7200;PA-RISC 7100LC;PA-RISC 7100;#A0;\
V30;Quad-Core Xeon 3200;Dual-Core Xeon 3000;Quad-Core Xeon 5300;Dual-Core Xeon 5100;\
Dual-Core Xeon 5000;Dual-Core Xeon LV;Dual-Core Xeon ULV;Dual-Core Xeon 7100;Quad-Core Xeon 5400;\
Quad-Core Xeon;Dual-Core Xeon 5200;Dual-Core Xeon 7200;Quad-Core Xeon 7300;Quad-Core Xeon 7400;\
Multi-Core Xeon 7400;Pentium III Xeon;Pentium III Speedstep;Pentium 4;Xeon;AS400;Xeon MP;\
Athlon XP;Athlon MP;Itanium 2;Pentium M;Celeron D;Pentium D;Pentium EE;Core Solo;#BF;Core 2 Duo;\
Core 2 Solo;Core 2 Extreme;Core 2 Quad;Core 2 Extreme Mobile;Core 2 Duo Mobile;\
Core 2 Solo Mobile;Core i7;Dual-Core Celeron;IBM390;G4;G5;ESA/390 G6;z/Architecture;Core i5;\
Core i3;Core i9;#D2;C7-M;C7-D;C7;Eden;Multi-Core Xeon;Dual-Core Xeon 3xxx;Quad-Core Xeon 3xxx;\
Nano;Dual-Core Xeon 5xxx;Quad-Core Xeon 5xxx;#DD;Dual-Core Xeon 7xxx;Quad-Core Xeon 7xxx;\
Multi-Core Xeon 7xxx;Multi-Core Xeon 3400;#E4;Opteron 3000;Sempron II;Embedded Opteron Quad-Core;\
Phenom Triple-Core;Turion Ultra Dual-Core Mobile;Turion Dual-Core Mobile;Athlon Dual-Core;\
Sempron SI;Phenom II;Athlon II;Six-Core Opteron;Sempron M;#FA;i860;i960;#100;ARMv7;ARMv8;ARMv9;\
ARM;SH-3;SH-4;#118;ARM;StrongARM;#12C;6x86;MediaGX;MII;#140;WinChip;#15E;DSP;#1F4;\
Video Processor;#200;RV32;RV64;RV128;#258;LoongArch;Loongson 1;Loongson 2;Loongson 3;Loongson 2K;\
Loongson 3A;Loongson 3B;Loongson 3C;Loongson 3D;Loongson 3E;Dual-Core Loongson 2K 2xxx;#26C;\
Quad-Core Loongson 3A 5xxx;Multi-Core Loongson 3A 5xxx;Quad-Core Loongson 3B 5xxx;\
Multi-Core Loongson 3B 5xxx;Multi-Core Loongson 3C 5xxx;Multi-Core Loongson 3D 5xxx
VENDORS #5;80386;80486;#B-15;Intel;#18-1D;AMD;#1F;AMD;#28-2F;Intel;#38-3F;AMD;#46-4F;AMD;#66-6B;\
AMD;#83-8F;AMD;#A1-B3;Intel;#B5;Intel;AMD;AMD;#B9-C7;Intel;#CD-CF;Intel;#D2-DB;Intel;#DD-E0;\
Intel;#E4-EF;AMD;#100-101;ARM;#118-119;ARM
FLAGS FPU (Floating-point unit on-chip);VME (Virtual mode extension);DE (Debugging extension);\
PSE (Page size extension);TSC (Time stamp counter);MSR (Model specific registers);\
PAE (Physical address extension);MCE (Machine check exception);\
CX8 (CMPXCHG8 instruction supported);APIC (On-chip APIC hardware supported);;\
SEP (Fast system call);MTRR (Memory type range registers);PGE (Page global enable);\
MCA (Machine check architecture);CMOV (Conditional move instruction supported);\
PAT (Page attribute table);PSE-36 (36-bit page size extension);\
PSN (Processor serial number present and enabled);CLFSH (CLFLUSH instruction supported);;\
DS (Debug store);ACPI (ACPI supported);MMX (MMX technology supported);\
FXSR (FXSAVE and FXSTOR instructions supported);SSE (Streaming SIMD extensions);\
SSE2 (Streaming SIMD extensions 2);SS (Self-snoop);HTT (Multi-threading);\
TM (Thermal monitor supported);;PBE (Pending break enabled)
PRESENCE Unknown;Enabled;Disabled By User;Disabled By BIOS;Idle;;;Other
UPGRADE ~;Daughter Board;ZIF Socket;Replaceable Piggy Back;None;LIF Socket;Slot 1;Slot 2;\
370-pin Socket;Slot A;Slot M;Socket 423;Socket A (Socket 462);Socket 478;Socket 754;Socket 940;\
Socket 939;Socket mPGA604;Socket LGA771;Socket LGA775;Socket S1;Socket AM2;Socket F (1207);\
Socket LGA1366;Socket G34;Socket AM3;Socket C32;Socket LGA1156;Socket LGA1567;Socket PGA988A;\
Socket BGA1288;Socket rPGA988B;Socket BGA1023;Socket BGA1224;Socket BGA1155;Socket LGA1356;\
Socket LGA2011;Socket FS1;Socket FS2;Socket FM1;Socket FM2;Socket LGA2011-3;Socket LGA1356-3;\
Socket LGA1150;Socket BGA1168;Socket BGA1234;Socket BGA1364;Socket AM4;Socket LGA1151;\
Socket BGA1356;Socket BGA1440;Socket BGA1515;Socket LGA3647-1;Socket SP3;Socket SP3r2;\
Socket LGA2066;Socket BGA1392;Socket BGA1510;Socket BGA1528;Socket LGA4189;Socket LGA1200;\
Socket LGA4677;Socket LGA1700;Socket BGA1744;Socket BGA1781;Socket BGA1211;Socket BGA2422;\
Socket LGA1211;Socket LGA2422;Socket LGA5773;Socket BGA5773;Socket AM5;Socket SP5;Socket SP6;\
Socket BGA883;Socket BGA1190;Socket BGA4129;Socket LGA4710;Socket LGA7529
ABILITY #2;64-bit capable;Multi-Core;Hardware Thread;Execute Protection;\
Enhanced Virtualization;Power/Performance Control;128-bit Capable;Arm64 SoC ID
5 Memory Controller Information;@F;Error Detecting Method=04b:DETECT;\
Error Correcting Capabilities=05b*CORRECT;Supported Interleave=06b:LEAVE;\
Current Interleave=07b:LEAVE;Maximum Memory Module Size=08b$module;\
Maximum Total Memory Size=08b$module;Supported Speeds=09w*SPEEDS;\
Supported Memory Types=0Bw*MODULE;Memory Module Voltage=0Db$voltage;\
Associated Memory Slots=0Eb$handles;$enabled
DETECT ~;None;8-bit Parity;32-bit ECC;64-bit ECC;128-bit ECC;CRC
CORRECT Other;Unknown;None;Single-bit Error Correcting;Double-bit Error Correcting;\
Error Scrubbing
LEAVE ~;One-way Interleave;Two-way Interleave;Four-way Interleave;Eight-way Interleave;\
Sixteen-way Interleave
SPEEDS Other;Unknown;70 ns;60 ns;50 ns
MODULE Other;Unknown;Standard;FPM;EDO;Parity;ECC;SIMM;DIMM;Burst EDO;SDRAM
6 Memory Module Information;@C;Socket Designation=04s;Bank Connections=05b$banks;\
Current Speed=06b%%d ns!0=Unknown;Type=07w+MODULE;Installed Size=09b$installed;\
Enabled Size=0Ab$installed;Error Status=0Bb0&7:ERRORS
ERRORS OK;Uncorrectable Errors;Correctable Errors;Correctable and Uncorrectable Errors;#4-7;\
See Event Log
7 Cache Information;@F;Socket Designation=04s;Configuration=05w$configuration;\
Operational Mode=05w8&3:MODE;Location=05w5&3:PLACE;Installed Size=09w$cachesize;\
Maximum Size=07w$cachesize;Supported SRAM Types=0Bw*SRAM;Installed SRAM Type=0Dw+SRAM;@13;\
Speed=0Fb%%d ns!0=Unknown;Error Correction Type=10b:ECC;System Type=11b:CACHE;\
Associativity=12b:WAYS
MODE Write Through;Write Back;Varies With Memory Address;Unknown
PLACE Internal;External;;Unknown
SRAM Other;Unknown;Non-burst;Burst;Pipeline Burst;Synchronous;Asynchronous
ECC ~;None;Parity;Single-bit ECC;Multi-bit ECC
CACHE ~;Instruction;Data;Unified
WAYS ~;Direct Mapped;2-way Set-associative;4-way Set-associative;Fully Associative;\
8-way Set-associative;16-way Set-associative;12-way Set-associative;24-way Set-associative;\
32-way Set-associative;48-way Set-associative;64-way Set-associative;20-way Set-associative
8 Port Connector Information;@9;Internal Reference Designator=04s;\
Internal Connector Type=05b:PLUG;External Reference Designator=06s;\
External Connector Type=07b:PLUG;Port Type=08b:PORT
PLUG None;Centronics;Mini Centronics;Proprietary;DB-25 male;DB-25 female;DB-15 male;\
DB-15 female;DB-9 male;DB-9 female;RJ-11;RJ-45;50 Pin MiniSCSI;Mini DIN;Micro DIN;PS/2;Infrared;\
HP-HIL;Access Bus (USB);SSA SCSI;Circular DIN-8 male;Circular DIN-8 female;On Board IDE;\
On Board Floppy;9 Pin Dual Inline (pin 10 cut);25 Pin Dual Inline (pin 26 cut);\
50 Pin Dual Inline;68 Pin Dual Inline;On Board Sound Input From CD-ROM;Mini Centronics Type-14;\
Mini Centronics Type-26;Mini Jack (headphones);BNC;IEEE 1394;SAS/SATA Plug Receptacle;\
USB Type-C Receptacle;#A0;PC-98;PC-98 Hireso;PC-H98;PC-98 Note;PC-98 Full;#FF;Other
PORT None;Parallel Port XT/AT Compatible;Parallel Port PS/2;Parallel Port ECP;\
Parallel Port EPP;Parallel Port ECP/EPP;Serial Port XT/AT Compatible;\
Serial Port 16450 Compatible;Serial Port 16550 Compatible;Serial Port 16550A Compatible;\
SCSI Port;MIDI Port;Joystick Port;Keyboard Port;Mouse Port;SSA SCSI;USB;Firewire (IEEE P1394);\
PCMCIA Type I;PCMCIA Type II;PCMCIA Type III;Cardbus;Access Bus Port;SCSI II;SCSI Wide;PC-98;\
PC-98 Hireso;PC-H98;Video Port;Audio Port;Modem Port;Network Port;SATA;SAS;\
MFDP (Multi-Function Display Port);Thunderbolt;#A0;8251 Compatible;8251 FIFO Compatible;#FF;Other
9 System Slot Information;@C;Designation=04s;Type=05b$slot;Current Usage=07b:USAGE;\
Length=08b:LENGTH;ID=09b$slotid;Characteristics=0Bb$slotable;@11;Bus Address=0Dw$address;@13;\
Data Bus Width=11b;Peer Devices=12b$peers
SLOT ~;ISA;MCA;EISA;PCI;PC Card (PCMCIA);VLB;Proprietary;Processor Card;\
Proprietary Memory Card;I/O Riser Card;NuBus;PCI-66;AGP;AGP 2x;AGP 4x;PCI-X;AGP 8x;\
M.2 Socket 1-DP;M.2 Socket 1-SD;M.2 Socket 2;M.2 Socket 3;MXM Type I;MXM Type II;MXM Type III;\
MXM Type III-HE;MXM Type IV;MXM 3.0 Type A;MXM 3.0 Type B;PCI Express 2 SFF-8639 (U.2);\
PCI Express 3 SFF-8639 (U.2);PCI Express Mini 52-pin with bottom-side keep-outs;\
PCI Express Mini 52-pin without bottom-side keep-outs;PCI Express Mini 76-pin;\
PCI Express 4 SFF-8639 (U.2);PCI Express 5 SFF-8639 (U.2);OCP NIC 3.0 Small Form Factor (SFF);\
OCP NIC 3.0 Large Form Factor (LFF);OCP NIC Prior to 3.0;#30;CXL FLexbus 1.0;#A0;PC-98/C20;\
PC-98/C24;PC-98/E;PC-98/Local Bus;PC-98/Card;PCI Express;PCI Express x1;PCI Express x2;\
PCI Express x4;PCI Express x8;PCI Express x16;PCI Express 2;PCI Express 2 x1;PCI Express 2 x2;\
PCI Express 2 x4;PCI Express 2 x8;PCI Express 2 x16;PCI Express 3;PCI Express 3 x1;\
PCI Express 3 x2;PCI Express 3 x4;PCI Express 3 x8;PCI Express 3 x16;;PCI Express 4;\
PCI Express 4 x1;PCI Express 4 x2;PCI Express 4 x4;PCI Express 4 x8;PCI Express 4 x16;\
PCI Express 5;PCI Express 5 x1;PCI Express 5 x2;PCI Express 5 x4;PCI Express 5 x8;\
PCI Express 5 x16;PCI Express 6+;EDSFF E1;EDSFF E3
BUS ~;8-bit;16-bit;32-bit;64-bit;128-bit;x1;x2;x4;x8;x12;x16;x32
USAGE ~;Available;In Use;Unavailable
LENGTH ~;Short;Long;2.5" drive form factor;3.5" drive form factor
SLOTABLE =Unknown;5.0 V is provided;3.3 V is provided;Opening is shared;\
PC Card-16 is supported;Cardbus is supported;Zoom Video is supported;\
Modem ring resume is supported;PME signal is supported;Hot-plug devices are supported;\
SMBus signal is supported;PCIe slot bifurcation is supported;\
Async/surprise removal is supported;Flexbus slot, CXL 1.0 capable;\
Flexbus slot, CXL 2.0 capable;Flexbus slot, CXL 3.0 capable
HEIGHT Not applicable;Other;Unknown;Full height;Low-profile
10 $devices
ONBOARD ~;Video;SCSI Controller;Ethernet;Token Ring;Sound;PATA Controller;SATA Controller;\
SAS Controller;Wireless LAN;Bluetooth;WWAN;eMMC;NVMe Controller;UFS Controller
ABLE Disabled;Enabled
11 OEM Strings;@5;String=04b$numbered
12 System Configuration Options;@5;Option=04b$numbered
13 BIOS Language Information;@16;Language Description Format=05b0&1$format;\
Installable Languages=04b$languages;Currently Installed Language=15s
14 Group Associations;@5;Name=04s;Items=04b$group
15 System Event Log;@14;Area Length=04w%%d bytes;Header Start Offset=06h;\
Header Length=06w$header;Data Start Offset=08h;Access Method=0Ab:METHOD;\
Access Address=0Ab$access;Status=0Bb0&3:LOG;Change Token=0Cx;@17;Header Format=14b:HEADER;\
Supported Log Type Descriptors=15b;$descriptors
METHOD Indexed I/O, one 8-bit index port, one 8-bit data port;\
Indexed I/O, two 8-bit index ports, one 8-bit data port;\
Indexed I/O, one 16-bit index port, one 8-bit data port;\
Memory-mapped physical 32-bit address;General-purpose non-volatile data functions;#80-FF;\
OEM-specific
LOG Invalid, Not Full;Valid, Not Full;Invalid, Full;Valid, Full
HEADER No Header;Type 1;#80-FF;OEM-specific
EVENT #1;Single-bit ECC memory error;Multi-bit ECC memory error;Parity memory error;\
Bus timeout;I/O channel block;Software NMI;POST memory resize;POST error;PCI parity error;\
PCI system error;CPU failure;EISA failsafe timer timeout;Correctable memory log disabled;\
Logging disabled;;System limit exceeded;Asynchronous hardware timer expired;\
System configuration information;Hard disk information;System reconfigured;\
Uncorrectable CPU-complex error;Log area reset/cleared;System boot;#80-FE;OEM-specific;#FF;\
End of log
EVENTS None;Handle;Multiple-event;Multiple-event handle;POST results bitmap;\
System management;Multiple-event system management;#80-FF;OEM-specific
16 Physical Memory Array;@F;Location=04b:ARRAY;Use=05b:USE;Error Correction Type=06b:ARRAYECC;\
Maximum Capacity=07d$capacity;Error Information Handle=0Bh!FFFE=Not Provided!FFFF=No Error;\
Number Of Devices=0Dw
ARRAY ~;System Board Or Motherboard;ISA Add-on Card;EISA Add-on Card;PCI Add-on Card;\
MCA Add-on Card;PCMCIA Add-on Card;Proprietary Add-on Card;NuBus;#A0;PC-98/C20 Add-on Card;\
PC-98/C24 Add-on Card;PC-98/E Add-on Card;PC-98/Local Bus Add-on Card;CXL Flexbus 1.0
USE ~;System Memory;Video Memory;Flash Memory;Non-volatile RAM;Cache Memory
ARRAYECC ~;None;Parity;Single-bit ECC;Multi-bit ECC;CRC
17 Memory Device;@15;Array Handle=04h;\
Error Information Handle=06h!FFFE=Not Provided!FFFF=No Error;\
Total Width=08w%%d bits!0=Unknown!FFFF=Unknown;Data Width=0Aw%%d bits!0=Unknown!FFFF=Unknown;\
Size=0Cw$dimm!0=No Module Installed!FFFF=Unknown;Form Factor=0Eb:FORM;Set=0Fb!0=None!FF=Unknown;\
Locator=10s;Bank Locator=11s;Type=12b:MEMORY;Type Detail=13w+DETAIL;@17;?0Cw;Speed=15w$speed;\
@1B;Manufacturer=17s;Serial Number=18s;Asset Tag=19s;Part Number=1As;@1C;\
Rank=1Bb0&F!0=Unknown;@22;Configured Memory Speed=20w$speed;@28;\
Minimum Voltage=22w$volts!0=Unknown;Maximum Voltage=24w$volts!0=Unknown;\
Configured Voltage=26w$volts!0=Unknown;@34;Memory Technology=28b:TECHNOLOGY;\
Memory Operating Mode Capability=29w+OPERATING;Firmware Version=2Bs;\
Module Manufacturer ID=2Cw$jedec!0=Unknown;Module Product ID=2Eh!0=Unknown;\
Memory Subsystem Controller Manufacturer ID=30w$jedec!0=Unknown;\
Memory Subsystem Controller Product ID=32h!0=Unknown;@3C;\
Non-Volatile Size=34q$bytes!0=None!FFFFFFFFFFFFFFFF=Unknown;@44;\
Volatile Size=3Cq$bytes!0=None!FFFFFFFFFFFFFFFF=Unknown;@4C;\
Cache Size=44q$bytes!0=None!FFFFFFFFFFFFFFFF=Unknown;@54;\
Logical Size=4Cq$bytes!0=None!FFFFFFFFFFFFFFFF=Unknown
FORM ~;SIMM;SIP;Chip;DIP;ZIP;Proprietary Card;DIMM;TSOP;Row Of Chips;RIMM;SODIMM;SRIMM;\
FB-DIMM;Die
MEMORY ~;DRAM;EDRAM;VRAM;SRAM;RAM;ROM;Flash;EEPROM;FEPROM;EPROM;CDRAM;3DRAM;SDRAM;SGRAM;RDRAM;\
DDR;DDR2;DDR2 FB-DIMM;Reserved;Reserved;Reserved;DDR3;FBD2;DDR4;LPDDR;LPDDR2;LPDDR3;LPDDR4;\
Logical non-volatile device;HBM;HBM2;DDR5;LPDDR5;HBM3
DETAIL #1;Other;Unknown;Fast-paged;Static Column;Pseudo-static;RAMBus;Synchronous;CMOS;EDO;\
Window DRAM;Cache DRAM;Non-Volatile;Registered (Buffered);Unbuffered (Unregistered);LRDIMM
TECHNOLOGY ~;DRAM;NVDIMM-N;NVDIMM-F;NVDIMM-P;Intel Optane DC persistent memory
OPERATING #1;Other;Unknown;Volatile memory;Byte-accessible persistent memory;\
Block-accessible persistent memory
18 32-bit Memory Error Information;@17;Type=04b:FAULT;Granularity=05b:GRAIN;\
Operation=06b:ACCESS;Vendor Syndrome=07x!0=Unknown;Memory Array Address=0Bx!80000000=Unknown;\
Device Address=0Fx!80000000=Unknown;Resolution=13x!80000000=Unknown
FAULT ~;OK;Bad Read;Parity Error;Single-bit Error;Double-bit Error;Multi-bit Error;\
Nibble Error;Checksum Error;CRC Error;Corrected Single-bit Error;Corrected Error;\
Uncorrectable Error
GRAIN ~;Device Level;Memory Partition Level
ACCESS ~;Read;Write;Partial Write
19 Memory Array Mapped Address;@F;$mapped;Physical Array Handle=0Ch;Partition Width=0Eb
20 Memory Device Mapped Address;@13;$mapped;Physical Device Handle=0Ch;\
Memory Array Mapped Address Handle=0Eh;\
Partition Row Position=10b!0=<OUT OF SPEC>!FF=Unknown;Interleave Position=11b!0=!FF=Unknown;\
Interleaved Data Depth=12b!0=!FF=Unknown
21 Built-in Pointing Device;@7;Type=04b:POINTER;Interface=05b:INTERFACE;Buttons=06b
POINTER ~;Mouse;Track Ball;Track Point;Glide Point;Touch Pad;Touch Screen;Optical Sensor
INTERFACE ~;Serial;PS/2;Infrared;HIP-HIL;Bus Mouse;ADB (Apple Desktop Bus);#A0;\
Bus Mouse DB-9;Bus Mouse Micro DIN;USB;I2C;SPI
22 Portable Battery;@10;Location=04s;Manufacturer=05s;Manufacture Date=06b$battery;\
Serial Number=07b$battery;Name=08s;Chemistry=09b$battery;Design Capacity=0Aw$power!0=Unknown;\
Design Voltage=0Cw%%d mV!0=Unknown;SBDS Version=0Es;Maximum Error=0Fb%%d%%!FF=Unknown;@1A;\
$smart;OEM-specific Information=16x
CHEMISTRY ~;Lead Acid;Nickel Cadmium;Nickel Metal Hydride;Lithium Ion;Zinc Air;Lithium Polymer
23 System Reset;@D;Status=04b0&1:ABLE;Watchdog Timer=04b5&1:THERE;?04b5&1;\
Boot Option=04b1&3:BOOT;Boot Option On Limit=04b3&3:BOOT;Reset Count=05w!FFFF=Unknown;\
Reset Limit=07w!FFFF=Unknown;Timer Interval=09w%%d min!FFFF=Unknown;\
Timeout=0Bw%%d min!FFFF=Unknown
BOOT ;Operating System;System Utilities;Do Not Reboot
24 Hardware Security;@5;Power-On Password Status=04b6&3:PASSWORD;\
Keyboard Password Status=04b4&3:PASSWORD;Administrator Password Status=04b2&3:PASSWORD;\
Front Panel Reset Status=04b0&3:PASSWORD
PASSWORD Disabled;Enabled;Not Implemented;Unknown
25 System Power Controls;@9;Next Scheduled Power-on=04b$schedule
26 Voltage Probe;@14;Description=04s;Location=05b0&1F:PROBE;Status=05b5&7:HEALTH;\
Maximum Value=06i.3 V!8000=Unknown;Minimum Value=08i.3 V!8000=Unknown;\
Resolution=0Aw.1 mV!8000=Unknown;Tolerance=0Ci.3 V!8000=Unknown;Accuracy=0Ew.2%!8000=Unknown;\
OEM-specific Information=10x;@16;Nominal Value=14i.3 V!8000=Unknown
PROBE ~;Processor;Disk;Peripheral Bay;System Management Module;Motherboard;Memory Module;\
Processor Module;Power Unit;Add-in Card
HEALTH ~;OK;Non-critical;Critical;Non-recoverable
27 Cooling Device;@C;Temperature Probe Handle=04h!FFFF=;Type=06b0&1F:COOLER;\
Status=06b5&7:HEALTH;Cooling Unit Group=07b!0=;OEM-specific Information=08x;@E;\
Nominal Speed=0Cw%%d rpm!8000=Unknown Or Non-rotating;@F;Description=0Es
COOLER ~;Fan;Centrifugal Blower;Chip Fan;Cabinet Fan;Power Supply Fan;Heat Pipe;\
Integrated Refrigeration;#10;Active Cooling;Passive Cooling
28 Temperature Probe;@14;Description=04s;Location=05b0&1F:HEAT;Status=05b5&7:HEALTH;\
Maximum Value=06i.1 deg C!8000=Unknown;Minimum Value=08i.1 deg C!8000=Unknown;\
Resolution=0Aw.3 deg C!8000=Unknown;Tolerance=0Ci.1 deg C!8000=Unknown;\
Accuracy=0Ew.2%!8000=Unknown;OEM-specific Information=10x;@16;\
Nominal Value=14i.1 deg C!8000=Unknown
HEAT ~;Processor;Disk;Peripheral Bay;System Management Module;Motherboard;Memory Module;\
Processor Module;Power Unit;Add-in Card;Front Panel Board;Back Panel Board;Power System Board;\
Drive Back Plane
29 Electrical Current Probe;@14;Description=04s;Location=05b0&1F:PROBE;Status=05b5&7:HEALTH;\
Maximum Value=06i.3 A!8000=Unknown;Minimum Value=08i.3 A!8000=Unknown;\
Resolution=0Aw.1 mA!8000=Unknown;Tolerance=0Ci.3 A!8000=Unknown;Accuracy=0Ew.2%!8000=Unknown;\
OEM-specific Information=10x;@16;Nominal Value=14i.3 A!8000=Unknown
30 Out-of-band Remote Access;@6;Manufacturer Name=04s;Inbound Connection=05b0&1:ABLE;\
Outbound Connection=05b1&1:ABLE
31 Boot Integrity Services Entry Point;@1C;Checksum=04b$checksum;\
16-bit Entry Point Address=08d$far;32-bit Entry Point Address=0Cx
32 System Boot Information;@B;Status=0Ab:STARTED
STARTED No errors detected;No bootable media;Operating system failed to load;\
Firmware-detected hardware failure;Operating system-detected hardware failure;\
User-requested boot;System security violation;Previously-requested image;\
System watchdog timer expired;#80-BF;OEM-specific;#C0-FF;Product-specific
33 64-bit Memory Error Information;@1F;Type=04b:FAULT;Granularity=05b:GRAIN;\
Operation=06b:ACCESS;Vendor Syndrome=07x!0=Unknown;\
Memory Array Address=0Bq%0x%016X!8000000000000000=Unknown;\
Device Address=13q%0x%016X!8000000000000000=Unknown;Resolution=1Bx!80000000=Unknown
34 Management Device;@B;Description=04s;Type=05b:CHIP;Address=06x;Address Type=0Ab:WHERE
CHIP ~;LM75;LM78;LM79;LM80;LM81;ADM9240;DS1780;MAX1617;GL518SM;W83781D;HT82H791
WHERE ~;I/O Port;Memory;SMBus
35 Management Device Component;@B;Description=04s;Management Device Handle=05h;\
Component Handle=07h;Threshold Handle=09h!FFFF=
36 Management Device Threshold Data;@10;Lower Non-critical Threshold=04i!8000=;\
Upper Non-critical Threshold=06i!8000=;Lower Critical Threshold=08i!8000=;\
Upper Critical Threshold=0Ai!8000=;Lower Non-recoverable Threshold=0Ci!8000=;\
Upper Non-recoverable Threshold=0Ei!8000=
37 Memory Channel;@7;Type=04b:CHANNEL;Maximal Load=05b;Devices=06b;$loads
CHANNEL ~;RamBus;SyncLink
38 IPMI Device Information;@10;Interface Type=04b:IPMI;Specification Version=05b$nibbles;\
I2C Slave Address=06b1&7F%0x%02x;NV Storage Device Address=07b!FF=;$ipmi
IPMI Unknown;KCS (Keyboard Control Style);SMIC (Server Management Interface Chip);\
BT (Block Transfer);SSIF (SMBus System Interface)
SPACING Successive Byte Boundaries;32-bit Boundaries;16-byte Boundaries
39 System Power Supply;@10;Power Unit Group=04b!0=;Location=05s;Name=06s;Manufacturer=07s;\
Serial Number=08s;Asset Tag=09s;Model Part Number=0As;Revision=0Bs;\
Max Power Capacity=0Cw%%d W!8000=Unknown;Status=0Ew$supply;Type=0EwA&F:SUPPLY;\
Input Voltage Range Switching=0Ew3&F:SWITCHING;Plugged=0Ew2&1:PLUGGED;\
Hot Replaceable=0Ew0&1:YES;@16;Input Voltage Probe Handle=10h!FFFF=;\
Cooling Device Handle=12h!FFFF=;Input Current Probe Handle=14h!FFFF=
SUPPLY ~;Linear;Switching;Battery;UPS;Converter;Regulator
SWITCHING ~;Manual;Auto-switch;Wide Range;N/A
PLUGGED Yes;No
YES No;Yes
40 $additional
41 Onboard Device;@B;Reference Designation=04s;Type=05b0&7F:ONBOARD;Status=05b7&1:ABLE;\
Type Instance=06b;Bus Address=07w$address
42 Management Controller Host Interface;$host
HOST #0-3F;MCTP;#2;KCS: Keyboard Controller Style;8250 UART Register Compatible;\
16450 UART Register Compatible;16550/16550A UART Register Compatible;\
16650/16650A UART Register Compatible;16750/16750A UART Register Compatible;\
16850/16850A UART Register Compatible;#40;Network;#F0;OEM
NETWORK #2;USB;PCI/PCIe;#80-FF;OEM
PROTOCOL Reserved;Reserved;IPMI;MCTP;Redfish over IP;#F0;OEM
ASSIGN Unknown;Static;DHCP;AutoConf;Host Selected
FAMILIES Unknown;IPv4;IPv6
43 TPM Device;@1B;Vendor ID=04b$tpm;Specification Version=08w$pair;Firmware Revision=08b$firmware;\
Description=12s;Characteristics=13q-TPM;@1F;OEM-specific Information=1Bx
TPM #2;=TPM Device characteristics not supported;Family configurable via firmware update;\
Family configurable via platform software support;\
Family configurable via OEM proprietary mechanism
44 Processor Additional Information;@8;Referenced Handle=04h;Processor Type=07b:ARCHITECTURE;\
Processor-Specific Data=06b$block
ARCHITECTURE Reserved;IA32;x64;Intel Itanium;32-bit ARM (Aarch32);64-bit ARM (Aarch64);\
32-bit RISC-V (RV32);64-bit RISC-V (RV64);128-bit RISC-V (RV128);32-bit LoongArch;\
64-bit LoongArch
45 Firmware Inventory Information;@18;Firmware Component Name=04s;Firmware Version=05s;\
Firmware ID=07s;Release Date=09s;Manufacturer=0As;Lowest Supported Firmware Version=0Bs;\
Image Size=0Cq$bytes!0=None!FFFFFFFFFFFFFFFF=Unknown;Characteristics=14w$updates;\
State=16b:FIRMWARE;Associated Components=17b$handles
FIRMWARE ~;Disabled;Enabled;Absent;Stand-by Offline;Stand-by Spare;Unavailable Offline
126 Inactive
127 End Of Table
TYPES BIOS;System;Base Board;Chassis;Processor;Memory Controller;Memory Module;Cache;\
Port Connector;System Slots;On Board Devices;OEM Strings;System Configuration Options;\
BIOS Language;Group Associations;System Event Log;Physical Memory Array;Memory Device;\
32-bit Memory Error;Memory Array Mapped Address;Memory Device Mapped Address;\
Built-in Pointing Device;Portable Battery;System Reset;Hardware Security;\
System Power Controls;Voltage Probe;Cooling Device;Temperature Probe;\
Electrical Current Probe;Out-of-band Remote Access;Boot Integrity Services;System Boot;\
64-bit Memory Error;Management Device;Management Device Component;\
Management Device Threshold Data;Memory Channel;IPMI Device;Power Supply;\
Additional Information;Onboard Device;Management Controller Host Interface;TPM Device;\
Processor;Firmware;String Property;#80-FF;OEM-specific
"""
