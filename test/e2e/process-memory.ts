/** Searches the memory of a running child process (Linux): what a core dump of it would hold. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

interface Mapping {
  readonly start: number;
  readonly end: number;
  readonly name: string;
  /** VmFlags of /proc/PID/smaps: dd = never dumped, lo = locked. */
  readonly flags: ReadonlySet<string>;
  readonly readable: boolean;
}

export interface Finding {
  readonly needle: string;
  readonly mapping: string;
  readonly address: number;
}

const HEAD = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+ *(.*)$/;
const CHUNK_BYTES = 1 << 24;
const OVERLAP_BYTES = 256;

/** The mappings of a process, by /proc/PID/smaps. */
export function mappings(pid: number): Mapping[] {
  const found: Mapping[] = [];
  let head: RegExpExecArray | null = null;
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'utf8').split('\n')) {
    const match = HEAD.exec(line);
    if (match !== null) head = match;
    if (head === null || !line.startsWith('VmFlags:')) continue;
    found.push({
      start: Number.parseInt(head[1]!, 16),
      end: Number.parseInt(head[2]!, 16),
      readable: head[3]!.startsWith('r'),
      name: head[4] === '' ? 'anonymous' : head[4]!,
      flags: new Set(line.slice('VmFlags:'.length).trim().split(/\s+/)),
    });
    head = null;
  }
  return found;
}

/** All places of each needle in what is neither marked as never dumped nor mapped from a file. */
export function searchMemory(pid: number, needles: ReadonlyMap<string, Buffer>): Finding[] {
  const findings: Finding[] = [];
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  try {
    for (const mapping of mappings(pid)) {
      const skip = mapping.flags.has('dd') || mapping.flags.has('io') || !mapping.readable;
      if (skip || mapping.name.startsWith('/') || mapping.name.startsWith('[v')) continue;
      for (let at = mapping.start; at < mapping.end; at += CHUNK_BYTES - OVERLAP_BYTES) {
        const want = Math.min(CHUNK_BYTES, mapping.end - at);
        const got = readAt(memory, chunk, want, at);
        const view = chunk.subarray(0, got);
        for (const [needle, bytes] of needles) {
          const index = view.indexOf(bytes);
          if (index !== -1) findings.push({ needle, mapping: mapping.name, address: at + index });
        }
      }
    }
  } finally {
    closeSync(memory);
  }
  return findings;
}

/** Bytes read; 0 where the process has unmapped them meanwhile. */
function readAt(memory: number, chunk: Buffer, want: number, at: number): number {
  try {
    return readSync(memory, chunk, 0, want, at);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') return 0;
    throw error;
  }
}
