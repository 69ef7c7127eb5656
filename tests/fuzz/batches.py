"""Batches of random calls, as text: the same seed gives the same batch."""

import random
import re
from dataclasses import dataclass, field

BATCH = 30  # statements
COUNT = 32  # fz.v's

# What a call may look like for it to get further than the check of its arguments. {i} is a number,
# {n} a small one, {v} anything, {f} something to call, {b} a buffer, {s} a string, {t} a stream.
TEMPLATES = """
frames.alloc({n}) | frames.alloc({i}, {i}, {i}) | frames.alloc({n}, align=1 << {n}) | frames.free({i})
frames.free(frames.alloc({n}), {n}) | frames.fill(array.array('Q', [0] * {n})) | frames.drain({v})
frames.drain(array.array('Q', [{i}, {i}, 0x3fff])) | frames.reserve({i}, {i}) | frames.show({n}, {n})
frames.stats() | frames.runs() | frames.check() | frames.init({v}) | frames.init(array.array('Q', [{i}, {i}]))
frames.free({i}, {i}) | frames.free({i}, {n}) | frames.free(frames.alloc() + {i})
pages.alloc({n}) | pages.alloc({n}, {i}, {i}) | pages.alloc({n}, below={i}) | pages.map({i}, {i}, {i}, {n})
pages.map(pages.reserve({n}), {i}, {n}, {n}) | pages.map({i}, frames.alloc(), 1, {n}) | pages.unmap({i}, {i})
pages.unmap({v}) | pages.protect({i}, {i}, {n}) | pages.translate({i}) | pages.reserve({i}) | pages.walk()
machine.Timer(-1, period={n}, callback={f}, hard={h}) | machine.Timer({i}, freq={i}, callback={f})
machine.Timer(-1, mode={n}, period={i}, callback={f}, hard={h}) | machine.RTC().datetime({v})
machine.RTC().datetime((2030, {n}, {n}, {n}, {n}, {n}, {n}, {n})) | machine.cpuid({i}, {i}) | machine.rdmsr({i})
machine.UART({n}, {i}) | machine.UART({n}, baudrate={i}, timeout={n}, rxbuf={i}) | machine.time_pulse_us({v}, {n}, {n})
machine.UART(1, 115200).irq({f}, {n}) | machine.freq({i}) | machine.idle() | machine.lightsleep({n})
machine.mem8[{i}] | machine.mem16[{i}] | machine.mem32[{i}] | machine.mem64[{i}] | machine.Signal({v}, invert={v})
ramdisk.RAMDisk({i}) | ramdisk.RAMDisk({n}, {i}) | ramdisk.RAMDisk(65536).readblocks({i}, {b}, {i})
ramdisk.RAMDisk(65536, 512).writeblocks({i}, {b}) | ramdisk.RAMDisk(4096).ioctl({i}, {i})
memmap.find({i}) | memmap.regions() | memmap.total() | memmap.raw() | memmap.show() | memmap.init({v}, {v})
cmdline.parse({s}) | cmdline.size({s}, {s}) | cmdline.choice({v}, {s}, {v}) | bootinfo.init({v}, {i})
micropython.schedule({f}, {v}) | micropython.heap_lock() | micropython.heap_unlock() | micropython.const({v})
micropython.RingIO({i}) | micropython.RingIO({b})
micropython.stack_use() | micropython.mem_info({n}) | micropython.qstr_info({n}) | micropython.opt_level({n})
micropython.RingIO(16).write({b}) | gc.threshold({i}) | gc.collect() | gc.disable() | gc.enable() | gc.mem_alloc()
os.dupterm({t}) | os.dupterm({t}, {n}) | os.dupterm(IO({n})) | os.dupterm(None) | os.urandom({n}) | os.listdir({s})
os.mkdir({s}) | os.rmdir({s}) | os.remove({s}) | os.rename({s}, {s}) | os.stat({s}) | os.statvfs({s}) | os.chdir({s})
list(os.ilistdir({s})) | os.ilistdir({s}) | vfs.mount({v}, {s}) | vfs.mount(vfs.VfsLfs2(BD({n})), '/d') | vfs.umount({s})
vfs.VfsLfs2.mkfs(BD({n})) | vfs.VfsLfs1.mkfs(BD({n})) | vfs.VfsFat.mkfs(BD({n})) | vfs.VfsFat(BD({n}))
vfs.VfsFat.mkfs(ramdisk.RAMDisk(65536, 512)) | vfs.VfsRom({b}) | vfs.VfsLfs2(ramdisk.RAMDisk(65536), readsize={n}, progsize={n}, lookahead={n})
vfs.VfsLfs1(BD({n})) | vfs.VfsLfs2(BD({n}), {i}, {i}, {i}) | vfs.rom_ioctl({i}, {i}, {i}) | vfs.rom_ioctl({n})
open({s}, {m}) | open({s}, 'w').write({s}) | open({s}, 'wb').write({b}) | open({s}).read() | open({s}, {m}).seek({i}, {n})
time.sleep_ms({n}) | time.sleep({x}) | time.sleep_us({n}) | time.gmtime({x}) | time.mktime({v}) | time.ticks_add({i}, {i})
time.mktime(({i}, {i}, {i}, {i}, {i}, {i}, {i}, {i})) | time.ticks_diff({i}, {i}) | time.localtime({i})
sys.exit({v}) | sys.print_exception({v}) | sys.print_exception({v}, {t}) | sys.atexit({f}) | sys.settrace({f})
sys.stdout.write({s}) | sys.stdin.read({n}) | sys.stdout.buffer.write({b}) | sys.stdout.readinto({b})
struct.pack({F}, {v}, {v}) | struct.unpack({F}, {b}) | struct.pack_into({F}, {b}, {i}, {v}) | struct.unpack_from({F}, {b}, {i})
struct.calcsize({F}) | array.array({s}, {v}) | array.array('{c}', {v}) | array.array('{c}', {b})
uctypes.addressof({v}) | uctypes.bytes_at({i}, {n}) | uctypes.sizeof({v}, {n}) | uctypes.sizeof({{'a': {i}}})
str(uctypes.struct({i}, {{'a': {i} | 1}}, {n}).a) | str(uctypes.struct({i}, {v}, {n})) | uctypes.sizeof({{'a': ({i}, {v})}})
framebuf.FrameBuffer(bytearray({n} * {n}), {n}, {n}, {n}) | framebuf.FrameBuffer({b}, {i}, {i}, {n}, {i})
framebuf.FrameBuffer(bytearray(256), 16, 16, {k}).line({i}, {i}, {i}, {i}, {n}) | framebuf.FrameBuffer(bytearray(256), 16, 16, {k}).scroll({i}, {i})
framebuf.FrameBuffer(bytearray(256), 16, 16, {k}).fill_rect({i}, {i}, {i}, {i}, {i}) | framebuf.FrameBuffer(bytearray(256), 16, 16, {k}).text({s}, {i}, {i}, {i})
framebuf.FrameBuffer(bytearray(256), 16, 16, {k}).ellipse({i}, {i}, {n}, {n}, {i}, {v}, {n}) | framebuf.FrameBuffer(bytearray(256), 16, 16, {k}).poly({i}, {i}, array.array('h', [{n}] * 8), {n})
framebuf.FrameBuffer(bytearray(256), 16, 16, {k}).blit({v}, {i}, {i}, {i}, {v}) | framebuf.FrameBuffer(bytearray(256), 16, 16, {k}).pixel({i}, {i}, {i})
framebuf.FrameBuffer(bytearray(256), 16, 16, {k}).blit(framebuf.FrameBuffer(bytearray(256), {n}, {n}, {k}), {i}, {i}, {i})
re.match({r}, {s}) | re.sub({r}, {v}, {s}, {n}) | re.compile({r}) | re.compile({r}).split({s}) | re.search({r}, {s}).group({i})
json.loads({s}) | json.dumps({v}) | json.dump({v}, {t}) | json.load({t}) | json.dumps({v}, separators={v}) | marshal.dumps({v}) | marshal.loads({b})
deflate.DeflateIO({t}, {n}, {n}).read({n}) | deflate.DeflateIO({t}, {n}, {n}).write({b}) | deflate.DeflateIO(io.BytesIO({b})).readinto({b})
hashlib.sha256({b}).digest() | hashlib.sha256().update({v}) | binascii.crc32({b}, {i}) | binascii.a2b_base64({b}) | binascii.hexlify({b}, {v}) | binascii.unhexlify({v})
heapq.heappush({v}, {v}) | heapq.heappop({v}) | heapq.heapify({v}) | collections.deque({v}, {i}) | collections.deque((), {n}).extend({v})
collections.namedtuple({s}, {v}) | collections.OrderedDict({v}) | collections.deque([1, 2], 3, {n}).rotate({i}) | collections.namedtuple('N', 'a b')({v}, {v})
select.poll().register({t}, {i}) | select.poll().poll({n}) | select.select([{t}], [], [], {x}) | select.poll().ipoll({n}, {n})
asyncio.run(coro({n})) | asyncio.run(asyncio.wait_for(coro({n}), {n})) | asyncio.run(asyncio.gather(coro(1), coro({n}), {v})) | asyncio.create_task(coro({n})) | asyncio.new_event_loop()
asyncio.StreamReader({t}) | asyncio.run(asyncio.StreamReader({t}).read({n})) | asyncio.get_event_loop().run_until_complete({v}) | asyncio.run({v}) | asyncio.Lock() | asyncio.Event() | asyncio.ThreadSafeFlag()
_asyncio.TaskQueue() | _asyncio.TaskQueue().push({v}) | _asyncio.Task({v}) | _asyncio.TaskQueue().remove({v}) | asyncio.current_task()
io.BytesIO({b}) | io.BytesIO({n}) | io.StringIO({s}) | io.BufferedWriter({t}, {i}) | io.BytesIO({b}).readinto({b}) | io.BufferedWriter({t}, 8).write({b}) | io.BytesIO().write({b})
websocket.websocket({t}, {n}) | websocket.websocket({t}).read({n}) | websocket.websocket({t}).write({b}) | websocket.websocket({t}).ioctl({i}, {i})
random.randrange({i}, {i}, {i}) | random.getrandbits({i}) | random.seed({i}) | random.choice({v}) | random.randint({i}, {i}) | random.uniform({x}, {x})
math.gamma({x}) | math.factorial({n}) | math.isclose({x}, {x}, rel_tol={x}) | math.ldexp({x}, {i}) | math.pow({x}, {x}) | cmath.exp({v})
int({s}, {i}) | int({v}) | float({s}) | complex({s}) | str({b}, {s}) | bytes({v}) | bytearray({v}) | bytes({s}, 'utf8') | chr({i}) | ord({s}) | bytes({i})
list({v}) | tuple({v}) | set({v}) | frozenset({v}) | dict({v}) | sorted({v}, key={f}, reverse={h}) | max({v}, key={f}) | min({v}, default={v}) | sum({v}, {v}) | any({v}) | zip({v}, {v}) | map({f}, {v}) | filter({f}, {v}) | enumerate({v}, {i}) | reversed({v})
list(map({f}, {v})) | range({i}, {i}, {i}) | slice({v}, {v}, {v}) | memoryview({b}) | memoryview({b})[{n}:{n}] | pow({i}, {n}, {v}) | pow({i}, {i}, {i}) | divmod({i}, {i}) | round({x}, {n}) | abs({v}) | hash({v}) | id({v}) | repr({v}) | ascii({v}) | hex({i}) | oct({i}) | bin({i})
exec({e}) | eval({e}) | compile({e}, {s}, {m}) | __import__({s}) | __build_class__({f}, {s}) | __build_class__({f}, {s}, {v}) | type({s}, ({v},), {{}}) | type({s}, (list, {v}), {{'a': 1}}) | type({v}) | super({v}, {v})
getattr({v}, {s}) | hasattr({v}, {s}) | delattr({v}, {s}) | isinstance({v}, {v}) | issubclass({v}, {v}) | callable({v}) | dir({v}) | help({v}) | print({v}, sep={s}, end={s}) | print({v}, file={t}) | next({v}, {v}) | iter({v}) | property({f}, {f}) | staticmethod({f}) | classmethod({f}) | object() | globals() | locals() | input({s})
'{{}}'.format({v}) | '{{:{{}}}}'.format({v}, {s}) | '{{:>{{}}}}'.format({s}, {i}) | '%s %r' % ({v}, {v}) | '%d' % {v} | '%*d' % ({i}, {i}) | '%.*f' % ({i}, {x}) | {s}.join({v}) | {s}.split({v}, {i}) | {s}.replace({s}, {s}, {i}) | {s} * {i} | {b} * {i} | [{v}] * {i} | ({v},) * {i}
{s}.encode() | {b}.decode() | {s}.find({s}, {i}, {i}) | {s}.center({i}) | ({i}).to_bytes({i}, 'little') | int.from_bytes({b}, 'big') | {s}.count({s}, {i}, {i}) | {s}.startswith({v}, {i}) | {s}.partition({s}) | {s}.splitlines() | {s}.strip({v}) | {b}.hex()
gen({n}).send(None) | gen({n}).throw({v}) | closure({n})({v}) | nat({v}, {v}) | vip({v}, {i}) | vob({v}, {v}) | loop({n}) | deep({n}) | recurse() | E({f})({v}) | object.__new__({v}) | SL({v}) | SD({v}) | ST({v}) | SS({v}) | SB({v}) | SBA({v}) | SI({v}) | SO({v}) | HL({v}) | SE({v}, {v})
[{v}, {v}].sort(key={f}) | [{v}, {v}].insert({i}, {v}) | [{v}, {v}].index({v}, {i}, {i}) | [1, 2, 3].pop({i}) | [{v}].remove({v}) | [{v}].extend({v}) | bytearray({b}).extend({v}) | bytearray({b}).append({v}) | {{{v}}}.union({v}) | {{{v}}}.symmetric_difference_update({v}) | {{1: {v}}}.update({v}) | {{1: {v}}}.pop({v}) | {{}}.fromkeys({v}, {v}) | {{1: {v}}}.setdefault({v}, {v}) | {{1: 2}}.popitem()
struct_at({n}) | struct_at({n}).f[{n}] | bytearray_in({n}) | closing({n}, {f}) | closing({n}, lambda: {v}) | masked({n}, lambda: {v}) | masked({n}, lambda: {b})
machine.port8[{i}] | machine.port16[{i}] | machine.port32[{i}] | machine.WDT(timeout={i}) | machine.WDT(timeout={n}) | machine.deepsleep({i}) | machine.poweroff({i})
_handoff.keep({i}, {i}) | _handoff.set_rom({i}, {i}) | _handoff.set_console({v}, {v}) | _handoff.set_program({s}) | _handoff.set_eof_poweroff({v})
cpus.all()[{n} % len(cpus.all())].run({f}, {v}) | cpus.all()[-1].run({q}) | cpus.all()[-1].run({q}).wait({n}) | cpus.all()[-1].run({q}).result() | cpus.all()[-1].run({e})
cpus.all()[-1].run({f}, {v}, {v}).result() | cpus.all()[-1].run({v}, {v}, {s}, a={v}) | cpus.all()[-1].run({q}).cancel() | cpus.all()[-1].run(len, {v}).wait({i}) | cpus.all()[-1].reset() | cpus.all()[{n}].reset()
cpus.map({f}, {v}) | cpus.map(len, [{v}, {v}, {v}]) | cpus.each({f}, {v}) | cpus.each({q}) | cpus.each(machine.rdmsr, {i}) | cpus.each(machine.cpuid, {i}, {i}) | machine.cpuid({i}, {i}, cpu={n}) | machine.rdmsr({i}, cpu={i})
cpus.Queue() | cpus.Queue({i}) | cpus.Queue({n}).put({v}) | cpus.Queue({i}).put({v}, {n}) | cpus.Queue().get({n}) | cpus.Queue(9).get(timeout_ms={i}) | {v}.put({v}) | {v}.get(0) | {v}.put({b}, 0) | {v}.result() | {v}.done() | {v}.cancel()
cpus.Lock() | cpus.Lock().release() | cpus.Lock().acquire({v}, {n}) | cpus.Lock().acquire(0) | {v}.acquire(0) | {v}.release() | {v}.locked() | cpus.all()[-1].run({f}, cpus.Queue({n}), cpus.Lock()) | cpus.all()[-1].run({f}, pages.alloc({n}))
pages.alloc({n}).load({i}) | pages.alloc({n}).store({i}, {i}) | pages.alloc(1).fetch_add({i}, {i}) | pages.alloc(1).compare_exchange({n}, {i}, {i}) | {v}.fetch_add({n}, {i})
_thread.start_new_thread({f}, ({v},)) | _thread.start_new_thread({f}, ()) | _thread.start_new_thread({f}, {v}, {v}) | _thread.start_new_thread({v}, ({v}, {v})) | _thread.allocate_lock().acquire({v}, {x}) | _thread.allocate_lock().release()
_thread.stack_size({i}) | _thread.stack_size({n} << 12) | _thread.exit() | _thread.get_ident() | _thread.start_new_thread(exec, ({q},))
pci.devices() | pci.device({n}, {n}, {n}) | pci.device({i}, {i}, {i}, {i}) | pci.find({i}, {i}) | pci.show() | pci.device(0, {n}).bars() | pci.device(0, {n}).read8({i}) | pci.device(0, 0).config() | pci.capability_name({v}) | pci.Registers({i}, {i})
acpi.tables() | acpi.table({s}) | acpi.table('APIC', {i}) | acpi.table('FACP').fields() | acpi.table('APIC').structures() | acpi.Table({i}) | acpi.Table({i}, {s}) | acpi.devices() | acpi.resources({s}) | aml.Namespace([{b}, {b}]) | aml.Namespace([acpi.table('DSDT').data]).evaluate({s}, {v}) | aml.Namespace({v}, {v}, {i})
smbios.show({n}) | smbios.structures({v}) | smbios.Table({b}, {b}) | smbios.Table(b'_SM3_' + {b}, {b}) | cpuid.cpu({n}).features() | cpuid.Cpuid({f}) | cpuid.cpu().fields({i}, {i}) | cpuid.show({v}) | msr.cpu({n}).read({i}) | msr.show({i}) | msr.Msrs({f}).energy() | msr.compare() | mtrr.explain({i}) | mtrr.Mtrrs({f}, {n}) | mtrr.cpu({n}).ranges() | mtrr.combine({v}, {v}) | mtrr.page({i})
keyboard.layout({s}) | keyboard.layout({v}) | keyboard.layout(keyboard.layouts()[{n} % 33]) | keyboard.layouts() | keyboard.pressed() | keyboard.present() | _keyboard.set({s}, {b}, {b}, {v}) | _keyboard.set('a', bytes(2048), {b} * {n}, {v}) | _keyboard.set('b', b'a' * 2048, b'abcdef' * {n}, {n}) | _keyboard.down()
sock({n}) | sock({n}).connect(('127.0.0.1', {i})) | sock({n}).connect({v}) | sock({n}).bind(('127.0.0.1', {i})) | sock({n}).bind(({s}, {n})) | sock({n}).listen({i}) | sock({n}).accept() | sock({n}).send({b}) | sock({n}).write({b}) | sock({n}).sendall({b})
sock({n}).recv({i}) | sock({n}).recv({n}) | sock({n}).read({n}) | sock({n}).recvfrom({n}) | sock({n}).readinto({b}) | sock({n}).readline() | sock({n}).sendto({b}, ('127.0.0.1', {i})) | sock({n}).sendto({b}, ('10.0.2.2', {n})) | sock({n}).sendto({b}, {v}) | sock({n}).makefile({v})
sock({n}).setsockopt({n}, {i}, {v}) | sock({n}).setsockopt(1, 20, {f}) | sock({n}).setsockopt(0, 1024, {b}) | sock({n}).setsockopt(6, 64, {n}) | sock({n}).settimeout({x}) | sock({n}).setblocking({v}) | sock({n}).close() | {v}.close() | str(sock({n}))
{v}.send({b}) | {v}.recv({n}) | {v}.accept() | {v}.sendto({b}, ('127.0.0.1', 7001)) | {v}.settimeout({n}) | {v}.connect(('127.0.0.1', {n})) | select.poll().register(sock({n}), {i}) | select.select([sock({n})], [sock({n})], [], 0)
socket.getaddrinfo({s}, {i}) | socket.getaddrinfo('127.0.0.1', {i}, {n}, {n}, {n}, {n}) | socket.getaddrinfo({v}, {v}) | socket.socket({v}, {v}, {v}) | socket.print_pcbs() | socket.reset() | socket.callback()
network.LAN({n}) | network.LAN().active({v}) | network.LAN().status({s}) | network.LAN().ifconfig({v}) | network.LAN().ifconfig(({s}, {s}, {s}, {s})) | network.LAN().ifconfig(('10.0.2.{n}', '255.255.255.0', '10.0.2.2', '10.0.2.3')) | network.LAN().config({s}) | network.LAN().config(hostname={v})
network.LAN().ipconfig(addr4={s}) | network.LAN().ipconfig(addr4='10.0.2.15/{n}') | network.LAN().ipconfig(addr6='fe80::{n}') | network.LAN().ipconfig(addr6={v}, gw4={v}, dhcp4={h}, autoconf6={h}, dhcp6={h}) | network.LAN().ipconfig({s}) | network.ipconfig(dns={v}) | network.hostname({v}) | network.country({v}) | network.route()
hashlib.md5({b}).digest() | hashlib.sha1({b}).update({v}) | cryptolib.aes({b}, {n}) | cryptolib.aes(bytes({n}), {n}, {b}).encrypt({b}) | cryptolib.aes(bytes(16), 6, bytes({n})).decrypt({b}, {b})
tls.SSLContext({n}) | tls.SSLContext({n}).wrap_socket({t}, server_hostname={v}) | tls.SSLContext(tls.PROTOCOL_TLS_CLIENT).wrap_socket({t}, do_handshake_on_connect={h}) | tls.SSLContext(tls.PROTOCOL_TLS_SERVER).wrap_socket(sock({n}), server_side={h}, do_handshake_on_connect={h}) | tls.SSLContext({n}).load_cert_chain({b}, {b}) | tls.SSLContext({n}).load_verify_locations({b}) | ssl.wrap_socket(sock({n}))
platform.platform() | errno.errorcode | _files.mount({v}, {v}, {v}) | _space.init({v}, {v}, {v}) | _handoff.set_heap({i}) | _handoff.in_use({v}) | _handoff.log({v}, ({s}, {n}, {v})) | _handoff.kept({n})
"""  # noqa: E501
TEMPLATES = [one.strip() for line in TEMPLATES.strip().splitlines() for one in line.split(" | ")]

