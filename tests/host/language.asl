DefinitionBlock ("", "DSDT", 2, "RING", "LANGUAGE", 1)
{
    Name (INT, 0x1234)
    Name (STR, "Text")
    Name (BUF, Buffer (8) {1, 2, 3, 0x80, 5, 6, 7, 0xFF})
    Name (PKG, Package () {1, "two", Buffer () {3}, Package () {4, INT}, DEV, GONE, INT})
    Name (LONG, 0xFEDCBA9876543210)
    External (GONE)
    Device (DEV)
    {
        Name (_HID, EisaId ("PNP0C02"))
        Name (_UID, 7)
        Method (UP, 0) { Return (^^INT) }
        Method (SAME, 0) { Return (_UID) }
        Method (FAR, 0) { Return (INT) }
    }
    Scope (DEV) { Name (MORE, 5) }
    Alias (INT, ALI)
    Mutex (MUT, 0)
    Event (EVE)
    OperationRegion (MEM, SystemMemory, 0x1000, 0x100)
    Field (MEM, ByteAcc, NoLock, Preserve)
    {
        F1, 1, F2, 3, , 4, F3, 12, Offset (4), F4, 32, F5, 64, F6, 100, Offset (0x80), IDX, 8, DAT, 8
    }
    Field (MEM, WordAcc, NoLock, WriteAsOnes) { Offset (0x30), W1, 5, W2, 20 }
    Field (MEM, DWordAcc, NoLock, WriteAsZeros) { Offset (0x40), D1, 9, , 7, D2, 30 }
    Field (MEM, QWordAcc, NoLock, Preserve) { Offset (0x48), Q1, 3, Q2, 60 }
    Field (MEM, AnyAcc, NoLock, Preserve) { Offset (0x60), BNK, 8 }
    BankField (MEM, BNK, 3, ByteAcc, NoLock, Preserve) { Offset (0x68), B1, 8, B2, 16 }
    IndexField (IDX, DAT, ByteAcc, NoLock, Preserve) { Offset (2), I1, 8, I2, 4, I3, 12 }
    OperationRegion (POR, SystemIO, 0x70, 4)
    Field (POR, ByteAcc, NoLock, Preserve) { P1, 8, P2, 16 }

    Method (PAIR, 2) { Local0 = Package (2) {} Local0 [0] = Arg0 Local0 [1] = Arg1 Return (Local0) }

    Method (A000) { Return (Add (INT, 0xFFFFFFFFFFFFFFFF)) }
    Method (A001) { Return (Subtract (1, 2)) }
    Method (A002) { Return (Multiply (LONG, LONG)) }
    Method (A003) { Divide (100, 7, Local0, Local1) Return (PAIR (Local0, Local1)) }
    Method (A004) { Return (ShiftLeft (1, 63)) }
    Method (A005) { Return (ShiftLeft (1, 64)) }
    Method (A006) { Return (ShiftRight (LONG, 4)) }
    Method (A007) { Return (NAnd (LONG, 0xFF)) }
    Method (A008) { Return (NOr (1, 2)) }
    Method (A009) { Return (XOr (LONG, Ones)) }
    Method (A010) { Return (Not (LONG)) }
    Method (A011) { Return (FindSetLeftBit (0x40)) }
    Method (A012) { Return (FindSetRightBit (0x40)) }
    Method (A013) { Return (FromBCD (0x1234)) }
    Method (A014) { Return (ToBCD (1234)) }
    Method (A015) { Return (Mod (100, 7)) }
    Method (A016) { Local0 = 5 Local0++ Local0++ Local0-- Return (Local0) }
    Method (A017) { Return (Divide (5, Zero)) }
    Method (A018) { Return ("12" + 1) }
    Method (A019) { Return ("0x12" + 1) }
    Method (A020) { Return ("xyz" + 1) }
    Method (A021) { Return (BUF + 1) }
    Method (A022) { INT++ Return (INT) }

    Method (L000) { Return (LAnd (1, 0)) }
    Method (L001) { Return (LOr (1, 0)) }
    Method (L002) { Return (LNot (5)) }
    Method (L003) { Return (LEqual ("abc", "abc")) }
    Method (L004) { Return (LLess ("abc", "abe")) }
    Method (L005) { Return (LGreater ("abcd", "abc")) }
    Method (L006) { Return (LEqual (BUF, Buffer () {1, 2, 3, 0x80, 5, 6, 7, 0xFF})) }
    Method (L007) { Return (LLess (Buffer () {1}, Buffer () {1, 0})) }
    Method (L008) { Return (LEqual (0x12, "12")) }
    Method (L009) { Return (LEqual ("0000000000000012", 0x12)) }
    Method (L010) { Return (LNotEqual (1, 2)) }
    Method (L011) { Return (LGreaterEqual (2, 2)) }

    Method (S000) { Return (Concatenate ("a", "b")) }
    Method (S001) { Return (Concatenate ("a", 0x1F)) }
    Method (S002) { Return (Concatenate (1, 2)) }
    Method (S003) { Return (Concatenate (BUF, "abc")) }
    Method (S004) { Return (Concatenate ("abc", BUF)) }
    Method (S005) { Return (Concatenate (1, "2")) }
    Method (S006) { Return (ToHexString (0xABC)) }
    Method (S007) { Return (ToDecimalString (0xABC)) }
    Method (S008) { Return (ToHexString (BUF)) }
    Method (S009) { Return (ToDecimalString (BUF)) }
    Method (S010) { Return (ToInteger ("0x1F")) }
    Method (S011) { Return (ToInteger ("19")) }
    Method (S012) { Return (ToInteger (BUF)) }
    Method (S013) { Return (ToBuffer ("abc")) }
    Method (S014) { Return (ToBuffer (0x1234)) }
    Method (S015) { Return (ToString (Buffer () {0x61, 0x62, 0, 0x63})) }
    Method (S016) { Return (ToString (Buffer () {0x61, 0x62, 0x63, 0x64}, 2)) }
    Method (S017) { Return (Mid ("abcdef", 2, 3)) }
    Method (S018) { Return (Mid (BUF, 6, 10)) }
    Method (S019) { Return (Mid ("abc", 5, 1)) }
    Method (S020) { Return (SizeOf (STR)) }
    Method (S021) { Return (SizeOf (BUF)) }
    Method (S022) { Return (SizeOf (PKG)) }
    Method (S023) { Return (Concatenate (DEV, "x")) }
    Method (S024)
    {
        Return (ConcatenateResTemplate (
            ResourceTemplate () { IO (Decode16, 16, 32, 16, 4) },
            ResourceTemplate () { IRQNoFlags () {5} }))
    }
    Method (S025) { STR = 0x12AB Return (STR) }
    Method (S026) { STR = BUF Return (STR) }
    Method (S027) { STR = "back" Return (STR) }

    Method (B000) { Name (B, Buffer (4) {}) B [1] = 0x1FF Return (B) }
    Method (B001) { Return (DerefOf (BUF [3])) }
    Method (B002) { Return (DerefOf (STR [1])) }
    Method (B003) { Return (DerefOf (PKG [1])) }
    Method (B004) { Return (DerefOf (DerefOf (PKG [3]) [1])) }
    Method (B005) { Return (DerefOf (PKG [9])) }
    Method (B006) { Return (PKG) }
    Method (B007)
    {
        Name (P, Package (5) {1, 2}) P [2] = "x" P [3] = BUF Return (P)
    }
    Method (B008) { Local0 = BUF Local0 [0] = 9 Return (PAIR (Local0, BUF)) }
    Method (B009)
    {
        Name (B, Buffer (16) {})
        CreateByteField (B, 1, X1) CreateWordField (B, 2, X2) CreateDWordField (B, 4, X4)
        CreateQWordField (B, 8, X8) CreateBitField (B, 3, XB) CreateField (B, 4, 3, XF)
        X1 = 0x11 X2 = 0x2222 X4 = 0x44444444 X8 = 0x8888888888888888 XB = 1 XF = 7
        Return (Package () {B, X1, X2, X4, X8, XB, XF})
    }
    Method (B010) { Name (B, Buffer (4) {}) B = 0x11223344AABBCCDD Return (B) }
    Method (B011) { Name (B, Buffer (4) {}) B = "abcdef" Return (B) }
    Method (B012) { Name (B, Buffer (8) {}) B = Buffer () {1, 2} Return (B) }
    Method (B013) { Name (B, Buffer (2) {}) CreateByteField (B, 3, X) Return (X) }
    Method (B014) { Return (Match (Package () {1, 5, 9, 5}, MEQ, 5, MTR, 0, 0)) }
    Method (B015) { Return (Match (Package () {1, 5, 9, 5}, MGT, 5, MLT, 20, 0)) }
    Method (B016) { Return (Match (Package () {1, 5, 9, 5}, MEQ, 7, MTR, 0, 0)) }
    Method (B017) { Return (Match (Package () {1, "b", 9, "b"}, MEQ, "b", MTR, 0, 2)) }
    Method (B018, 0, Serialized) { Local0 = 3 Name (V, Package (Local0) {1}) Return (V) }
    Method (B019) { Local0 = 5 Return (Buffer (Local0) {1, 2}) }
    Method (B020) { PKG [0] = 77 Return (DerefOf (PKG [0])) }
    Method (B021) { INT = 0x99 Return (DerefOf (PKG [6])) }

    Method (R000) { Local0 = RefOf (INT) Return (DerefOf (Local0)) }
    Method (R001) { Local0 = RefOf (INT) Return (ObjectType (Local0)) }
    Method (INC, 1) { Arg0 = DerefOf (Arg0) + 1 }
    Method (R002) { INC (RefOf (INT)) Return (INT) }
    Method (R003) { Local0 = 4 INC (RefOf (Local0)) Return (Local0) }
    Method (R004) { Return (CondRefOf (GONE, Local0)) }
    Method (R005) { Local1 = CondRefOf (INT, Local0) Return (PAIR (Local1, DerefOf (Local0))) }
    Method (SET, 2) { Arg0 [0] = Arg1 }
    Method (R006) { Local0 = Buffer () {1, 2, 3} SET (Local0, 8) Return (Local0) }
    Method (R007) { Local0 = Package () {1, 2, 3} SET (Local0, "s") Return (Local0) }
    Method (R008) { Local0 = "INT" Return (DerefOf (Local0)) }
    Method (R009) { Local0 = INT Local0 = "now a string" Return (Local0) }
    Method (ARG, 1) { Arg0 = 9 Return (Arg0) }
    Method (R010) { Local0 = 5 ARG (Local0) Return (Local0) }
    Method (R011) { Return (ObjectType (DEV)) }
    Method (R012)
    {
        Local1 = Package (10) {}
        Local1 [0] = ObjectType (INT) Local1 [1] = ObjectType (STR) Local1 [2] = ObjectType (BUF)
        Local1 [3] = ObjectType (PKG) Local1 [4] = ObjectType (F1) Local1 [5] = ObjectType (MUT)
        Local1 [6] = ObjectType (EVE) Local1 [7] = ObjectType (MEM) Local1 [8] = ObjectType (A000)
        Local1 [9] = ObjectType (Local0)
        Return (Local1)
    }
    Method (R013, 0, Serialized) { Name (CC, 1) CopyObject ("str", CC) Return (CC) }
    Method (R015) { Return (ALI) }
    Method (R016) { Return (\DEV.UP () + \DEV.SAME () + \DEV.FAR () + \DEV.MORE) }
    Method (R017) { Return (GONE) }
    Method (R018) { If (0) { Local3 = 1 } Return (Local3) }
    Method (R019) { Local0 = PKG Local0 [0] = 5 Return (DerefOf (PKG [0])) }

    Method (C000) { Local0 = 0 While (Local0 < 10) { Local0++ } Return (Local0) }
    Method (C001)
    {
        Local0 = 0 Local1 = 0
        While (One)
        {
            Local0++
            If (Local0 == 3) { Continue }
            If (Local0 > 6) { Break }
            Local1 += Local0
        }
        Return (Local1)
    }
    Method (C002, 0, Serialized)
    {
        Local0 = 0
        For (Local1 = 0, Local1 < 5, Local1++)
        {
            Switch (Local1)
            {
                Case (1) { Local0 += 10 }
                Case (Package () {2, 3}) { Local0 += 100 }
                Default { Local0 += 1000 }
            }
        }
        Return (Local0)
    }
    Method (C003) { If (INT) { Return ("yes") } Else { Return ("no") } }
    Method (C004) { If (0) { Return (1) } ElseIf (0) { Return (2) } Else { Return (3) } }
    Method (FIB, 1) { If (Arg0 < 2) { Return (Arg0) } Return (FIB (Arg0 - 1) + FIB (Arg0 - 2)) }
    Method (C005) { Return (FIB (10)) }
    Method (C006) { While (1) { Return (6) } }
    Method (NONE) { If (0) { Return (1) } }
    Method (C007) { Return (NONE ()) }
    Method (C008) { NONE () Return (1) }
    Method (C009)
    {
        Local0 = Acquire (MUT, 0xFFFF) Release (MUT) Signal (EVE) Local1 = Wait (EVE, 10)
        Return (PAIR (Local0, Local1))
    }
    Method (C010) { Return (Wait (EVE, 1)) }
    Method (C011, 0, Serialized) { Name (\DEV.TMP, 3) Return (\DEV.TMP) }
    Method (C012) { Return (CondRefOf (\DEV.TMP)) }
    Method (C013) { Return (\_REV) }
    Method (C014) { Sleep (1) Stall (5) Noop Return (1) }
    Method (C015) { Return (_OSI ("Windows 2015")) }
    Method (C016) { Debug = "said" Return (0) }

    Method (F000) { F1 = 1 F2 = 5 F3 = 0xABC Return (Package () {F1, F2, F3}) }
    Method (F001) { F4 = 0x12345678 F5 = LONG Return (Package () {F4, F5}) }
    Method (F002) { F6 = Buffer () {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0xFF} Return (F6) }
    Method (F003) { W1 = 0x15 W2 = 0xABCDE Return (Package () {W1, W2}) }
    Method (F004) { D1 = 0x155 D2 = 0x2BCDEF01 Return (Package () {D1, D2}) }
    Method (F005) { Q1 = 5 Q2 = 0xABCDEF012345678 Return (Package () {Q1, Q2}) }
    Method (F006) { B1 = 0x5A B2 = 0x1234 Return (Package () {BNK, B1, B2}) }
    Method (F007) { I1 = 0x77 I2 = 3 I3 = 0x456 Return (Package () {IDX, DAT, I1}) }
    Method (F008) { P1 = 0x12 P2 = 0x3456 Return (Package () {P1, P2}) }
    Method (F009) { F4 = "abcd" Return (F4) }
    Method (F010) { Return (Package () {W1, D1, Q1, F1, F4}) }
    Method (F011) { Return (F6) }

    // Fields of buses and pins.
    Device (I2C)
    {
        OperationRegion (SBS, GenericSerialBus, 0, 0x100)
        Name (CON, ResourceTemplate () { I2cSerialBusV2 (0x50, ControllerInitiated, 400000, AddressingMode7Bit, "\\DEV") })
        Field (SBS, BufferAcc, NoLock, Preserve)
        {
            Connection (CON), AccessAs (BufferAcc, AttribByte), SBYT, 8,
            AccessAs (BufferAcc, AttribWord), SWRD, 8,
            AccessAs (BufferAcc, AttribBlock), SBLK, 8,
            Connection (I2cSerialBusV2 (0x51, ControllerInitiated, 400000, AddressingMode7Bit, "\\DEV")),
            Offset (0x20), AccessAs (BufferAcc, AttribQuick), SQCK, 8,
            AccessAs (BufferAcc, AttribBytes (4)), SBTS, 8,
            AccessAs (BufferAcc, AttribRawProcessBytes (4)), SRAW, 8
        }
        OperationRegion (SMB, SMBus, 0x2200, 0x100)
        Field (SMB, BufferAcc, NoLock, Preserve) { AccessAs (BufferAcc, AttribBlock), SMBK, 8 }
        OperationRegion (BMC, IPMI, 0x3000, 0x100)
        Field (BMC, BufferAcc, NoLock, Preserve) { Offset (0x20), BMCF, 8 }
        OperationRegion (GIO, GeneralPurposeIo, 0, 16)
        Field (GIO, ByteAcc, NoLock, Preserve)
        {
            Connection (GpioIo (Exclusive, PullUp, 0, 0, IoRestrictionNone, "\\DEV") {5, 6, 7}),
            PIN0, 1, PIN1, 1, PIN2, 1,
            Connection (GpioIo (Exclusive, PullUp, 0, 0, IoRestrictionNone, "\\DEV") {8}), PIN3, 1
        }
    }
    Method (H000) { Return (\I2C.SBYT) }
    Method (H001) { Return (\I2C.SWRD) }
    Method (H002) { Return (\I2C.SBLK) }
    Method (H003) { Return (\I2C.SQCK) }
    Method (H004) { Return (\I2C.SBTS) }
    Method (H005) { Return (\I2C.SRAW) }
    Method (H006) { Local0 = Buffer (6) {} Local0 = \I2C.SBYT = Local0 Return (Local0) }
    Method (H007) { Local0 = Buffer (2) {9, 9} Return (\I2C.SRAW = Local0) }
    Method (H008) { \I2C.SBYT = 5 Return (0) }
    Method (H009) { Return (\I2C.SMBK) }
    Method (H010) { Local0 = Buffer (3) {1, 2, 3} Return (\I2C.SMBK = Local0) }
    Method (H011) { Return (\I2C.BMCF = Buffer (66) {}) }
    Method (H012) { \I2C.PIN1 = 1 Return (PAIR (\I2C.PIN0, \I2C.PIN1)) }
    Method (H013) { \I2C.PIN3 = 1 Return (PAIR (\I2C.PIN0, \I2C.PIN2)) }
    Method (H014) { \I2C.PIN0 = "text" Return (0) }

    Name (PLC, 7)
    CreateQWordField (BUF, 4, PAST) // beyond the buffer's end
    Method (PKGM) { Return (Package () {1, 2, 3}) }
    Method (ZERM) { Return (Zero) }
    Method (I000) { Return (SizeOf (PKGM)) }
    Method (I001) { Return (SizeOf (PKGM ())) }
    Method (I002) { ZERM = 5 Return (ZERM) }
    Method (I003) { Return (RefOf (PKG)) }
    Method (I004) { Return (RefOf (PLC)) }
    Method (I005) { Return (PAST) }
    Method (I006) { PAST = 1 Return (0) }
}
