// The program that holds a Pod's namespaces open, as machine code: machines that have no compiler and no registry in reach need one too.
//
// As process 1 of a Pod it would not be hit by signals left at their defaults. So it blocks all signals and takes them one by one:
//   block every signal
//   loop: wait for a signal; SIGTERM or SIGINT: exit(0); SIGCHLD: collect every ended child (those of shareProcessNamespace are ours)

const sigterm = 15;
const sigint = 2;
const sigchld = 17;

/** A static ELF executable of one segment for "x64" or "arm64"; undefined for other machines. */
export function pauseProgram(architecture: string): Uint8Array | undefined {
  if (architecture === "x64") return elf(62, new Uint8Array(x64()));
  if (architecture === "arm64") return elf(183, arm64());
  return undefined;
}

function x64(): number[] {
  const code: number[] = [];
  const at = new Map<string, number>();
  const jumps: { from: number; to: string }[] = [];
  const jump = (opcode: number, to: string) => {
    code.push(opcode, 0);
    jumps.push({ from: code.length, to });
  };
  const label = (name: string) => at.set(name, code.length);
  code.push(0x6a, 0xff); // push -1: the set of all signals
  code.push(0x48, 0x89, 0xe6, 0x31, 0xff, 0x31, 0xd2); // mov rsi, rsp; xor edi, edi (SIG_BLOCK); xor edx, edx
  code.push(0x6a, 0x08, 0x41, 0x5a, 0x6a, 14, 0x58, 0x0f, 0x05); // r10 = 8; rax = rt_sigprocmask; syscall
  label("wait");
  code.push(0x48, 0x89, 0xe7, 0x31, 0xf6, 0x31, 0xd2); // mov rdi, rsp; xor esi, esi; xor edx, edx
  code.push(0x6a, 0x08, 0x41, 0x5a, 0xb8, 128, 0, 0, 0, 0x0f, 0x05); // r10 = 8; eax = rt_sigtimedwait; syscall
  for (const signal of [sigterm, sigint]) {
    code.push(0x83, 0xf8, signal); // cmp eax, signal
    jump(0x74, "exit"); // je
  }
  code.push(0x83, 0xf8, sigchld);
  jump(0x75, "wait"); // jne
  label("collect");
  code.push(0x6a, 0xff, 0x5f, 0x31, 0xf6, 0x6a, 0x01, 0x5a, 0x45, 0x31, 0xd2); // rdi = -1; esi = 0; rdx = WNOHANG; r10d = 0
  code.push(0x6a, 61, 0x58, 0x0f, 0x05, 0x85, 0xc0); // rax = wait4; syscall; test eax, eax
  jump(0x7f, "collect"); // jg
  jump(0xeb, "wait"); // jmp
  label("exit");
  code.push(0x31, 0xff, 0x6a, 60, 0x58, 0x0f, 0x05); // edi = 0; rax = exit; syscall
  for (const { from, to } of jumps) code[from - 1] = ((at.get(to) as number) - from) & 0xff;
  return code;
}

function arm64(): Uint8Array {
  const code: number[] = [];
  const at = new Map<string, number>();
  const jumps: { index: number; to: string; encode: (offset: number) => number }[] = [];
  const move = (register: number, value: number) => code.push(0xd2800000 + (value << 5) + register);
  const call = (number: number) => {
    move(8, number);
    code.push(0xd4000001); // svc #0
  };
  const compare = (value: number) => code.push(0x7100001f + (value << 10)); // cmp w0, #value
  const branch = (condition: number, to: string) => {
    jumps.push({ index: code.length, to, encode: (offset) => 0x54000000 + ((offset & 0x7ffff) << 5) + condition });
    code.push(0);
  };
  const label = (name: string) => at.set(name, code.length);
  const [equal, notEqual, greater] = [0, 1, 12];
  code.push(0x92800009, 0xf81f0fe9); // mov x9, #-1; str x9, [sp, #-16]!
  move(0, 0);
  code.push(0x910003e1); // mov x1, sp
  move(2, 0);
  move(3, 8);
  call(135); // rt_sigprocmask
  label("wait");
  code.push(0x910003e0); // mov x0, sp
  move(1, 0);
  move(2, 0);
  move(3, 8);
  call(137); // rt_sigtimedwait
  for (const signal of [sigterm, sigint]) {
    compare(signal);
    branch(equal, "exit");
  }
  compare(sigchld);
  branch(notEqual, "wait");
  label("collect");
  code.push(0x92800000); // mov x0, #-1
  move(1, 0);
  move(2, 1);
  move(3, 0);
  call(260); // wait4
  compare(0);
  branch(greater, "collect");
  jumps.push({ index: code.length, to: "wait", encode: (offset) => 0x14000000 + (offset & 0x3ffffff) });
  code.push(0);
  label("exit");
  move(0, 0);
  call(93); // exit
  for (const { index, to, encode } of jumps) code[index] = encode((at.get(to) as number) - index);
  const bytes = new Uint8Array(code.length * 4);
  const view = new DataView(bytes.buffer);
  code.forEach((instruction, index) => view.setUint32(index * 4, instruction, true));
  return bytes;
}

/** Header, one program header, code: loaded as a whole, readable and executable. */
function elf(machine: number, code: Uint8Array): Uint8Array {
  const [headerSize, programHeaderSize] = [64, 56];
  const start = headerSize + programHeaderSize;
  const address = 0x400000n;
  const size = BigInt(start + code.length);
  const bytes = new Uint8Array(start + code.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // ELF, 64 bits, little-endian, version 1
  view.setUint16(16, 2, true); // executable
  view.setUint16(18, machine, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, address + BigInt(start), true); // entry
  view.setBigUint64(32, BigInt(headerSize), true); // program headers
  view.setUint16(52, headerSize, true);
  view.setUint16(54, programHeaderSize, true);
  view.setUint16(56, 1, true);
  view.setUint16(58, 64, true); // size of a section header, though there are none
  view.setUint32(headerSize, 1, true); // load
  view.setUint32(headerSize + 4, 5, true); // read, execute
  view.setBigUint64(headerSize + 16, address, true);
  view.setBigUint64(headerSize + 24, address, true);
  view.setBigUint64(headerSize + 32, size, true);
  view.setBigUint64(headerSize + 40, size, true);
  view.setBigUint64(headerSize + 48, 0x1000n, true);
  bytes.set(code, start);
  return bytes;
}
