// SPDX-License-Identifier: Apache-2.0
// The leak hunt's own instruments: each form is found wherever it begins, across the borders of pieces, and nothing that only
// looks alike; captured traffic is put together as its receiver saw it.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { coreTrap } from './support/leak/cores.mjs';
import { lookAtFile, lookAtFolder, lookAtMemory, lookAtOpenFiles, processTree, swapAreas } from './support/leak/places.mjs';
import { Search, SHORTEST, formsOf } from './support/leak/search.mjs';
import { payloads, recordSocket } from './support/leak/traffic.mjs';

const TEXT = { name: 'family', text: 'Zoë Kanarienvogel/7' };
const QUOTED = { name: 'note', text: 'says "quoted \\ cut/\u00fcber"' };
const GREYS = { name: 'pixels', greys: Buffer.from([12, 200, 7, 99, 180, 33, 250, 1, 64, 128, 77, 219, 5, 91, 143, 166]) };
const BYTES = { name: 'key', bytes: Buffer.from('8f1b22c37d905ea6411cf0', 'hex') };
const search = new Search([TEXT, QUOTED, GREYS, BYTES]);

/** Written by hand, independently of the code that makes the patterns. */
const WRITTEN = {
  'UTF-8': Buffer.from('Zoë Kanarienvogel/7'),
  'lower case': Buffer.from('zoë kanarienvogel/7'),
  'without accents': Buffer.from('zoe kanarienvogel/7'),
  'ISO 8859-1': Buffer.from('5a6feb204b616e617269656e766f67656c2f37', 'hex'),
  hex: Buffer.from('5a6fc3ab204b616e617269656e766f67656c2f37'),
  'HEX': Buffer.from('5A6FC3AB204B616E617269656E766F67656C2F37'),
  'UTF-16LE': Buffer.from('5a006f00eb0020004b0061006e0061007200690065006e0076006f00670065006c002f003700', 'hex'),
  'UTF-16BE': Buffer.from('005a006f00eb0020004b0061006e0061007200690065006e0076006f00670065006c002f0037', 'hex'),
  'JSON, all escaped': Buffer.from('\\u005a\\u006f\\u00eb\\u0020\\u004b\\u0061\\u006e\\u0061\\u0072\\u0069\\u0065\\u006e\\u0076\\u006f\\u0067\\u0065\\u006c\\u002f\\u0037'),
  'JSON, all escaped, upper case': Buffer.from('\\u005A\\u006F\\u00EB\\u0020\\u004B\\u0061\\u006E\\u0061\\u0072\\u0069\\u0065\\u006E\\u0076\\u006F\\u0067\\u0065\\u006C\\u002F\\u0037'),
  'JSON, ASCII kept': Buffer.from('Zo\\u00eb Kanarienvogel/7'),
  'JSON, ASCII kept, upper case': Buffer.from('Zo\\u00EB Kanarienvogel/7'),
  'JSON, quotes escaped': Buffer.from('says \\"quoted \\\\ cut/\u00fcber\\"'),
  'JSON, quotes and slashes escaped': Buffer.from('says \\"quoted \\\\ cut\\/\u00fcber\\"'),
  'JSON, quotes and others escaped': Buffer.from('says \\"quoted \\\\ cut/\\u00fcber\\"'),
  'percent-encoded': Buffer.from('Zo%C3%AB%20Kanarienvogel%2F7'),
  'percent-encoded, lower case': Buffer.from('Zo%c3%ab%20Kanarienvogel%2f7'),
  'percent-encoded, + for space': Buffer.from('Zo%C3%AB+Kanarienvogel%2F7'),
  'JSON integers': Buffer.from('12,200,7,99,180,33,250,1,64,128,77,219,5,91,143,166'),
  'JSON fractions, spaced': Buffer.from('12.0, 200.0, 7.0, 99.0, 180.0, 33.0, 250.0, 1.0, 64.0, 128.0, 77.0, 219.0, 5.0, 91.0, 143.0, 166.0'),
  'greys as 16-bit': Buffer.from('0c00c80007006300b4002100fa000100400080004d00db0005005b008f00a600', 'hex'),
  'greys as FP32': Buffer.from('0000404100004843' + '0000e0400000c64200003443000004420000' + '7a430000803f000080420000004300009a4200005b430000a0400000b64200000f4300002643', 'hex'),
};

