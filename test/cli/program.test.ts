/** The program as it is shipped: what each command prints, makes and refuses. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { SETTINGS } from '../../src/core/config.js';
import { initialiseData, type SpawnedServer, spawnServer } from '../harness.js';
import { mustCall } from '../operations/named-keys.js';
import { httpGet } from '../raw-client.js';

const CLI = fileURLToPath(new URL('../../dist/cli/keystrel.js', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'keystrel-program-'));
let server: SpawnedServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});
afterAll(() => rmSync(directory, { recursive: true }));

let places = 0;
function place(): string {
  places += 1;
  return join(directory, `data-${places}`);
}

function keystrel(
  args: readonly string[],
  env: Record<string, string> = {},
): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [CLI, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    timeout: 30_000,
  });
}

/** What a command that must fail said: nothing on stdout, one line on stderr. */
function refusal(args: readonly string[], env: Record<string, string> = {}): string {
  const run = keystrel(args, env);
  expect([run.status, run.stdout]).toEqual([1, '']);
  expect(run.stderr).toMatch(/^keystrel: [^\n]+\n$/);
  return run.stderr.slice('keystrel: '.length, -1);
}

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe('keystrel', () => {
  test('runs by its first line, with the options that it names there', () => {
    const run = spawnSync(CLI, ['version'], { encoding: 'utf8' });
    expect([run.status, run.stderr]).toEqual([0, '']);
    const [first] = readFileSync(CLI, 'utf8').split('\n', 1);
    const options = first!.split(' ').filter((word) => word.startsWith('--'));
    expect(options).toHaveLength(2);
    const heap = 'require("v8").getHeapSpaceStatistics().find((s) => s.space_name === "new_space")';
    const filled = `const kept = []; for (let i = 0; i < 4e6; i++) kept[i & 1023] = { i };`;
    const script = `${filled} console.log(${heap}.space_size)`;
    const node = spawnSync(process.execPath, [...options, '-e', script], { encoding: 'utf8' });
    expect(Number(node.stdout)).toBeLessThanOrEqual(8 * 1024 * 1024);
    expect(Number(node.stdout)).toBeGreaterThan(0);
  });

  test('version', () => {
    const { version } = JSON.parse(
      readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    ) as { version: string };
    for (const args of [['version'], ['--version']]) {
      expect(keystrel(args)).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
    }
  });

  test('--help names every command, serve --help every setting with its variable', () => {
    const help = keystrel(['--help']).stdout;
    for (const name of ['init', 'serve', 'status', 'version', 'access-key']) {
      expect(help).toContain(`  ${name}`);
    }
    const serve = keystrel(['serve', '--help']);
    expect(serve.status).toBe(0);
    const text = serve.stdout.replaceAll(/\s+/g, ' ');
    for (const { flag, env, argument } of SETTINGS) {
      expect(text).toContain(argument === undefined ? flag : `${flag} <${argument}>`);
      expect(text).toContain(env);
    }
    expect(text).toContain('--config');
  });

  test('refuses unknown commands and flags', () => {
    expect(refusal(['sevre'])).toMatch(/unknown command/);
    expect(refusal(['serve', '--lisen', 'x'])).toMatch(/unknown option '--lisen'/);
    expect(refusal(['serve', '--listen'])).toMatch(/argument missing/);
    expect(keystrel([]).stderr).toMatch(/^Usage: keystrel [\s\S]*help \[command\][^\n]*\n$/);
  });

  test('ends quietly when its reader goes away, and not in silence on a full disk', () => {
    const shell = (line: string) => spawnSync('bash', ['-c', line], { encoding: 'utf8' });
    const help = `${process.execPath} ${CLI} serve --help`;
    expect(shell(`${help} | head -n 1`)).toMatchObject({ stderr: '' });
    const full = shell(`${process.execPath} ${CLI} version >/dev/full`);
    expect(full).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^keystrel: .*ENOSPC\n$/),
    });
  });
});

