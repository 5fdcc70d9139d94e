// SPDX-License-Identifier: Apache-2.0
// `make run`: the whole of Lazaret on this machine, until Ctrl-C. Keys, records and the manifest last in run/.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, Stack } from './stack/stack.mjs';
import { demoAccounts } from './stack/accounts.mjs';

const started = Date.now();
const say = (text) => console.log(text);
let stopping = false;
let stack;

async function stop(code) {
  if (stopping) return;
  stopping = true;
  say('\nstopping ...');
  await stack?.stop();
  say('stopped. The records stay in run/.');
  process.exit(code);
}
process.on('SIGINT', () => stop(0));
process.on('SIGTERM', () => stop(0));
process.on('SIGHUP', () => stop(0));

// A program that ends is started again; only one that never comes up ends the demonstration.
const supervision = {
  log: (line) => stopping || console.error(line),
  giveUp: (name, end, lines) => {
    if (stopping) return;
    console.error(`${name} does not come up (${end.signal ?? `exit ${end.code}`}). Its last lines:\n${lines}`);
    stop(1);
  },
};

try {
  say('Lazaret: software TEE, attestation service, Redis behind its gate, diagnosis, platform, portal');
  stack = await Stack.open({ folder: join(ROOT, 'run'), bin: join(ROOT, 'build/bin'), portal: true, log: say, supervision });
  say(stack.users ? 'each program runs as a user of its own' : `all programs run as the user who started this: ${stack.sharedUserReason}`);
  await stack.start();
  await stack.ready();
  const accounts = await demoAccounts(stack);
  say(`
  ready after ${((Date.now() - started) / 1000).toFixed(1)} s

  portal          ${stack.urls.portal}
  clerk           ${accounts.clerk.user}   ${accounts.clerk.password}
  clinician       ${accounts.clinician.user}   ${accounts.clinician.password}
  administrator   admin   ${stack.password}

  sample films    models/chest-xray/samples/ (synthetic)
  platform        ${stack.urls.platform}     attestation service  ${stack.urls.attestation}

  DEMONSTRATION: simulated enclaves. The owner of this machine could read what is entered. Not for clinical use.
  Ctrl-C stops everything.`);
} catch (error) {
  console.error(`make run: ${error.message}`);
  await stop(1);
}