describe('forms', () => {
  for (const [name, bytes] of Object.entries(WRITTEN)) {
    test(`${name} is found, at the right place`, () => {
      const padded = Buffer.concat([randomBytes(1000), bytes, randomBytes(1000)]);
      assert.ok(search.all(padded).some((found) => found.at === 1000), JSON.stringify(search.all(padded)));
    });
    test(`${name} with one byte changed is not`, () => {
      for (let at = 0; at < bytes.length; at++) {
        const near = Buffer.concat([Buffer.alloc(50), bytes, Buffer.alloc(50)]);
        near[50 + at] ^= 0x80;
        assert.deepEqual(search.all(near).filter((found) => found.at <= 50 + at && found.at >= 50), [], `byte ${at}`);
      }
    });
  }

  test('base64 in both alphabets, with anything before and behind', () => {
    for (const value of [TEXT, GREYS, BYTES]) {
      const plain = value.text !== undefined ? Buffer.from(value.text) : value.greys ?? value.bytes;
      for (let before = 0; before < 6; before++) {
        for (let behind = 0; behind < 4; behind++) {
          for (const alphabet of ['base64', 'base64url']) {
            const text = Buffer.concat([randomBytes(before), plain, randomBytes(behind)]).toString(alphabet);
            assert.ok(search.all(Buffer.from(`"${text}"`)).some((found) => found.name === value.name), `${value.name}, ${alphabet}, ${before} before, ${behind} behind`);
          }
        }
      }
    }
  });

  test('the alphabets differ in the test, so that both are needed', () => {
    const other = { name: 'other', bytes: Buffer.from('fbefbefffffbefbefffffbef', 'hex') };
    const both = new Search([other]);
    assert.match(other.bytes.toString('base64'), /[+/]/);
    for (const alphabet of ['base64', 'base64url']) assert.equal(both.all(Buffer.from(other.bytes.toString(alphabet))).length, 1);
  });

  test('a value too short to be told from chance is refused', () => {
    assert.throws(() => formsOf({ name: 'short', text: 'Smith' }), /fewer than 8/);
    assert.equal(SHORTEST, 8);
  });
});

describe('pieces', () => {
  test('what lies across the border of two pieces is found, once, wherever the border is', () => {
    for (const [name, bytes] of Object.entries(WRITTEN)) {
      const whole = Buffer.concat([Buffer.alloc(300), bytes, Buffer.alloc(300)]);
      for (let border = 300; border <= 300 + bytes.length; border++) {
        const stream = search.stream();
        stream.push(whole.subarray(0, border));
        stream.push(whole.subarray(border));
        const there = stream.found.filter((found) => found.at === 300);
        assert.equal(there.length, search.all(whole).filter((found) => found.at === 300).length, `${name}, border ${border}`);
        assert.ok(there.length > 0);
        assert.equal(stream.size, whole.length);
      }
    }
  });
  test('also byte by byte', () => {
    const stream = search.stream();
    for (const byte of Buffer.concat([Buffer.alloc(9), WRITTEN['UTF-8'], Buffer.alloc(9)])) stream.push(Buffer.from([byte]));
    assert.deepEqual(stream.found, [{ name: 'family', form: 'raw', at: 9 }]);
  });
  test('every one of many in one buffer', () => {
    const parts = Array.from({ length: 100 }, () => Buffer.concat([WRITTEN['UTF-8'], randomBytes(50)]));
    assert.equal(search.all(Buffer.concat(parts)).filter((found) => found.form === 'raw').length, 100);
  });
});

test('megabytes of random bytes, zeros and text hold nothing', () => {
  assert.deepEqual(search.all(randomBytes(4 << 20)), []);
  assert.deepEqual(search.all(Buffer.alloc(4 << 20)), []);
  assert.deepEqual(search.all(Buffer.from('Kanarienvogel/8 Zoe Kanarienvogel '.repeat(10000))), []);
});