describe('init', () => {
  test('--json prints the four facts and nothing else; the directory is private', () => {
    const data = place();
    const run = keystrel([
      'init',
      '--data',
      data,
      '--region',
      'eu-west-3',
      '--account',
      '123456789012',
      '--json',
    ]);
    expect([run.status, run.stderr]).toEqual([0, '']);
    const made = JSON.parse(run.stdout) as Record<string, string>;
    expect(Object.keys(made)).toEqual(['account', 'region', 'accessKeyId', 'secretAccessKey']);
    expect(made).toMatchObject({ account: '123456789012', region: 'eu-west-3' });
    expect(made.accessKeyId).toMatch(/^AKIA[A-Z2-7]{16}$/);
    expect(made.secretAccessKey).toMatch(/^[A-Za-z0-9+/]{40}$/);
    expect([mode(data), mode(join(data, 'root.key'))]).toEqual(['700', '600']);
    for (const name of readdirSync(data)) {
      expect(readFileSync(join(data, name)).includes(made.secretAccessKey!)).toBe(false);
    }
  });

  test('draws an account, and shows the secret once to people', () => {
    const [one, other] = [place(), place()].map(
      (data) => keystrel(['init', '--data', data]).stdout,
    );
    const account = (text: string) => /^account +(\d{12})$/m.exec(text)?.[1];
    expect(account(one!)).toBeDefined();
    expect(account(one!)).not.toBe(account(other!));
    expect(one).toMatch(/^secret access key +\S{40}$/m);
  });

  test('refuses a directory that is not empty, and leaves it as it is', () => {
    const data = place();
    keystrel(['init', '--data', data]);
    const before = readFileSync(join(data, 'root.key'));
    expect(refusal(['init', '--data', data])).toMatch(/^data: .*not empty/);
    expect(readFileSync(join(data, 'root.key')).equals(before)).toBe(true);
  });

  test('leaves nothing behind when it fails', () => {
    const data = place();
    const passphrase = ['--seal-kind', 'passphrase', '--seal-passphrase-file', '/no/such/file'];
    expect(refusal(['init', '--data', data, ...passphrase])).toContain('/no/such/file');
    expect(existsSync(data) ? readdirSync(data) : []).toEqual([]);
  });

  test('refuses to guess: no directory, no passphrase', () => {
    expect(refusal(['init'])).toMatch(/^data: /);
    const text = refusal(['init', '--data', place(), '--seal-kind', 'passphrase']);
    expect(text).toMatch(/^seal\.passphraseFile: /);
    const short = refusal(
      ['init', '--data', place(), '--seal-kind', 'passphrase', '--seal-passphrase-env', 'SHORT'],
      { SHORT: 'too short' },
    );
    expect(short).toMatch(/shorter than 12/);
    expect(short).not.toContain('too short');
  });
});

describe('the passphrase seal', () => {
  const passphrase = 'correct horse battery staple';
  const file = join(directory, 'passphrase');
  writeFileSync(file, `${passphrase}\n`, { mode: 0o600 });

  test('opens with the passphrase from a file or a variable, and with no other', async () => {
    const data = place();
    const seal = ['--seal-kind', 'passphrase', '--seal-passphrase-file', file];
    const run = keystrel(['init', '--data', data, '--json', ...seal]);
    const { account, region, ...credentials } = JSON.parse(run.stdout);
    const made = { path: data, account, region, credentials, remove: () => undefined };
    const args = ['--seal-passphrase-env', 'MY_PASSPHRASE'];
    server = await spawnServer({
      data: made,
      quota: 'off',
      args,
      env: { MY_PASSPHRASE: passphrase },
    });
    await mustCall(server, 'CreateKey', {});
    const serve = ['serve', '--data', data, '--listen', '127.0.0.1:0', '--admin-listen', 'off'];
    const wrong = refusal([...serve, ...args], { MY_PASSPHRASE: 'some other passphrase' });
    expect(wrong).toMatch(/passphrase is wrong/);
    expect(refusal(serve)).toMatch(/^seal\.passphraseFile: /);
    expect(refusal([...serve, '--seal-kind', 'file'])).toMatch(/^seal\.kind: .*passphrase/);
  });
});

