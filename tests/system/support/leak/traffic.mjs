// SPDX-License-Identifier: Apache-2.0
// What passes between the parts: everything on the loopback interface (tcpdump), and what a Unix socket carries (a recorder that
// stands before it).
import { fork, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PCAP_MAGIC = 0xa1b2c3d4;
const LINK_ETHERNET = 1;
const TCP = 6;

/** The TCP part of an Ethernet frame: which way it goes, its sequence number, its bytes; null for anything else. */
function segmentOf(frame) {
  const type = frame.length >= 14 ? frame.readUInt16BE(12) : 0;
  const ip = frame.subarray(14);
  let head;
  let end;
  if (type === 0x0800 && ip.length >= 20 && ip[9] === TCP) {
    head = (ip[0] & 15) * 4;
    end = ip.readUInt16BE(2);
  } else if (type === 0x86dd && ip.length >= 40 && ip[6] === TCP) {
    head = 40;
    end = 40 + ip.readUInt16BE(4);
  } else {
    return null;
  }
  // A packet that the kernel never cut up says 0 here when it is longer than the field.
  const tcp = ip.subarray(head, end > head ? end : undefined);
  if (tcp.length < 20) return null;
  const addresses = type === 0x0800 ? ip.subarray(12, 20) : ip.subarray(8, 40);
  return { way: `${addresses.toString('hex')} ${tcp.readUInt32BE(0)}`, sequence: tcp.readUInt32BE(4), isFirst: (tcp[13] & 2) !== 0, bytes: tcp.subarray((tcp[12] >> 4) * 4) };
}

function* frames(pcap) {
  if (pcap.length < 24 || pcap.readUInt32LE(0) !== PCAP_MAGIC || pcap.readUInt32LE(20) !== LINK_ETHERNET) throw new Error('not a capture of Ethernet frames');
  // The last record may still be being written.
  for (let at = 24; at + 16 <= pcap.length;) {
    const size = pcap.readUInt32LE(at + 8);
    if (at + 16 + size > pcap.length) return;
    yield pcap.subarray(at + 16, at + 16 + size);
    at += 16 + size;
  }
}

/** One direction of one connection; runs without a gap. */
function joinSegments(segments) {
  const first = segments[0].sequence;
  // Signed distance, so that numbers may wrap around.
  const ordered = segments.map(({ sequence, bytes }) => ({ from: (sequence - first) | 0, bytes })).sort((a, b) => a.from - b.from);
  const runs = [];
  let end = -Infinity;
  for (const { from, bytes } of ordered) {
    if (from > end) runs.push([]);
    const fresh = from > end ? bytes : bytes.subarray(end - from);
    if (from <= end && fresh.length === 0) continue;
    runs.at(-1).push(fresh);
    end = from > end ? from + bytes.length : end + fresh.length;
  }
  return runs.map((run) => Buffer.concat(run));
}

/** The TCP streams of a capture as their receivers saw them, one buffer for each direction (more where packets are missing). */
export function payloads(pcap) {
  const ways = new Map();
  const turns = new Map();
  for (const frame of frames(pcap)) {
    const segment = segmentOf(frame);
    if (!segment) continue;
    // Ports are used again: each SYN begins another connection.
    if (segment.isFirst) turns.set(segment.way, (turns.get(segment.way) ?? 0) + 1);
    if (segment.bytes.length === 0) continue;
    const key = `${segment.way} ${turns.get(segment.way) ?? 0}`;
    if (!ways.has(key)) ways.set(key, []);
    ways.get(key).push(segment);
  }
  return [...ways.values()].flatMap(joinSegments);
}

/** tcpdump on loopback, writing to `file`. `stop()` answers how many packets it took and how many it lost. */
export async function captureLoopback(file) {
  // "nobody else's user": as another user it could not write into a private folder.
  const child = spawn('tcpdump', ['-i', 'lo', '-U', '-s', '0', '-B', '65536', '-Z', 'root', '-w', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  const listening = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`tcpdump: ${said}`)));
    child.stderr.on('data', (text) => {
      said += text;
      if (said.includes('listening on')) resolve();
    });
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  await listening;
  return {
    bytes: () => readFileSync(file),
    async stop() {
      child.kill('SIGINT');
      await ended;
      const count = (what) => Number(new RegExp(`(\\d+) packets? ${what}`).exec(said)?.[1]);
      return { captured: count('captured'), lost: count('dropped by kernel') };
    },
  };
}

/** Stands at `path` before the Unix socket `target`, passes everything on and keeps it in `folder`: `streams()`, one buffer per
 *  direction of each connection. */
export async function recordSocket(path, target, folder) {
  mkdirSync(folder);
  const child = fork(fileURLToPath(new URL('recorder.mjs', import.meta.url)), [path, target, folder]);
  await new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the recorder ended with ${code}`)));
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  return {
    streams: () => readdirSync(folder).map((name) => readFileSync(join(folder, name))),
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
