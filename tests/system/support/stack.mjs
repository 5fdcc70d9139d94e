// SPDX-License-Identifier: Apache-2.0
// A stack for one test file: real programs on free ports in a temporary folder, stopped and removed afterwards.
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, Stack } from '../../../scripts/stack/stack.mjs';

export { ROOT };
export const ANY_PORTS = { portal: 0, platformIngress: 0, attestationIngress: 0, platform: 0, attestation: 0, diagnosis: 0, gate: 0, collateral: 0 };
/** The sanitizer build's programs where they are, so that the system tests run under AddressSanitizer and UBSan. */
export const BIN = process.env.LAZARET_BIN ?? join(ROOT, existsSync(join(ROOT, 'build/bin-sanitize/lazaret')) ? 'build/bin-sanitize' : 'build/bin');
export const SAMPLES = join(ROOT, 'models/chest-xray/samples');

export async function openStack(options = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'lazaret-test-'));
  const ends = [];
  const stack = await Stack.open({ folder, bin: BIN, ports: ANY_PORTS, onUnexpectedEnd: (name, end, lines) => ends.push(`${name}: ${JSON.stringify(end)}\n${lines}`), ...options });
  stack.unexpectedEnds = ends;
  return stack;
}

export async function closeStack(stack) {
  if (!stack) return;
  await stack.stop();
  const found = sanitizerReports(stack.path('log'));
  rmSync(stack.folder, { recursive: true, force: true });
  if (found.length > 0) throw new Error(`the sanitizers found something:\n${found.join('\n')}`);
}

/** What AddressSanitizer, its leak checker and UBSan said in the programs' logs. */
export function sanitizerReports(folder) {
  return readdirSync(folder).flatMap((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    const at = text.search(/Sanitizer|runtime error: /);
    return at < 0 ? [] : [`${name}: ${text.slice(Math.max(0, at - 200), at + 3000)}`];
  });
}