describe('captured traffic', () => {
  /** A pcap file of TCP segments `[sequence, bytes, port]`, over Ethernet and IPv4 or IPv6. */
  function pcapOf(segments, { v6 = false } = {}) {
    const head = Buffer.alloc(24);
    head.writeUInt32LE(0xa1b2c3d4, 0);
    head.writeUInt32LE(1, 20);
    const packets = segments.flatMap(([sequence, bytes, port = 4000]) => {
      const tcp = Buffer.alloc(20);
      tcp.writeUInt16BE(port, 0);
      tcp.writeUInt16BE(443, 2);
      tcp.writeUInt32BE(sequence >>> 0, 4);
      tcp[12] = 5 << 4;
      const size = 20 + bytes.length;
      const ip = Buffer.alloc(v6 ? 40 : 20);
      if (v6) { ip[0] = 0x60; ip.writeUInt16BE(size, 4); ip[6] = 6; } else { ip[0] = 0x45; ip.writeUInt16BE(20 + size, 2); ip[9] = 6; }
      const ethernet = Buffer.alloc(14);
      ethernet.writeUInt16BE(v6 ? 0x86dd : 0x0800, 12);
      const frame = Buffer.concat([ethernet, ip, tcp, bytes]);
      const record = Buffer.alloc(16);
      record.writeUInt32LE(frame.length, 8);
      record.writeUInt32LE(frame.length, 12);
      return [record, frame];
    });
    return Buffer.concat([head, ...packets]);
  }
  const joined = (pcap) => payloads(pcap).map((stream) => stream.toString());

  test('segments are joined in the order of their numbers, in both versions of IP', () => {
    for (const v6 of [false, true])
      assert.deepEqual(joined(pcapOf([[100, Buffer.from('Kanarien')], [111, Buffer.from('gel')], [108, Buffer.from('vo-')]], { v6 })), ['Kanarienvo-gel']);
  });
  test('repeated and overlapping segments count once; each connection is a stream of its own', () => {
    assert.deepEqual(joined(pcapOf([[100, Buffer.from('Kanari')], [100, Buffer.from('Kanari')], [103, Buffer.from('arienvogel')], [100, Buffer.from('other'), 4001]])), ['Kanarienvogel', 'other']);
  });
  test('numbers may wrap around', () => {
    assert.deepEqual(joined(pcapOf([[0xfffffffc, Buffer.from('Kana')], [0, Buffer.from('rienvogel')]])), ['Kanarienvogel']);
  });
  test('a value in two packets is found in the joined stream alone', () => {
    const pcap = pcapOf([[1, Buffer.from('... Zoë Kanari')], [1 + Buffer.byteLength('... Zoë Kanari'), Buffer.from('envogel/7 ...')]]);
    assert.deepEqual(search.all(pcap), []);
    assert.equal(payloads(pcap).flatMap((stream) => search.all(stream)).length, 1);
  });
  test('a gap is not joined over', () => {
    assert.deepEqual(joined(pcapOf([[100, Buffer.from('Kanari')], [110, Buffer.from('envogel')]])), ['Kanari', 'envogel']);
  });
  test('what is not a capture is refused', () => assert.throws(() => payloads(Buffer.alloc(100)), /capture/));
});

