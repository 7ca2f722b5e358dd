/** Text forms of peer addresses, RFC 5952. */
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { addressText, PeerAddresses } from '../../src/server/transports/peer-address.js';
import { openSocket, post, startTransport, until } from './rig.js';

const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));

it.each([
  ['7f000001', '127.0.0.1'],
  ['ffffffff', '255.255.255.255'],
  ['00000000000000000000000000000001', '::1'],
  ['00000000000000000000000000000000', '::'],
  ['00000000000000000000ffff0a000102', '10.0.1.2'],
  ['20010db8000000000000000000000001', '2001:db8::1'],
  ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
  ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
  ['fe80000000000000000000000000abcd', 'fe80::abcd'],
  ['20010db8000100000000000000000000', '2001:db8:1::'],
  ['', ''],
])('%s is %s', (bytes, text) => {
  expect(addressText(hex(bytes))).toBe(text);
  expect(addressText(hex(bytes))).toBe(text);
});

it('stays right past its cache', () => {
  for (let i = 0; i < 3_000; i++) {
    expect(addressText(new Uint8Array([10, 0, i >> 8, i & 255]))).toBe(`10.0.${i >> 8}.${i & 255}`);
  }
});

it('asks for the address only where it may differ', () => {
  const peers = new PeerAddresses();
  let asked = 0;
  const peer = (last: number) => ({
    getRemoteAddress: () => {
      asked++;
      return new Uint8Array([10, 0, 0, last]).buffer;
    },
  });
  const [one, two] = [peer(1), peer(2)];
  peers.opened(one);
  peers.opened(one);
  expect([peers.of(one), peers.of(one), asked]).toEqual(['10.0.0.1', '10.0.0.1', 2]);
  peers.opened(two);
  expect([peers.of(one), peers.of(two), asked]).toEqual(['10.0.0.1', '10.0.0.2', 5]);
  peers.closed();
  // Which one closed is not known: both are still asked.
  expect([peers.of(one), peers.of(two), asked]).toEqual(['10.0.0.1', '10.0.0.2', 7]);
  peers.closed();
  peers.closed();
  expect(peers.open()).toBe(0);
  peers.opened(two);
  expect([peers.of(two), asked]).toEqual(['10.0.0.2', 8]);
});

it.each(['127.0.0.1', '127.0.0.2'])('a real connection from %s is told as such', async (local) => {
  const rig = await startTransport('uws');
  const other = await openSocket(rig.port);
  const socket = connect({ port: rig.port, host: '127.0.0.1', localAddress: local });
  socket.write(post('{}'));
  await until(() => rig.requests.length === 1);
  expect(rig.requests[0]!.remoteAddress).toBe(local);
  other.write(post('{}'));
  await until(() => rig.requests.length === 2);
  expect(rig.requests[1]!.remoteAddress).toBe('127.0.0.1');
  socket.destroy();
  other.destroy();
  await rig.transport.close(100);
});