describe('serve', () => {
  const listen = ['--listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0'];

  test('prints one line on stdout, answers, and its admin listener is green', async () => {
    server = await spawnServer({ quota: 'off' });
    expect(server.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await mustCall(server, 'ListKeys', {});
    for (const probe of ['healthz', 'readyz', 'livez']) {
      expect((await httpGet(`${server.adminEndpoint}/${probe}`)).status).toBe(200);
    }
    const metrics = await httpGet(`${server.adminEndpoint}/metrics`);
    expect(metrics.text).toContain(
      'keystrel_requests_total{operation="ListKeys",region="eu-central-1",code="OK"} 1',
    );
    expect(server.log()).not.toContain('DEVELOPMENT');
  });

  test('says so loudly in development mode, which needs no data directory', async () => {
    const data = { ...initialiseData(), remove: () => undefined };
    server = await spawnServer({ data, args: ['--dev'], env: { KEYSTREL_DATA: '' } });
    expect(server.log()).toContain('DEVELOPMENT MODE');
    rmSync(data.path, { recursive: true });
  });

  test('refuses development mode on an address that others reach', () => {
    expect(refusal(['serve', '--dev', '--listen', '0.0.0.0:0'])).toMatch(/^listen: .*loopback/);
  });

  test('refuses what is wrong, by name', () => {
    const data = initialiseData();
    const serve = ['serve', '--data', data.path, ...listen];
    expect(refusal(['serve', ...listen])).toMatch(/^data: /);
    expect(refusal(['serve', '--data', place(), ...listen])).toMatch(/^data: .*keystrel init/);
    expect(refusal([...serve, '--quota', join(directory, 'passphrase')])).toMatch(/^quota/);
    const quota = join(directory, 'quota.yaml');
    writeFileSync(quota, 'NoSuchOperation: 5\n');
    expect(refusal([...serve, '--quota', quota])).toMatch(/^quota: .*NoSuchOperation/);
    expect(refusal([...serve, '--region', 'us-west-1'])).toMatch(/^region: /);
    expect(refusal([...serve, '--account', '000000000001'])).toMatch(/^account: /);
    const tls = ['--tls-cert', '/no/cert.pem', '--tls-key', '/no/key.pem'];
    expect(refusal([...serve, ...tls])).toMatch(/^tls\.cert: \/no\/cert\.pem/);
    const text = ['--tls-cert', quota, '--tls-key', quota];
    expect(refusal([...serve, ...text])).toMatch(/^tls\.key: /);
    expect(refusal(serve, { KEYSTREL_LISTN: 'x' })).toMatch(/^KEYSTREL_LISTN: /);
    data.remove();
  });

  test('says which address is taken', async () => {
    server = await spawnServer({ quota: 'off' });
    const data = initialiseData();
    const taken = new URL(server.endpoint).host;
    const serve = ['serve', '--data', data.path];
    const main = refusal([...serve, '--listen', taken, '--admin-listen', 'off']);
    expect(main).toMatch(/^listen: /);
    expect(main).toContain(taken);
    const admin = new URL(server.adminEndpoint).host;
    const other = refusal([...serve, '--listen', '127.0.0.1:0', '--admin-listen', admin]);
    expect(other).toMatch(/^adminListen: /);
    expect(other).toContain(admin);
    data.remove();
  });
});

describe('status', () => {
  test.each(['native', 'node'])(
    'of the backend %s: a table for people, JSON for programs',
    (backend) => {
      const env = { KEYSTREL_BACKEND: backend };
      const run = keystrel(['status', '--json'], env);
      expect([run.status, run.stderr]).toEqual([0, '']);
      const report = JSON.parse(run.stdout);
      expect(report.algorithms.length).toBeGreaterThan(20);
      for (const { algorithm, backend: serves } of report.algorithms) {
        // What OpenSSL lacks has another implementation there.
        const isLacking = backend === 'node' && /^(ED25519_PH|ML_|SM2)/.test(algorithm);
        expect([algorithm, serves]).toEqual([algorithm, isLacking ? 'noble' : backend]);
      }
      expect(report.cpu).toBeTypeOf('string');
      const text = keystrel(['status'], env).stdout;
      expect(text).toContain(report.cpu);
      expect(text).toContain(report.cpuClass);
      for (const { algorithm, why } of report.algorithms) {
        expect(text).toContain(algorithm);
        expect(text).toContain(why);
      }
    },
  );
});

describe('access-key', () => {
  test('a new key signs, a disabled one does not, within a second and without a restart', async () => {
    server = await spawnServer({ quota: 'off' });
    const data = /"auditDirectory":"([^"]+)\/audit"/.exec(server.log())![1]!;
    const at = ['--data', data];
    const made = JSON.parse(
      keystrel(['access-key', 'create', '--user', 'ops', '--json', ...at]).stdout,
    );
    expect(made).toMatchObject({ account: server.account, region: server.region });
    const { accessKeyId, secretAccessKey } = made;
    const credentials = { accessKeyId, secretAccessKey };
    const list = () => server!.call('ListKeys', {}, { credentials });
    expect((await list()).status).toBe(200);
    const listed = JSON.parse(keystrel(['access-key', 'list', '--json', ...at]).stdout);
    expect(listed).toHaveLength(2);
    expect(listed).toContainEqual(
      expect.objectContaining({
        accessKeyId,
        active: true,
        principal: expect.stringMatching(/:user\/ops$/),
      }),
    );
    expect(JSON.stringify(listed)).not.toContain(secretAccessKey);
    expect(keystrel(['access-key', 'disable', accessKeyId, ...at]).stdout).toContain('disabled');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect((await list()).json.__type).toBe('UnrecognizedClientException');
    expect(keystrel(['access-key', 'enable', accessKeyId, ...at]).status).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect((await list()).status).toBe(200);
  });

  test('refuses ids that are none, and names that are none', () => {
    const data = initialiseData();
    const at = ['--data', data.path];
    expect(refusal(['access-key', 'disable', 'AKIAIOSFODNN7EXAMPLE', ...at])).toMatch(
      /no access key/,
    );
    expect(refusal(['access-key', 'create', '--user', 'a b', ...at])).toMatch(/user name/);
    expect(refusal(['access-key', 'create', '--service', 'S3', ...at])).toMatch(/named like s3/);
    expect(refusal(['access-key', 'create', '--user', 'a', '--service', 's3', ...at])).toMatch(
      /a user or a service, not both/,
    );
    data.remove();
  });
});
