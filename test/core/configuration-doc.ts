/** Renders docs/configuration.md from the table of settings. */
import { SETTINGS, type Setting } from '../../src/core/config.js';

function row(setting: Setting): string {
  const value = setting.argument === undefined ? '' : ` ${setting.argument.replaceAll('|', '\\|')}`;
  const cells = [
    `\`${setting.path}\``,
    `\`${setting.flag}${value}\``,
    `\`${setting.env}\``,
    setting.fallback.replaceAll('|', '\\|'),
    setting.text,
  ];
  return `| ${cells.join(' | ')} |`;
}

export function configurationDoc(): string {
  return `# Configuration

Generated from \`src/core/config.ts\`; a test fails when this page differs (\`UPDATE_DOCS=1\` with
that test writes it).

Each setting is taken from the first of: its flag, its environment variable, the YAML file of
\`--config FILE\` (or \`KEYSTREL_CONFIG\`), its default. In the file a dot is a level: \`tls.cert\` is
\`cert\` under \`tls\`. Unknown keys, flags and KEYSTREL_* variables are errors, and every error names
its setting. An empty variable is one that is not set. Paths are relative to the working directory.

| Setting | Flag | Variable | Default | Meaning |
|---|---|---|---|---|
${SETTINGS.map(row).join('\n')}

Read by the engine itself:

- \`KEYSTREL_CPU\` (\`ifma\`, \`avx2\` or \`generic\`) forces a class of CPU.
- \`KEYSTREL_BREAK_EVEN\` says from how many jobs the native engine runs a batch in place of single operations. Each CPU is measured once, after a start, for 300 ms at most; what was found is in \`break-even.json\` in the data directory (without one in \`$XDG_CACHE_HOME/keystrel\`), and \`keystrel status\` shows it. \`constants\` measures and reads nothing, \`measure\` measures afresh, rows such as \`p256-sign=4,rsa2048-private=3/2\` stand as given: jobs from which any are batched, and those left over after whole groups of eight from which they are too (\`never\` for no number).

A file that says the same as \`keystrel serve --data /var/lib/keystrel --listen 0.0.0.0:443\` with TLS:

\`\`\`yaml
data: /var/lib/keystrel
listen: 0.0.0.0:443
tls:
  cert: /etc/keystrel/cert.pem
  key: /etc/keystrel/key.pem
quota: /etc/keystrel/quota.yaml
\`\`\`

and its quota file, requests per second by the names of [quotas.md](quotas.md):

\`\`\`yaml
crypto-symmetric: 50000
CreateKey: 20
\`\`\`
`;
}
