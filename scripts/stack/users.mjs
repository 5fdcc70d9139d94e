// SPDX-License-Identifier: Apache-2.0
// A user of its own for each program, where that is possible: started by root, and every folder on the way to the stack's and
// the source's open to others. The numbers need no account and none is made: they stand in the range that systemd's table of
// users leaves unused (60578 to 61183), so that neither people nor services have them.
import { lchownSync, lstatSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

const FIRST_USER = 60901;
const PROGRAMS = ['attestation', 'platform', 'diagnosis', 'gate', 'redis', 'nginx'];

/** The first folder above `path` that other users cannot pass, or null. */
function closedFolderAbove(path) {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return folder;
    if (folder === dirname(folder)) return null;
  }
}

function takenNumber() {
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n').map((line) => Number(line.split(':')[2]));
  return accounts.find((number) => number >= FIRST_USER && number < FIRST_USER + PROGRAMS.length);
}

/** { users: { platform: { user, group }, ... } }, or { users: null, reason } where all run as the invoking user. Redis has the
 *  gate's group, so that the gate alone reaches its socket. `folders`: what the programs must reach. */
export function ownUsers(folders) {
  if (process.getuid?.() !== 0) return { users: null, reason: 'only root can start programs as other users' };
  for (const folder of folders) {
    const closed = closedFolderAbove(folder);
    if (closed) return { users: null, reason: `other users cannot pass the folder ${closed}` };
  }
  const taken = takenNumber();
  if (taken) return { users: null, reason: `the user number ${taken} has an account on this machine` };
  const users = Object.fromEntries(PROGRAMS.map((name, index) => [name, { user: FIRST_USER + index, group: FIRST_USER + index }]));
  users.redis.group = users.gate.group;
  return { users };
}

/** Gives `path`, and what stands in it, to a user. */
export function giveTo({ user, group }, path) {
  lchownSync(path, user, group);
  if (!lstatSync(path).isDirectory()) return;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (!entry.isSymbolicLink()) giveTo({ user, group }, join(path, entry.name));
  }
}

/** The command line that runs a command as a user, with no other groups and no way to more. */
export function commandAs(owner, command, args) {
  if (!owner) return [command, args];
  return ['setpriv', ['--reuid', String(owner.user), '--regid', String(owner.group), '--clear-groups', '--no-new-privs', '--pdeathsig', 'TERM', '--',
    command, ...args]];
}
