/**
 * Loads the native addon: a prebuilt package for this platform first, then the one built from
 * source; or says why there is none. The addon is refused when its frame layout differs from ours.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BreakEven } from '../break-even.js';
import { layoutFingerprint } from '../layout-fingerprint.js';

export interface HandleParts {
  readonly slot: number;
  readonly generation: number;
}

/** What native/src/napi exports. */
export interface NativeAddon {
  /** Runs a frame in place; 0, or 2 when its header is wrong. */
  runFrame(frame: Uint8Array): number;
  freeKey(slot: number, generation: number): boolean;
  arenaStats(): { keys: number; limit: number; cells: number; locked: boolean };
  /** For tests of exhaustion. */
  setArenaLimit(limit: number): void;
  info(): {
    version: string;
    cpu: string;
    cpuClass: string;
    cpuReason?: string | null;
    library: string;
    /** What runs the short messages of a frame. */
    shortMessages: string;
  };
  layoutFingerprint(): string;
  /** From how many jobs batches run; `first` 0 = never. No rows where no kernels are in force. */
  breakEvens(): readonly BreakEven[];
  /** False where name or numbers are out of their bounds. */
  setBreakEven(name: string, first: number, further: number): boolean;
  /** Measures a row and sets it; null where that failed. */
  measureBreakEven(name: string): BreakEven | null;
  /** Known answers of every algorithm. */
  selfTest(): readonly { operation: string; algorithm: string; passed: boolean }[];
  /** No core dumps, no foreign debuggers, arena wiped at exit. */
  protectProcess(): boolean;
  vaultCreateFile(path: string): HandleParts;
  vaultOpenFile(path: string): HandleParts;
  vaultCreatePassphraseFile(path: string, kind: 'file' | 'env', from: string): HandleParts;
  vaultOpenPassphraseFile(path: string, kind: 'file' | 'env', from: string): HandleParts;
}

export type NativeLoad =
  | { readonly addon: NativeAddon; readonly from: string }
  | { readonly addon: undefined; readonly reason: string };

const require = createRequire(import.meta.url);

/** The package's own directory, wherever this file was compiled to. */
function packageDir(): string {
  let directory = fileURLToPath(new URL('.', import.meta.url));
  while (!existsSync(join(directory, 'package.json')) && directory !== dirname(directory)) {
    directory = dirname(directory);
  }
  return directory;
}

const nativeDir = join(packageDir(), 'native');

/** The last part of a platform's name, as @napi-rs/cli writes it. */
function libc(): string {
  if (process.platform === 'win32') return '-msvc';
  if (process.platform !== 'linux') return '';
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime === undefined ? '-musl' : '-gnu';
}

/** The package that `npm run prebuild` makes for this platform. */
export function prebuiltPackage(): string {
  return `@keystrel/native-${process.platform}-${process.arch}${libc()}`;
}

function candidates(): readonly string[] {
  return [prebuiltPackage(), join(nativeDir, 'keystrel.node')];
}

/** Why the file that a build leaves is not there. */
function buildReason(): string {
  const file = join(nativeDir, 'keystrel.reason');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : 'the addon was not built';
}

/**
 * Loads once per thread.
 * @param wanted KEYSTREL_BACKEND
 * @param places Packages or files, the preferred one first: a prebuilt addon, then a built one.
 */
export function loadNativeAddon(
  wanted = process.env.KEYSTREL_BACKEND ?? 'auto',
  places: readonly string[] = candidates(),
): NativeLoad {
  if (wanted === 'node' || wanted === 'noble') {
    return { addon: undefined, reason: `KEYSTREL_BACKEND=${wanted}` };
  }
  const failures: string[] = [];
  for (const from of places) {
    try {
      const addon = require(from) as NativeAddon;
      const theirs = addon.layoutFingerprint();
      if (theirs === layoutFingerprint()) return { addon, from };
      failures.push(`${from}: frame layout ${theirs}, expected ${layoutFingerprint()}`);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== 'MODULE_NOT_FOUND') failures.push((error as Error).message);
    }
  }
  return { addon: undefined, reason: failures.length > 0 ? failures.join('; ') : buildReason() };
}
