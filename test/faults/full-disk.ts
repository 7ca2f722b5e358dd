/** A small file system of its own that tests can fill: a tmpfs, which needs the right to mount. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SmallDisk {
  readonly path: string;
  /** Writes until no byte is free. */
  fill(): void;
  /** Gives the space back. */
  empty(): void;
  unmount(): void;
}

/** Mounts `megabytes` of tmpfs; undefined, with the reason printed, where this user may not. */
export function mountSmallDisk(megabytes: number): SmallDisk | undefined {
  const path = mkdtempSync(join(tmpdir(), 'keystrel-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], {
      stdio: 'pipe',
    });
  } catch (error) {
    rmdirSync(path);
    const told = (error as { stderr?: Buffer }).stderr?.toString().trim() ?? String(error);
    console.log(`no test of a full disk: tmpfs cannot be mounted here (${told})`);
    return undefined;
  }
  const filler = join(path, 'filler');
  return {
    path,
    fill() {
      const file = openSync(filler, 'a');
      // Ever smaller pieces, so that not one byte stays free.
      for (let size = 1 << 16; size >= 1; size >>= 1) {
        const piece = Buffer.alloc(size);
        try {
          for (;;) if (writeSync(file, piece) < size) break;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        }
      }
      closeSync(file);
    },
    empty: () => rmSync(filler, { force: true }),
    unmount() {
      execFileSync('umount', ['-l', path]);
      rmdirSync(path);
    },
  };
}
