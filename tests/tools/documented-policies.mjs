// SPDX-License-Identifier: Apache-2.0
// Every policy that Azure Attestation's public documents quote, in whole or rule by rule, is compiled and run: all but the misprints
// that docs/policy-language.md names. The documents are not part of this project: give the folder articles/attestation of a checkout of
// MicrosoftDocs/azure-security-docs.
//
//   node tests/tools/documented-policies.mjs FOLDER        (LAZARET_BIN names the programs' folder, default build/bin)
//
// Prints a line for each; exit code 1 if one is refused that is no known misprint, or a misprint is accepted.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const LAZARET = resolve(process.env.LAZARET_BIN ?? 'build/bin', 'lazaret');

// Known misprints: the page, and what stands in the refused text.
const MISPRINTS = [
  ['author-sign-policy.md', 'c:[type="secureBootEnabled"'],
  ['claim-rule-functions.md', 'c1:[type="JsonData"]'],
  ['claim-rule-functions.md', 'AppendString(c1.value, c2.value)'],
  ['claim-rule-functions.md', 'NegateBol'],
  ['claim-rule-functions.md', 'ContainsOnlyValue(100)'],
  ['claim-rule-functions.md', '![type=="Claim3"] => add(type="Claim3", value=300)\n'],
  ['claim-rule-functions.md', 'issuer="AttestationPolicy"]'],
  ['custom-tcb-baseline-enforcement.md', '"11\u201d'],
  ['policy-examples.md', '<product-id>'],
  ['policy-version-1-2.md', 'issue("PlatformAttested"'],
  ['policy-version-1-2.md', '\n=> issue(type = "secureBootEnabled"'],
];

const event = (seq, type, pcr, data) => ({ EventSeq: seq, EventTypeString: type, PcrIndex: pcr, ProcessedData: data });
const tagged = (seq, pcr, data) => event(seq, 'EV_EVENT_TAG', pcr, { EVENT_TRUSTBOUNDARY: data });
const CLAIMS = {
  aikValidated: true, tpmVersion: 2, secureBootEnabled: true, bootDebuggingDisabled: true, notSafeMode: true, notWinPE: true, vbsEnabled: true,
  'x-ms-sgx-is-debuggable': false, 'x-ms-sgx-mrsigner': 'mrsigner1', 'x-ms-sgx-svn': 1, 'x-ms-sgx-product-id': 1,
  'x-ms-attestation-type': 'tpm', '$is-debuggable': false, bootEvents: { Events: [] },
  events: { Events: [
    event(1, 'EV_EFI_VARIABLE_DRIVER_CONFIG', 7,
      { VariableGuid: '8BE4DF61-93CA-11D2-AA0D-00E098032B8C', UnicodeName: 'SecureBoot', VariableData: 'AQ' }),
    tagged(2, 12, { EVENT_CODEINTEGRITY: true, EVENT_BOOTDEBUGGING: false, EVENT_SAFEMODE: false, EVENT_WINPE: false, EVENT_APPLICATION_SVN: 5 }),
    tagged(3, 20, { EVENT_DRTM_STATE_AUTH: { SignatureValid: true } }),
    event(4, 'EV_SEPARATOR', 12, {}),
    event(5, 'IMA_MEASUREMENT_EVENT', 10, { KernelVersion: '6.1', Keyring: '.builtin_trusted_keys', CertificateSubject: 'CN=test' }),
  ] },
  pcrs: { PCRs: [0, 1, 2, 3].map((Index) => ({ Index, Digests: { SHA1: 'aa', SHA256: 'bb' } })) },
  'x-ms-tpm-request-key': { jwk: { kty: 'RSA' }, info: { tpm_quote: { hash_alg: 'sha-256' }, tpm_certify: { name_alg: 11, obj_attr: 50 } } },
};

const aroundRules = (rules) => `version=1.2; authorizationrules { => permit(); }; issuancerules {\n${rules}\n};`;

function* ofTokens(block) {
  for (const [, payload] of block.matchAll(/eyJhbGci[\w-]+\.([\w-]+)\.[\w-]*/g)) {
    const text = Buffer.from(payload, 'base64url').toString();
    const encoded = /"AttestationPolicy":\s*"([\w-]+)"/.exec(text)?.[1];
    if (encoded !== undefined) yield Buffer.from(encoded, 'base64url').toString();
  }
}

// Blocks of code, and tables with a rule to a line.
function* policiesOf(page) {
  for (const [, block] of page.matchAll(/^[ \t]*```[^\n]*\n(.*?)^[ \t]*```/gms)) {
    if (block.includes('rules') && block.includes('version')) yield block;
    else if (block.includes('=>') && block.includes('[')) yield aroundRules(block);
    yield* ofTokens(block);
  }
  for (const line of page.split('\n')) {
    if (!line.startsWith('|') || !line.includes('=>')) continue;
    const code = line.split(/(?<!\\)\|/)[3].replaceAll('\\|', '|');
    yield aroundRules(code.split('<br>').map((part) => part.trim().replace(/^`\s*/, '').replace(/`$/, '')).join('\n'));
  }
}

function run(folder, text) {
  const file = join(folder, 'policy'), claims = join(folder, 'claims');
  writeFileSync(file, text);
  writeFileSync(claims, JSON.stringify(CLAIMS));
  const check = spawnSync(LAZARET, ['policy', 'check', file], { encoding: 'utf8' });
  if (check.status !== 0) return { refused: (check.stdout + check.stderr).trim().replaceAll('\n', ' ') };
  const test = spawnSync(LAZARET, ['policy', 'test', file, '--claims', claims, '--json'], { encoding: 'utf8' });
  return { outcome: JSON.parse(test.stdout) };
}

const folder = process.argv[2];
if (folder === undefined) {
  console.error('usage: node tests/tools/documented-policies.mjs FOLDER');
  process.exit(2);
}
const scratch = mkdtempSync(join(tmpdir(), 'documented-policies-'));
let ran = 0, misprints = 0, faults = 0;
for (const name of readdirSync(folder).filter((file) => file.endsWith('.md')).sort()) {
  for (const text of policiesOf(readFileSync(join(folder, name), 'utf8').replaceAll('\r', ''))) {
    const { refused, outcome } = run(scratch, text);
    const isMisprint = MISPRINTS.some(([page, part]) => page === name && text.includes(part));
    const fault = isMisprint !== (refused !== undefined);
    if (fault) faults++;
    else if (isMisprint) misprints++;
    else ran++;
    const told = refused ?? (outcome.permitted ? `permits, issues ${JSON.stringify(outcome.issued)}` : `denies: ${outcome.reason}`);
    console.log(`${fault ? 'FAULT ' : ''}${name}: ${isMisprint ? 'misprint: ' : ''}${told.slice(0, 180)}`);
  }
}
rmSync(scratch, { recursive: true });
console.log(`${ran} policies ran, ${misprints} misprints were refused, ${faults} faults`);
process.exit(faults > 0 ? 1 : 0);
