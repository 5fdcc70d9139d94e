// SPDX-License-Identifier: Apache-2.0
// Where a leak could lie on a Linux machine, read by root: the memory of processes, their open files, folders, swap. Each look
// pushes what it reads through a stream of search.mjs and answers `{ bytes, found }`, `found` with the place's own words in `where`.
import { closeSync, lstatSync, openSync, readFileSync, readSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

const CHUNK = 4 << 20;
const PAGE = 4096;
const chunk = Buffer.alloc(CHUNK);

const told = (found, where) => found.map((entry) => ({ ...entry, where }));

/** What may disappear while it is looked at: another process' file, a process that ends. */
const isGone = (error) => ['ENOENT', 'ESRCH', 'ENOTDIR'].includes(error.code);

function unlessGone(read, otherwise) {
  try {
    return read();
  } catch (error) {
    if (isGone(error)) return otherwise;
    throw error;
  }
}

// ---- bytes and files ----

export function lookAtBytes(search, bytes, where) {
  return { bytes: bytes.length, found: told(search.all(bytes), where) };
}

/** A file of any size: a device, a swap file, a core. */
export function lookAtFile(search, path, where = path) {
  const file = openSync(path, 'r');
  const stream = search.stream();
  try {
    for (let at = 0, size; (size = readSync(file, chunk, 0, CHUNK, at)) > 0; at += size) stream.push(chunk.subarray(0, size));
  } finally {
    closeSync(file);
  }
  return { bytes: stream.size, found: told(stream.found, where) };
}

/** Every file below `folder`, its name too; `since`: only what was changed at or after that time (ms). Links are not followed. */
export function lookAtFolder(search, folder, { since = 0, except = [] } = {}) {
  const looked = { bytes: 0, found: [], files: [] };
  for (const entry of unlessGone(() => readdirSync(folder, { withFileTypes: true }), [])) {
    const path = join(folder, entry.name);
    if (except.includes(path)) continue;
    looked.found.push(...told(search.all(Buffer.from(entry.name)), `the name of ${path}`));
    const inside = unlessGone(() => {
      if (entry.isDirectory()) return lookAtFolder(search, path, { since, except });
      if (!entry.isFile() || lstatSync(path).ctimeMs < since) return null;
      return { ...lookAtFile(search, path), files: [path] };
    }, null);
    if (!inside) continue;
    looked.bytes += inside.bytes;
    looked.found.push(...inside.found);
    looked.files.push(...inside.files);
  }
  return looked;
}

// ---- processes ----

function parentOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

/** A process and all its descendants: `[{ pid, depth, command }]`, the ancestor first. */
export function processTree(ancestor) {
  const children = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = unlessGone(() => parentOf(name), null);
    if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [];
  const add = (pid, depth) => {
    const command = unlessGone(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim(), null);
    if (command === null) return;
    tree.push({ pid, depth, command });
    for (const child of children.get(pid) ?? []) add(child, depth + 1);
  };
  add(ancestor, 0);
  return tree;
}

const PAGEMAP_ENTRY = 8;
const IN_MEMORY = 1 << 31; // these are bits of an entry's upper half
const IN_SWAP = 1 << 30;
const OF_FILE = 1 << 29; // of a file, or of memory that is shared

/** Runs of a mapping's pages that hold bytes of the process: neither pages that it never touched, nor such as are a named file's own. */
function* touchedRuns(pagemap, from, to, isNamedFile) {
  const entries = Buffer.alloc(1 << 16);
  const wanted = (entry) => (entry & (IN_MEMORY | IN_SWAP)) !== 0 && !(isNamedFile && (entry & OF_FILE) !== 0);
  let start = null;
  for (let at = from; at < to;) {
    const count = Math.min(entries.length / PAGEMAP_ENTRY, (to - at) / PAGE);
    const size = readSync(pagemap, entries, 0, count * PAGEMAP_ENTRY, (at / PAGE) * PAGEMAP_ENTRY);
    // What the kernel does not tell of is read.
    for (let i = 0; i < count; i++, at += PAGE) {
      if ((i + 1) * PAGEMAP_ENTRY > size || wanted(entries.readInt32LE(i * PAGEMAP_ENTRY + 4))) {
        start ??= at;
      } else if (start !== null) {
        yield [start, at];
        start = null;
      }
    }
  }
  if (start !== null) yield [start, to];
}

/** A page that cannot be read (a hole in a device, beyond a file's end) is stepped over. */
function readRun(memory, from, to, stream) {
  for (let at = from; at < to;) {
    let size;
    try {
      size = readSync(memory, chunk, 0, Math.min(CHUNK, to - at), at);
    } catch (error) {
      if (!['EIO', 'EFAULT'].includes(error.code)) throw error;
      size = 0;
    }
    if (size > 0) stream.push(chunk.subarray(0, size));
    at += size > 0 ? size : PAGE;
  }
}

/** All memory of a process, through /proc/PID/mem: every readable mapping, as far as it was touched. */
export function lookAtMemory(search, pid, where) {
  const looked = { bytes: 0, found: [] };
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const pagemap = openSync(`/proc/${pid}/pagemap`, 'r');
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').trimEnd().split('\n')) {
      const [, from, to, rights, name] = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \d+ *(.*)$/.exec(line);
      // The kernel's own pages, which it does not show.
      if (!rights.startsWith('r') || name === '[vvar]' || name === '[vsyscall]') continue;
      const isNamedFile = name.startsWith('/') && !name.endsWith(' (deleted)');
      const stream = search.stream();
      for (const [start, end] of touchedRuns(pagemap, parseInt(from, 16), parseInt(to, 16), isNamedFile)) readRun(memory, start, end, stream);
      looked.bytes += stream.size;
      looked.found.push(...told(stream.found, `${where}, ${name || 'anonymous memory'}`));
    }
  } finally {
    closeSync(memory);
    closeSync(pagemap);
  }
  return looked;
}

/** Files that a process holds open, those without a name among them: deleted ones and memory files. */
export function lookAtOpenFiles(search, pid, where) {
  const looked = { bytes: 0, found: [], files: [] };
  for (const name of unlessGone(() => readdirSync(`/proc/${pid}/fd`), [])) {
    const path = `/proc/${pid}/fd/${name}`;
    const target = unlessGone(() => readlinkSync(path), '');
    if (!/^\/memfd:| \(deleted\)$/.test(target)) continue;
    const inside = unlessGone(() => lookAtFile(search, path, `${where}, open file ${target}`), null);
    if (!inside) continue;
    looked.bytes += inside.bytes;
    looked.found.push(...inside.found);
    looked.files.push(target);
  }
  return looked;
}

// ---- swap ----

/** The machine's swap, as the kernel lists it. */
export function swapAreas(listing = readFileSync('/proc/swaps', 'utf8')) {
  return listing.trim().split('\n').slice(1).map((line) => line.split(/\s+/)[0].replaceAll('\\040', ' '));
}

/** How much of a process lies in swap, in KiB. */
export function swappedOut(pid) {
  const match = /^Swap:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
  return match ? Number(match[1]) : 0;
}
