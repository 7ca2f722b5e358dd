/** Both transports: what they hand over, what they refuse, their limits, aborts and ends. */
import { afterEach, describe, expect, it } from 'vitest';
import { LARGE_BODIES_BYTES_MAX } from '../../src/core/limits.js';
import type { HttpRequest } from '../../src/server/transport.js';
import {
  KINDS,
  LIMITS,
  openSocket,
  post,
  type Rig,
  rawExchange,
  startTransport,
  until,
} from './rig.js';

describe.each(Object.keys(KINDS) as (keyof typeof KINDS)[])('transport %s', (kind) => {
  let rig: Rig | undefined;

  async function start(options: Parameters<typeof startTransport>[1] = {}): Promise<Rig> {
    rig = await startTransport(kind, options);
    return rig;
  }

  afterEach(async () => {
    await rig?.transport.close(100);
    rig = undefined;
  });

  it('hands over method, path, query, headers and body', async () => {
    const { port, requests } = await start();
    const text =
      'PUT /a%20b?x=1&y= HTTP/1.1\r\nHost: kms\r\nX-One:  a b \r\nX-Two: 1\r\nX-TWO: 2\r\n' +
      'Content-Length: 3\r\n\r\nabc';
    const answer = await rawExchange(port, text);
    expect(answer.status).toBe(200);
    const request = requests[0]!;
    expect(request.method).toBe('PUT');
    expect(request.path).toBe('/a%20b');
    expect(request.query).toBe('x=1&y=');
    expect(request.header('x-one')).toBe('a b');
    expect(request.header('x-two')).toBe('1,2');
    expect(request.header('x-three')).toBe('');
    expect(Buffer.from(request.body).toString()).toBe('abc');
    expect(request.remoteAddress).toBe('127.0.0.1');
    expect(request.tls).toBe(false);
  });

  it('writes status, request id, content type and an exact length', async () => {
    const { port } = await start({
      onRequest: (request) =>
        request.reply({ status: 400, requestId: 'id-1', body: '{"__type":"X"}' }),
    });
    const { text } = await rawExchange(port, post('{}'));
    expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(text).toMatch(/\r\nx-amzn-RequestId: id-1\r\n/i);
    expect(text).toMatch(/\r\nContent-Type: application\/x-amz-json-1\.1\r\n/i);
    expect(text).toMatch(/\r\nContent-Length: 14\r\n/i);
    expect(text.endsWith('\r\n\r\n{"__type":"X"}')).toBe(true);
  });

  it('answers an empty body with Content-Length 0', async () => {
    const { port } = await start();
    const { text } = await rawExchange(port, post(''));
    expect(text).toMatch(/\r\nContent-Length: 0\r\n/i);
  });

  it('reads a body that comes byte by byte', async () => {
    const { port, requests } = await start();
    const socket = await openSocket(port);
    const body = '{"KeyId":"alias/slow"}';
    // uWS wants the whole request line (17 bytes of every KMS request) in one piece; see the ADR.
    const [line, ...rest] = post(body).split(/(?<=\r\n)/);
    for (const piece of [line!, ...rest.join('')]) {
      socket.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => requests.length === 1);
    expect(Buffer.from(requests[0]!.body).toString()).toBe(body);
    socket.destroy();
  });

  it('keeps a connection for several requests', async () => {
    const { port, transport, requests } = await start();
    const socket = await openSocket(port);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    for (let i = 1; i <= 3; i++) {
      socket.write(post(`body ${i}`));
      await until(() => text.includes(`body ${i}`));
    }
    expect(requests).toHaveLength(3);
    expect(transport.connections()).toBe(1);
    socket.destroy();
    await until(() => transport.connections() === 0);
  });

  it('hands over the requests of one turn from one callback', async () => {
    const turns: number[] = [];
    let turn = 0;
    const { port, transport } = await start({
      onRequest: (request) => {
        if (turns.length === 0 || turns.at(-1) !== turn) setImmediate(() => turn++);
        turns.push(turn);
        request.reply({ status: 200, requestId: '', body: '' });
      },
    });
    const sockets = await Promise.all(Array.from({ length: 16 }, () => openSocket(port)));
    await until(() => transport.connections() === 16);
    for (const socket of sockets) socket.write(post('{}'));
    await until(() => turns.length === 16);
    // The writes may straddle a few turns, but not sixteen.
    expect(new Set(turns).size).toBeLessThan(8);
    for (const socket of sockets) socket.destroy();
  });

  it.each([
    ['body', post('x'.repeat(LIMITS.bodyBytesMax + 1)), 413],
    ['header bytes', post('{}', `X-Big: ${'y'.repeat(LIMITS.headerBytesMax)}\r\n`), 431],
    [
      'headers',
      post('{}', Array.from({ length: LIMITS.headersMax }, (_, i) => `X-${i}: v\r\n`).join('')),
      431,
    ],
  ])('refuses too large a %s and closes', async (_what, bytes, status) => {
    const { port, requests, refused, transport } = await start();
    const answer = await rawExchange(port, bytes, 1_000);
    expect(answer.status).toBe(status);
    expect(answer.closed).toBe(true);
    expect(requests).toHaveLength(0);
    expect(refused).toEqual([status]);
    await until(() => transport.connections() === 0);
  });

  it('takes only so many bytes of large bodies at a time', async () => {
    const bodyBytesMax = LARGE_BODIES_BYTES_MAX / 4;
    const { port } = await start({
      limits: { ...LIMITS, bodyBytesMax },
      onRequest: (request) => {
        request.reply({ status: 200, requestId: '', body: `${request.body.length} bytes` });
      },
    });
    const large = post('x'.repeat(bodyBytesMax));
    const send = () => rawExchange(port, large, 5_000);
    const begun = await Promise.all(Array.from({ length: 4 }, () => openSocket(port)));
    for (const socket of begun) socket.write(large.slice(0, 1_000));
    // The fifth is refused once the heads of the four before it were read.
    let answer = await send();
    while (answer.status === 200) answer = await send();
    expect([answer.status, answer.closed]).toEqual([503, true]);
    expect((await rawExchange(port, post('small'))).text).toContain('5 bytes');
    begun.pop()!.destroy();
    while (answer.status === 503) answer = await send();
    expect(answer.text).toContain(`${bodyBytesMax} bytes`);
    for (const socket of begun) socket.destroy();
  });

  it('takes a body of exactly the limit', async () => {
    const { port, requests } = await start();
    const answer = await rawExchange(port, post('x'.repeat(LIMITS.bodyBytesMax)), 1_000);
    expect(answer.status).toBe(200);
    expect(requests[0]!.body.length).toBe(LIMITS.bodyBytesMax);
  });

  it('refuses connections past the limit and takes new ones when some have gone', async () => {
    const { port, transport } = await start({ limits: { ...LIMITS, connectionsMax: 4 } });
    const kept = await Promise.all(Array.from({ length: 4 }, () => openSocket(port)));
    await until(() => transport.connections() === 4);
    const extra = await rawExchange(port, post('{}'));
    expect(extra).toMatchObject({ status: 0, closed: true });
    expect(transport.connections()).toBeLessThanOrEqual(4);
    kept[0]!.destroy();
    await until(() => transport.connections() === 3);
    expect((await rawExchange(port, post('{}'))).status).toBe(200);
    for (const socket of kept) socket.destroy();
  });

  it('times a slow body out', async () => {
    const { port, transport, requests } = await start({
      limits: { ...LIMITS, bodyTimeoutMs: 600 },
    });
    const head = 'POST / HTTP/1.1\r\nHost: kms\r\nContent-Length: 100\r\n\r\nabc';
    const answer = await rawExchange(port, head, 4_000);
    expect(answer).toMatchObject({ status: 408, closed: true });
    expect(requests).toHaveLength(0);
    await until(() => transport.connections() === 0);
  });

  it('does not hand over a body that is completed after its time was out', async () => {
    const { port, transport, requests, refused } = await start({
      limits: { ...LIMITS, bodyTimeoutMs: 300 },
    });
    const socket = await openSocket(port);
    socket.on('error', () => undefined);
    socket.write('POST / HTTP/1.1\r\nHost: kms\r\nContent-Length: 4\r\n\r\nab');
    await until(() => refused.length === 1);
    socket.write('cd');
    await until(() => transport.connections() === 0);
    expect(requests).toHaveLength(0);
    socket.destroy();
  });

  it('does not let a trickled head hold a connection', { timeout: 40_000 }, async () => {
    const { port, transport } = await start();
    const socket = await openSocket(port);
    socket.on('error', () => undefined);
    const trickle = setInterval(() => socket.write('X'), 250);
    socket.write('POST / HTTP/1.1\r\nHost: kms\r\nX-Slow: ');
    await until(() => transport.connections() === 1);
    await until(() => transport.connections() === 0, 25_000);
    clearInterval(trickle);
    socket.destroy();
  });

  it('survives clients that leave at any moment', async () => {
    const held: HttpRequest[] = [];
    const { port, transport } = await start({ onRequest: (request) => void held.push(request) });
    const whole = post('{"KeyId":"k"}');
    for (let cut = 1; cut <= whole.length; cut += 3) {
      const socket = await openSocket(port);
      socket.write(whole.slice(0, cut));
      await new Promise((resolve) => setImmediate(resolve));
      if (cut % 2 === 0) socket.resetAndDestroy();
      else socket.destroy();
    }
    const socket = await openSocket(port);
    socket.write(whole);
    await until(() => held.length > 0);
    socket.resetAndDestroy();
    await until(() => transport.connections() === 0);
    await until(() => held.every((request) => request.aborted()));
    // Replies after the abort, twice: nothing may happen.
    for (const request of held) {
      request.reply({ status: 200, requestId: '', body: 'late' });
      request.reply({ status: 200, requestId: '', body: 'later' });
    }
    expect(held.length).toBeGreaterThan(0);
  });

  it('sends one reply only', async () => {
    const { port } = await start({
      onRequest: (request) => {
        request.reply({ status: 200, requestId: '', body: 'first' });
        request.reply({ status: 500, requestId: '', body: 'second' });
      },
    });
    const { statuses, text } = await rawExchange(port, post('{}'));
    expect(statuses).toEqual([200]);
    expect(text).not.toContain('second');
  });

  it('closes after a reply that asks for it', async () => {
    const { port } = await start({
      onRequest: (request) => request.reply({ status: 200, requestId: '', body: '', close: true }),
    });
    const answer = await rawExchange(port, post('{}'), 2_000);
    expect(answer).toMatchObject({ status: 200, closed: true });
    expect(answer.text.match(/^connection: close\r$/gim)).toHaveLength(1);
  });

  it('drains: refuses new connections, finishes what is in flight', async () => {
    const held: HttpRequest[] = [];
    const { port, transport } = await start({ onRequest: (request) => void held.push(request) });
    const pending = rawExchange(port, post('{}'), 5_000);
    await until(() => held.length === 1);
    const closing = transport.close(5_000);
    await expect(openSocket(port)).rejects.toThrow(/ECONNREFUSED|ECONNRESET/);
    held[0]!.reply({ status: 200, requestId: '', body: 'finished' });
    await closing;
    const answer = await pending;
    expect(answer.text).toContain('finished');
    expect(answer.closed).toBe(true);
    expect(transport.connections()).toBe(0);
  });

  it('stops waiting after the grace period', async () => {
    const held: HttpRequest[] = [];
    const { port, transport } = await start({ onRequest: (request) => void held.push(request) });
    const pending = rawExchange(port, post('{}'), 5_000);
    await until(() => held.length === 1);
    const before = performance.now();
    await transport.close(200);
    expect(performance.now() - before).toBeLessThan(2_000);
    expect((await pending).status).toBe(0);
    held[0]!.reply({ status: 200, requestId: '', body: 'late' });
  });

  it('rejects a port that is taken', async () => {
    const { port } = await start();
    await expect(startTransport(kind, { port })).rejects.toThrow(/listen|EADDRINUSE/);
  });
});