INTS = [0, 1, -1, 2, 3, 7, 8, 63, 64, 255, 256, 4095, 4096, 0x3FFF, 0xFFFF, 0x10000, 0x100000]
INTS += [0xFE00000, 0xB8000, 0xA0000, 0xFEE00000, 0x200000, 1 << 30, 1 << 31, 1 << 32, 1 << 36]
INTS += [1 << 46, 1 << 47, 1 << 52, 1 << 60, 1 << 61, 1 << 62, 1 << 63, 1 << 64, 1 << 70, 1 << 200]
STRINGS = [
    "",
    "a",
    "x.py",
    "/",
    "/d",
    "/d/x",
    "/rom",
    "..",
    "utf-8",
    "\0",
    "é€😀",
    "a" * 300,
    "%s",
]
STRINGS += [
    "{}",
    "{:d}",
    "<I",
    "B",
    "[1, 2",
    "0x",
    "1e400",
    "main",
    "append",
    "__class__",
    "m",
    "f",
]
STRINGS += [
    "import x",
    "sys",
    "Q",
    "\ud7ff",
    "\x03\x04",
    "1" * 70,
    "nan",
    "rb",
    "(" * 60,
    "asyncio",
]
BYTES = [
    b"",
    b"\0",
    b"abc\n",
    b"M\x06\x00\x1f\x00\x00",
    b"\xff" * 40,
    b"\x78\x9c\x03\x00",
    b"x" * 600,
]
BYTES += [b"\xd2\xcd1\x00", b'{"a": [1, 2.5, null]}', b"\x81\x05hello", b"M\x06\x02\x1f\x01\x80"]
EXPRS = [
    "1",
    "[",
    "lambda: v",
    "(1 for i in v)",
    "'%s' % v",
    "x" * 80,
    "(" * 200,
    "1 if",
    "v[0]()",
]
EXPRS += [
    "[i for i in range(300)]",
    "yield 1",
    "import x",
    "*a",
    "1 << 99",
    "b''",
    "f'{v!r}'",
    "def",
]
REGEXES = [
    "a*",
    "(a|b)*c",
    "(((a*)*)*)*b",
    "[a",
    "\\",
    "(",
    "a{3}",
    "^$",
    "[^\\w]+",
    "(" * 40,
    "|",
    "x?",
]
FORMATS = [
    "<I",
    "B",
    "QQ",
    ">hH",
    "10s",
    "99999999999s",
    "P",
    "O",
    "S",
    "",
    "<",
    "zz",
    "3x",
    "d",
    "f",
]
FLOATS = [
    "0.0",
    "-0.0",
    "1.5",
    "float('nan')",
    "float('inf')",
    "-float('inf')",
    "1e308",
    "5e-324",
    "-2",
]
NAMED = "None True False Ellipsis NotImplemented v S sys io builtins globals() sys.modules".split()
NAMED += "sys.stdout sys.stdin sys.stdout.buffer range(9) range(1<<62) list dict object".split()
NAMED += ["type", "str"]
NAMED += "H HA SL SD SE ValueError StopIteration IO BD gen coro print len nat vip recurse".split()
KEYWORDS = (
    "period mode callback hard align below count key reverse sep end file default heap".split()
)
BINARY = "+ - * / // % @ & | ^ << >> == != < > <= >= in is and or".split()
ENDS = re.compile(r"machine\.(WDT|deepsleep|poweroff)\(")  # perhaps the machine, by design
SLOW = re.compile(r"input|sleep|stdin|read|poll|select|wait|run_forever|recv")


