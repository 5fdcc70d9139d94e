// SPDX-License-Identifier: Apache-2.0
// The demo's accounts: made by the administrator over the sealed channel, once; their passwords stand in the stack's folder.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';

const PEOPLE = {
  clerk: { user: 'clerk', name: 'A. Clerk', role: 'clerk' },
  clinician: { user: 'doctor', name: 'Dr. B. Clinician', role: 'clinician' },
};

/** Signs in; answers the session file that `lazaret client` takes. */
export function signIn(stack, user, password, name = user) {
  const session = stack.path(`${name}.session`);
  stack.client(['sign-in', '--user', user, '--session', session], { input: password, stdio: ['pipe', 'pipe', 'pipe'] });
  return session;
}

export async function demoAccounts(stack) {
  const file = stack.path('keys', 'demo-accounts.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
  const session = signIn(stack, 'admin', stack.password, 'admin');
  const accounts = {};
  for (const [key, person] of Object.entries(PEOPLE)) {
    const password = randomBytes(9).toString('base64url');
    stack.client(['account', '--session', session, '--user', person.user, '--name', person.name, '--role', person.role],
      { input: password, stdio: ['pipe', 'pipe', 'pipe'] });
    accounts[key] = { ...person, password };
  }
  stack.client(['sign-out', '--session', session]);
  rmSync(session, { force: true });
  writeFileSync(file, JSON.stringify(accounts), { mode: 0o600 });
  return accounts;
}
