/** What the Regions of the test servers offer, and what only Regions in China do. */
import { KEY_SPECS, keySpecRow, offeredIn } from '../src/specs/key-specs.js';
import { WRAPPING_KEY_SPECS } from '../src/specs/wrapping.js';

export const CHINA = 'cn-north-1';

/** Rows of KEY_SPECS outside China. */
export const SPECS_HERE = KEY_SPECS.filter((row) => offeredIn(row, 'eu-central-1'));
export const SPECS_IN_CHINA = KEY_SPECS.filter((row) => offeredIn(row, CHINA));

export const WRAPPING_KEY_SPECS_HERE = WRAPPING_KEY_SPECS.filter((spec) =>
  offeredIn(keySpecRow(spec), 'eu-central-1'),
);