@dataclass
class Statement:
    """`body` is what the function does; `call` is the line that has it called."""

    name: str
    body: list
    call: str


@dataclass
class Batch:
    seed: int
    statements: list = field(default_factory=list)

    def source(self, trace=False):
        lines = ["from fz import *", "import fz", f"fz.trace = {trace}"]
        for one in self.statements:
            lines.append(f"def {one.name}(*_):")
            lines += ["    " + line for line in one.body]
        last = max((int(one.name[1:]) for one in self.statements), default=0)
        names = {one.name for one in self.statements}
        listed = (f"s{i}" if f"s{i}" in names else "nop" for i in range(last + 1))
        lines.append(f"S[:] = [{', '.join(listed)}]")
        for one in self.statements:
            lines.append(f"try: {one.call}")
            lines.append("except BaseException: pass")
        lines.append(f"end({self.seed})")
        return "\n".join(lines) + "\n"

    def with_(self, statements):
        return Batch(self.seed, statements)


class Generator:
    """Batches from seeds. The same kernel and seed give the same batch."""

    def __init__(self, names):
        self.names = names  # of what modules and types have, like "frames.alloc"
        self.depth = 0  # of programs in programs

    def batch(self, seed, count=BATCH):
        self.rng = random.Random(seed)
        statements = []
        for i in range(count):
            body = [self.line() for _ in range(self.rng.choice((1, 1, 1, 2, 3)))]
            call = self.call(f"s{i}", body)
            statements.append(Statement(f"s{i}", body, call))
        return Batch(seed, statements)

    def call(self, name, body):
        pick = self.rng.random()
        if pick < 0.6:
            return f"R({name})"
        if pick < 0.68:
            return f"soft({name})"
        if pick < 0.72:
            return f"soft_safe({name})"
        if pick < 0.76:
            return f"fin({name})"
        if pick < 0.79:
            return f"term({name})"
        if pick < 0.81:
            return f"at_exit({name})"
        if pick < 0.84:
            return f"thread({name})"
        if pick < 0.88:
            return f"elsewhere({self.small()}, {self.elsewhere()!r})"
        if pick < 0.92:
            return f"timer({name}, {self.rng.choice((1, 2, 5, 20))}, False)"
        wrapped = f"E({name})" if self.rng.random() < 0.5 else name
        return f"timer({wrapped}, {self.rng.choice((1, 2, 3, 7))}, True)"

    # ---- values, as text

    def slot(self):
        return f"v[{self.rng.randrange(COUNT)}]"

    def integer(self):
        rng = self.rng
        pick = rng.random()
        if pick < 0.3:
            return str(rng.randrange(-3, 12))
        if pick < 0.7:
            value = rng.choice(INTS) + rng.choice((0, 0, 1, -1))
            return (
                f"{-value}" if rng.random() < 0.25 else f"{value:#x}" if value > 99 else f"{value}"
            )
        if pick < 0.8:
            return hex(rng.getrandbits(rng.choice((8, 16, 24, 32, 48, 64))))
        if pick < 0.9:
            return hex(rng.randrange(1 << 18) << 12)
        return self.slot()

    def small(self):
        return str(self.rng.choice((0, 1, 1, 2, 2, 3, 4, 5, 7, 8, 13, 16, 40, 64, 200)))

    def number(self):
        return self.rng.choice((self.rng.choice(FLOATS), self.integer(), self.small()))

    def text(self):
        return repr(self.rng.choice(STRINGS))

    def buffer(self):
        rng = self.rng
        pick = rng.randrange(6)
        if pick == 0:
            return f"bytearray({self.small()})"
        if pick == 1:
            return f"array.array('{rng.choice('bBhHiIlLqQfd')}', [1, 2, 3])"
        if pick == 2:
            return f"memoryview(bytearray({self.small()}))"
        if pick == 3:
            return f"bytes([{rng.randrange(256)}, {rng.randrange(256)}] * {self.small()})"
        return repr(rng.choice(BYTES))

    def function(self):
        rng = self.rng
        pick = rng.randrange(8)
        if pick < 3:
            return f"S[{rng.randrange(BATCH)}]"
        if pick == 3:
            return rng.choice(self.names) if self.names else "len"
        if pick == 4:
            return "lambda *a, **k: v.append(a)"
        if pick == 5:
            return f"A({self.slot()}, {rng.randrange(100)})"
        return rng.choice(
            ("H(3)", "gen", "closure(1)", "recurse", "nat", "len", "v.append", "print")
        )

    def stream(self):
        rng = self.rng
        pick = rng.randrange(7)
        if pick < 2:
            return f"IO({rng.randrange(40)})"
        if pick == 2:
            return f"io.BytesIO({self.buffer()})"
        if pick == 3:
            return f"io.StringIO({self.text()})"
        return rng.choice(("sys.stdout", "sys.stdin.buffer", self.slot(), "micropython.RingIO(9)"))

    def value(self, depth=0):
        rng = self.rng
        pick = rng.random()
        if pick < 0.3:
            return self.slot()
        if pick < 0.42:
            return self.integer()
        if pick < 0.47:
            return rng.choice(FLOATS)
        if pick < 0.54:
            return self.text()
        if pick < 0.61:
            return self.buffer()
        if pick < 0.68:
            kind = rng.choice(("H", "H", "HA", "HL", "IO", "BD", "gen", "coro", "closure", "loop"))
            if kind == "HL":
                return f"HL([{self.value(depth + 1) if depth < 3 else ''}])"
            return f"{kind}({rng.randrange(60) if kind != 'loop' else 1})"
        if pick < 0.73:
            return rng.choice(NAMED)
        if pick < 0.78:
            return self.function()
        if pick < 0.82:
            return self.stream()
        if depth > 2:
            return "None"
        inner = [self.value(depth + 1) for _ in range(rng.randrange(4))]
        kind = rng.randrange(5)
        if kind == 0:
            return f"[{', '.join(inner)}]"
        if kind == 1:
            return f"({', '.join(inner)},)" if inner else "()"
        if kind == 2:
            return "{" + ", ".join(f"{self.value(3)}: {x}" for x in inner) + "}"
        if kind == 3:
            return f"({self.value(depth + 1)} for i in {inner[0] if inner else '()'})"
        return f"(lambda *a: {inner[0] if inner else '1'})"

    # ---- statements

    def filled(self, template):
        def fill(match):
            kind = match[1]
            rng = self.rng
            if kind == "i":
                return self.integer()
            if kind == "n":
                return self.small()
            if kind == "v":
                return self.value(1)
            if kind == "f":
                return self.function()
            if kind == "b":
                return self.buffer()
            if kind == "s":
                return self.text()
            if kind == "t":
                return self.stream()
            if kind == "x":
                return self.number()
            if kind == "h":
                return rng.choice(("True", "False"))
            if kind == "m":
                return repr(rng.choice(("r", "w", "a", "rb", "wb", "w+", "exec", "eval", "")))
            if kind == "c":
                return rng.choice("bBhHiIlLqQfdOP")
            if kind == "k":
                return str(rng.randrange(8))
            if kind == "F":
                return repr(rng.choice(FORMATS))
            if kind == "r":
                return repr(rng.choice(REGEXES))
            if kind == "q":
                return repr(self.elsewhere())
            return repr(rng.choice(EXPRS))

        text = re.sub(r"(?<!\{)\{(\w)\}(?!\})", fill, template)
        return text.replace("{{", "{").replace("}}", "}")

    def elsewhere(self):
        """A program for another CPU, or another thread."""
        self.depth += 1
        lines = [
            self.line() if self.depth < 3 else "pass" for _ in range(self.rng.choice((1, 2, 4)))
        ]
        self.depth -= 1
        tries = "".join(f"try: {line}\nexcept Exception: pass\n" for line in lines[:-1])
        return f"from fz import *\nimport fz\n{tries}{lines[-1]}\n"

    def arguments(self):
        rng = self.rng
        given = [self.value() for _ in range(rng.choice((0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 5)))]
        if rng.random() < 0.05:
            given.append(f"*{self.value()}")
        if rng.random() < 0.12:
            given.append(f"{rng.choice(KEYWORDS)}={self.value()}")
        if rng.random() < 0.02:
            given.append(f"**{self.value()}")
        return given

    def target(self):
        rng = self.rng
        pick = rng.random()
        if pick < 0.5 and self.names:
            name = rng.choice(self.names)
            while SLOW.search(name) and rng.random() < 0.7:
                name = rng.choice(self.names)
            return name
        if pick < 0.92:
            of = self.slot() if rng.random() < 0.6 else self.value(1)
            return f"A({of}, {rng.randrange(100)})"
        return self.value(2)

    def line(self):
        rng = self.rng
        pick = rng.random()
        into = self.slot()
        if pick < 0.38:
            template = rng.choice(TEMPLATES)
            while (
                SLOW.search(template)
                and rng.random() < 0.5
                or ENDS.search(template)
                and rng.random() < 0.8
            ):
                template = rng.choice(TEMPLATES)
            return f"{into} = {self.filled(template)}"
        if pick < 0.72:
            return f"{into} = C({', '.join([self.target(), *self.arguments()])})"
        if pick < 0.78:
            return f"{into} = ({self.value()}) {rng.choice(BINARY)} ({self.value()})"
        if pick < 0.8:
            return (
                f"{into} **= {self.small()}" if rng.random() < 0.5 else f"{into} += {self.value()}"
            )
        if pick < 0.84:
            index = rng.choice(
                (self.value(), f"{self.integer()}:{self.integer()}", f"::{self.integer()}")
            )
            return f"{into} = ({self.value()})[{index}]"
        if pick < 0.87:
            return f"P({self.slot()}, {self.value()}, {self.value()})"
        if pick < 0.885:
            return f"P({self.value()}, slice({self.integer()}, {self.integer()}), {self.value()})"
        if pick < 0.9:
            return f"del ({self.slot()})[{self.value()}]"
        if pick < 0.93:
            return f"X({self.value()})"
        if pick < 0.945:
            return f"with {self.value()} as x: {into} = x"
        if pick < 0.96:
            return f"SA({self.slot()}, {self.text()}, {self.value()})"
        if pick < 0.97:
            what = (self.value(), "OSError(1 << 70)", "SE(v)", "KeyboardInterrupt")
            return f"raise {rng.choice(what)}"
        if pick < 0.98:
            return f"{into} = {rng.choice(('~', '-', '+', 'not '))}({self.value()})"
        if pick < 0.99:
            return f"{into} = f'{{{self.slot()}}}'"
        return f"R(S[{rng.randrange(BATCH)}])"
