/** AWS's names of algorithms, key specs and types of messages, as the numbers that frames have. */
import type { KeySpec, MessageType } from '../core/records.js';
import { ALG, FORM, SPEC } from './frame-layout.js';
import { EngineError, type InternalSpec } from './port.js';

const algNumber = new Map<string, number>(Object.entries(ALG));
const specNumber = new Map<string, number>(Object.entries(SPEC));
const formNumber: Readonly<Record<MessageType, number>> = Object.freeze({
  RAW: FORM.MESSAGE,
  DIGEST: FORM.DIGEST,
  EXTERNAL_MU: FORM.EXTERNAL_MU,
});

/** @throws EngineError UNSUPPORTED */
export function algOf(name: string): number {
  const alg = algNumber.get(name);
  if (alg === undefined) throw new EngineError('UNSUPPORTED');
  return alg;
}

/** @throws EngineError UNSUPPORTED */
export function specOf(name: KeySpec | InternalSpec): number {
  const spec = specNumber.get(name);
  if (spec === undefined) throw new EngineError('UNSUPPORTED');
  return spec;
}

export function formOf(type: MessageType): number {
  return formNumber[type];
}
