/** Renders docs/api-coverage.md: every operation of the API, and what is proved of it. */
import { API_OPERATIONS } from '../../src/operations/api-operations.js';
import { OPERATIONS } from '../../src/operations/registry.js';
import { lowerFirst, MODEL, memberCases } from '../conformance/cases.js';
import { DRY_RUN, KEY_OF } from './requests.js';

const KEY_STATES = 8;
const offered = new Set(OPERATIONS.map(({ name }) => name));
/** Operations that check their input and are refused all the same. */
const REFUSED: ReadonlySet<string> = new Set(['CreateCustomKeyStore']);

/** Cases that tests make of tables: members against the API model, key states, dry runs. */
export function casesOf(name: string): { members: number; states: number; dryRun: number } {
  const members = Object.entries(MODEL.operations[name] ?? {});
  return {
    members: members.flatMap(([member, fact]) => memberCases(fact, lowerFirst(member))).length,
    states: KEY_OF[name] === undefined ? 0 : KEY_STATES,
    dryRun: DRY_RUN.includes(name) ? 1 : 0,
  };
}

function row(name: string, fileOf: (name: string) => string): string {
  if (!offered.has(name)) return `| \`${name}\` | not offered | | | | |`;
  const { members, states, dryRun } = casesOf(name);
  const status = REFUSED.has(name) ? 'checked, then refused' : 'offered';
  const cells = [`\`${name}\``, status, `\`${fileOf(name)}\``, members, states, dryRun];
  return `| ${cells.join(' | ')} |`;
}

export function coverageDoc(fileOf: (name: string) => string): string {
  return `# Coverage of the API

Generated from \`src/operations/registry.ts\` and the tables of the tests; a test fails when this page
differs (\`UPDATE_DOCS=1\` with that test writes it).

The AWS KMS API has ${API_OPERATIONS.length} operations; ${API_OPERATIONS.filter((name) => offered.has(name)).length} are offered. One that is not offered answers
UnsupportedOperationException. So does CreateCustomKeyStore, after its input is checked: there are no
custom key stores, and every operation that names one answers CustomKeyStoreNotFoundException.

Cases: inputs against the API model (\`test/conformance/\`), key states (\`test/states/\`) and dry runs
(\`test/operations/\`). Tests of what an operation does are not counted here.

| Operation | Status | File | Inputs | Key states | Dry run |
|---|---|---|---|---|---|
${API_OPERATIONS.map((name) => row(name, fileOf)).join('\n')}
`;
}
