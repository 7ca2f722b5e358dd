// Runs `keystrel serve` with the arguments given, on a data directory that it makes when there is
// none, and prints three commands to try once the server is ready.
//
// For the convenience of later starts the first access key stays in a file of mode 0600 in the data
// directory. That is for trying things out: `keystrel init` itself keeps it nowhere.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const cli = join(root, 'dist/cli/keystrel.js');
const args = process.argv.slice(2);

/** The value of `--name VALUE` or `--name=VALUE` among the arguments. */
function argument(name) {
  const index = args.findIndex((text) => text === name || text.startsWith(`${name}=`));
  if (index === -1) return undefined;
  return args[index] === name ? args[index + 1] : args[index].slice(name.length + 1);
}

const dev = args.includes('--dev');
const data = resolve(argument('--data') ?? process.env.KEYSTREL_DATA ?? join(root, 'data'));
const keyFile = join(data, 'first-access-key.json');

/** The first access key; undefined where it was made by other means. */
function credentials() {
  if (dev) {
    return { region: 'us-east-1', accessKeyId: '000000000000', secretAccessKey: 'any' };
  }
  if (!existsSync(join(data, 'keystrel.db'))) {
    const made = execFileSync(process.execPath, [cli, 'init', '--data', data, '--json'], {
      encoding: 'utf8',
    });
    writeFileSync(keyFile, made, { mode: 0o600, flag: 'wx' });
    console.log(`made ${data}; its root key and first access key are in files of mode 0600 there:`);
    console.log(
      'good for trying things out. For more, use keystrel init and keep the key elsewhere.',
    );
    return JSON.parse(made);
  }
  return existsSync(keyFile) ? JSON.parse(readFileSync(keyFile, 'utf8')) : undefined;
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function commands(endpoint, { region, accessKeyId, secretAccessKey }) {
  const env = [
    `AWS_ACCESS_KEY_ID=${quoted(accessKeyId)}`,
    `AWS_SECRET_ACCESS_KEY=${quoted(secretAccessKey)}`,
    `AWS_REGION=${region}`,
    `AWS_DEFAULT_REGION=${region}`,
  ].join(' ');
  const sdk =
    'import { KMS } from "@aws-sdk/client-kms"; ' +
    `const kms = new KMS({ endpoint: "${endpoint}" }); ` +
    'const { KeyMetadata } = await kms.createKey({}); ' +
    'const { CiphertextBlob } = await kms.encrypt({ KeyId: KeyMetadata.KeyId, Plaintext: Buffer.from("hello") }); ' +
    'console.log(Buffer.from((await kms.decrypt({ CiphertextBlob })).Plaintext).toString());';
  return [
    ['AWS CLI', `${env} aws kms create-key --description 'first key' --endpoint-url ${endpoint}`],
    ['SDK', `cd ${quoted(root)} && ${env} node --input-type=module -e ${quoted(sdk)}`],
    [
      'curl',
      `curl -sS --aws-sigv4 aws:amz:${region}:kms --user ${quoted(`${accessKeyId}:${secretAccessKey}`)} ` +
        "-H 'Content-Type: application/x-amz-json-1.1' -H 'X-Amz-Target: TrentService.GenerateRandom' " +
        `-d '{"NumberOfBytes":32}' ${endpoint}/`,
    ],
  ];
}

function greet(endpoint, known) {
  if (known === undefined) {
    console.log(`No access key is kept in ${data}; keystrel access-key create makes one.`);
    return;
  }
  console.log(`
endpoint           ${endpoint}
region             ${known.region}
access key id      ${known.accessKeyId}
secret access key  ${known.secretAccessKey}

Three commands to try, in another shell:`);
  for (const [name, command] of commands(endpoint, known)) console.log(`\n# ${name}\n${command}`);
  console.log('\nCtrl-C stops the server.');
}

const known = credentials();
const place = dev || argument('--data') !== undefined ? [] : ['--data', data];
// Its first line says how node is to run it, for shells.
const [firstLine] = readFileSync(cli, 'utf8').split('\n', 1);
const nodeArguments = firstLine.split(' ').filter((word) => word.startsWith('--'));
const server = spawn(process.execPath, [...nodeArguments, cli, 'serve', ...place, ...args], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
let output = '';
server.stdout.on('data', (chunk) => {
  process.stdout.write(chunk);
  if (output.includes('\n')) return;
  output += chunk;
  const ready = /^ready (\S+)\n/.exec(output);
  if (ready !== null) greet(ready[1], known);
});
// Ctrl-C reaches the server by itself, as one of the terminal's group; kill of this process does not.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => server.kill('SIGTERM'));
server.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 128);
});
