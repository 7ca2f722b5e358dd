/**
 * Who may import whom (ARCHITECTURE.md, "Layers"). A folder may import itself and what its row names;
 * `folder/port` means that folder's port alone. What no row allows is an error.
 */
const MAY_IMPORT = {
  core: [],
  specs: ['core'],
  protocol: ['core'],
  auth: ['core'],
  attestation: ['core'],
  policy: ['core'],
  'store/port': ['core'],
  'store/sqlite': ['core', 'store'],
  'seal/port': ['core'],
  'seal/file': ['core', 'seal/port'],
  'seal/passphrase': ['core', 'seal/port'],
  engine: ['core', 'specs', 'seal/port'],
  throttle: ['core', 'specs'],
  audit: ['core', 'store/port', 'auth/port'],
  keystores: ['core', 'specs', 'auth/port', 'engine/port'],
  keys: ['core', 'specs', 'store/port', 'seal/port', 'keystores/port', 'auth/port'],
  operations: ['core', 'specs', 'protocol', 'policy', 'keys', 'auth/port', 'attestation/port'],
  server: ['core', 'specs', 'protocol', 'auth', 'attestation/port', 'throttle/port', 'audit', 'keys', 'operations'],
};

const own = (folder) => (folder.endsWith('/port') ? `^src/${folder}\\.ts$` : `^src/${folder}(/|\\.ts$)`);
const target = (name) =>
  name.endsWith('/port') ? `^src/${name}\\.ts$` : `^src/${name}(/|\\.ts$)`;

const layers = Object.entries(MAY_IMPORT).map(([folder, allowed]) => ({
  name: `layer-${folder.replace('/', '-')}`,
  comment: `src/${folder} may import: itself, ${allowed.join(', ') || 'nothing else'}`,
  severity: 'error',
  from: { path: own(folder) },
  to: {
    path: '^src/',
    pathNot: [target(folder), ...allowed.map(target)],
  },
}));

/** Folders whose row says all: what is not named above and is no composition root is refused. */
const unknown = {
  name: 'unknown-folder',
  comment: 'a folder of src without a row in the table of .dependency-cruiser.cjs',
  severity: 'error',
  from: {
    path: '^src/',
    pathNot: [...Object.keys(MAY_IMPORT).map(own), '^src/(main|deployment)\\.ts$', '^src/cli/', '^src/store/[^/]+\\.ts$'],
  },
  to: {},
};

const adapters = {
  name: 'adapters-in-main-only',
  comment: 'adapters are imported by the composition root, the CLI, tests and benches alone',
  severity: 'error',
  from: { path: '^src/', pathNot: ['^src/(main|deployment)\\.ts$', '^src/cli/', '^src/(store|seal)/', '^src/engine/'] },
  to: { path: ['^src/store/sqlite/', '^src/seal/(file|passphrase)/', '^src/engine/backends/'] },
};

const transports = {
  name: 'transports-in-main-only',
  comment: 'the server does not know its transports',
  severity: 'error',
  from: { path: '^src/', pathNot: ['^src/(main|deployment)\\.ts$', '^src/cli/', '^src/server/transports/'] },
  to: { path: '^src/server/transports/(uws|node-http)\\.ts$' },
};

const engineBackends = {
  name: 'backends-behind-select',
  comment: 'inside the engine only its own composition and its workers know backends',
  severity: 'error',
  from: { path: '^src/engine/(port|job|frame|cost|frame-layout)\\.ts$' },
  to: { path: '^src/engine/backends/' },
};

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      comment: 'a file that nothing imports is dead',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: ['^src/cli/keystrel\\.ts$'] },
      to: {},
    },
    {
      name: 'src-alone',
      comment: 'the product imports nothing of its tests, benches and scripts',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts|native)/' },
    },
    {
      name: 'no-dev-dependencies',
      comment: 'what the product imports stands in dependencies',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'unknown', 'undetermined'] },
    },
    ...layers,
    unknown,
    adapters,
    transports,
    engineBackends,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types'] },
  },
};
