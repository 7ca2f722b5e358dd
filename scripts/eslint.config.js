// The type-aware rules that the formatter and linter of the project has not: a floating promise is a
// security bug here.
import { parser, plugin } from 'typescript-eslint';

const rules = {
  '@typescript-eslint/await-thenable': 'error',
  '@typescript-eslint/no-base-to-string': 'error',
  '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
  '@typescript-eslint/no-for-in-array': 'error',
  '@typescript-eslint/no-misused-promises': 'error',
  '@typescript-eslint/no-unnecessary-type-assertion': 'error',
  '@typescript-eslint/only-throw-error': 'error',
  '@typescript-eslint/restrict-plus-operands': 'error',
  '@typescript-eslint/switch-exhaustiveness-check': [
    'error',
    { considerDefaultExhaustiveForUnions: true },
  ],
  '@typescript-eslint/use-unknown-in-catch-callback-variable': 'error',
};

const typed = (project) => ({
  parser,
  parserOptions: { project, tsconfigRootDir: new URL('..', import.meta.url).pathname },
});

export default [
  {
    files: ['src/**/*.ts'],
    languageOptions: typed('./tsconfig.json'),
    plugins: { '@typescript-eslint': plugin },
    rules: { ...rules, 'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true, IIFEs: true }] },
  },
  {
    files: ['test/**/*.ts'],
    languageOptions: typed('./test/tsconfig.json'),
    plugins: { '@typescript-eslint': plugin },
    rules: { ...rules, '@typescript-eslint/only-throw-error': 'off' },
  },
];
