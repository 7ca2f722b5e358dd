/**
 * A KeyHandle names a key in native memory: slot + generation * 2^32, a safe integer.
 * Generation counts from 1 to 2^20 - 1, so that a stale handle never names a later key.
 */
declare const handleBrand: unique symbol;
export type KeyHandle = number & { readonly [handleBrand]: true };

export const NO_KEY = 0 as KeyHandle;

export function makeHandle(slot: number, generation: number): KeyHandle {
  return (slot + generation * 0x1_0000_0000) as KeyHandle;
}
export function handleSlot(handle: KeyHandle): number {
  return handle >>> 0;
}
export function handleGeneration(handle: KeyHandle): number {
  return Math.floor(handle / 0x1_0000_0000);
}