describe('places', () => {
  let folder;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'lazaret-places-'))));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const planted = WRITTEN['UTF-8'];
  const names = (look) => look.found.map(({ name, form, at }) => `${name} ${form} ${at}`);

  test('a swap area of the form that the kernel writes: a value in any page, also across the pieces in which it is read', () => {
    const area = join(folder, 'swap');
    const image = Buffer.alloc(9 << 20);
    image.write('SWAPSPACE2', 4086, 'latin1');
    const places = [4096 * 7 + 123, (4 << 20) - 5, (8 << 20) - planted.length + 1];
    for (const at of places) planted.copy(image, at);
    writeFileSync(area, image);
    assert.deepEqual(names(lookAtFile(search, area)), places.map((at) => `family raw ${at}`));
  });
  test('the kernel\'s list of swap areas', () => {
    const head = 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n';
    assert.deepEqual(swapAreas(head), []);
    assert.deepEqual(swapAreas(`${head}/dev/dm-1                               partition\t999420\t\t0\t\t-2\n/a\\040b/swap file\t1\t0\t-3\n`), ['/dev/dm-1', '/a b/swap']);
  });
  test('a folder: contents and names, in all depths; not what is older, excepted, or only linked to', () => {
    const root = join(folder, 'root');
    for (const name of ['a/b', 'old', 'not']) mkdirSync(join(root, name), { recursive: true });
    writeFileSync(join(root, 'a/b/deep'), planted);
    writeFileSync(join(root, 'not/this'), planted);
    symlinkSync('/dev/zero', join(root, 'endless'));
    const look = lookAtFolder(search, root, { except: [join(root, 'not')] });
    assert.deepEqual(look.found.map((found) => found.where), [join(root, 'a/b/deep')]);
    writeFileSync(join(root, encodeURIComponent(TEXT.text)), '');
    assert.ok(lookAtFolder(search, root).found.some((found) => found.where.startsWith('the name of')));
    assert.deepEqual(lookAtFolder(search, root, { since: Date.now() + 60000 }).files, []);
  });
  test('an open file that has no name any more', () => {
    const path = join(folder, 'short-lived');
    writeFileSync(path, planted);
    const file = openSync(path, 'r');
    assert.deepEqual(lookAtOpenFiles(search, process.pid, 'this').found, []);
    rmSync(path);
    assert.equal(lookAtOpenFiles(search, process.pid, 'this').found.length, 1);
    closeSync(file);
  });

  /** A process that has the value in its memory, and waits. */
  async function holder(value, options) {
    const child = spawn('sh', ['-c', 'echo there; read line', 'sh', value], { stdio: ['pipe', 'pipe', 'ignore'], ...options });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    return child;
  }
  test('the memory of a process', async () => {
    for (const [value, expected] of [[planted, true], ['Zoe Kanarienfogel', false]]) {
      const child = await holder(value.toString());
      const look = lookAtMemory(search, child.pid, 'the holder');
      assert.ok(look.bytes > 4096);
      assert.equal(look.found.length > 0, expected);
      child.kill();
    }
  });
  test('the descendants of a process', async () => {
    const child = spawn('sh', ['-c', 'sh -c "echo there; read line; :"; :'], { stdio: ['pipe', 'pipe', 'ignore'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    assert.deepEqual(processTree(child.pid).map(({ depth, command }) => `${depth} ${command}`), ['0 sh', '1 sh']);
    assert.ok(!processTree(child.pid).some(({ pid }) => pid === process.pid));
    child.stdin.end();
  });
  test('a core that the kernel writes', async (context) => {
    const trap = coreTrap(join(folder, 'cores'));
    if (trap.reason) return context.skip(trap.reason);
    const where = join(folder, 'where');
    mkdirSync(where);
    chmodSync(where, 0o777);
    try {
      for (const signal of ['SIGABRT', 'SIGSEGV', 'SIGQUIT']) {
        const core = await trap.dump((await holder(planted.toString(), { cwd: where })).pid, signal);
        assert.ok(core, `${signal} left no core`);
        assert.ok(lookAtFile(search, core).found.length > 0);
      }
      assert.equal(await trap.dump((await holder(planted.toString(), { cwd: where })).pid, 'SIGTERM'), null);
    } finally {
      trap.close();
    }
  });
  test('a recorder before a socket passes everything on, both ways, and keeps it', async () => {
    const target = join(folder, 'target.sock');
    const server = net.createServer((socket) => socket.on('data', (bytes) => socket.end(Buffer.concat([Buffer.from('answer '), bytes]))));
    await new Promise((resolve) => server.listen(target, resolve));
    const recorder = await recordSocket(join(folder, 'recorded.sock'), target, join(folder, 'recorded'));
    const answer = await new Promise((resolve) => {
      const socket = net.connect(join(folder, 'recorded.sock'));
      const pieces = [];
      socket.on('data', (bytes) => pieces.push(bytes));
      socket.on('end', () => resolve(Buffer.concat(pieces).toString()));
      socket.write('question');
    });
    assert.equal(answer, 'answer question');
    assert.deepEqual(recorder.streams().map(String).sort(), ['answer question', 'question']);
    await recorder.stop();
    server.close();
  });
});
