// SPDX-License-Identifier: Apache-2.0
// `make demo`: the story without a browser, against real services on free ports. Each hop's verdict and the finding are
// printed. FILM=path takes the user's own film. Nothing is left behind.
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ROOT, Stack } from './stack/stack.mjs';
import { demoAccounts, signIn } from './stack/accounts.mjs';

const PATIENT = {
  resourceType: 'Bundle', type: 'transaction', entry: [
    { fullUrl: 'urn:uuid:6f1b0c0e-6a51-4b9e-9a57-0d1f6a2b7c01', request: { method: 'POST', url: 'Patient' }, resource: {
      resourceType: 'Patient', name: [{ family: 'Example', given: ['Robin'] }], gender: 'female', birthDate: '2022-03-14',
      identifier: [{ system: 'urn:lazaret:demo:national-id', value: 'DEMO-0001' }],
      telecom: [{ system: 'phone', value: '+1 555 0100' }, { system: 'email', value: 'parent@example.org' }],
      address: [{ line: ['1 Example Street'], city: 'Exampleton', postalCode: '00000' }] } },
    { request: { method: 'POST', url: 'AllergyIntolerance' }, resource: {
      resourceType: 'AllergyIntolerance', patient: { reference: 'urn:uuid:6f1b0c0e-6a51-4b9e-9a57-0d1f6a2b7c01' }, code: { text: 'Penicillin' },
      clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }] } } },
  ] };

const started = Date.now();
const seconds = () => `${((Date.now() - started) / 1000).toFixed(1)} s`;
const folder = mkdtempSync(join(tmpdir(), 'lazaret-demo-'));
let stack;
let code = 0;

function films() {
  if (process.env.FILM) {
    const own = resolve(process.env.FILM);
    if (!existsSync(own) || !statSync(own).isFile()) throw new Error(`FILM: there is no file ${own}; give the path of a PNG, JPEG or DICOM film`);
    return [own];
  }
  const samples = join(ROOT, 'models/chest-xray/samples');
  return readdirSync(samples).filter((name) => name.endsWith('.dcm')).sort().map((name) => join(samples, name));
}

async function story() {
  const chosen = films();
  stack = await Stack.open({ folder, bin: join(ROOT, 'build/bin'), ports: { portal: 0, platformIngress: 0, attestationIngress: 0, platform: 0, attestation: 0, diagnosis: 0, gate: 0, collateral: 0 } });
  console.log('DEMONSTRATION: simulated enclaves; the owner of this machine could read what is entered. Not for clinical use.\n');
  console.log(`1  starting the software TEE, attestation service, Redis and its gate, diagnosis, platform`);
  await stack.start();
  await stack.ready();
  console.log(`   ready after ${seconds()}\n`);
  console.log('2  verifying the chain before anything is sent');
  console.log(stack.client(['verify']));
  const accounts = await demoAccounts(stack);
  const clerk = signIn(stack, accounts.clerk.user, accounts.clerk.password, 'clerk');
  console.log(`3  ${accounts.clerk.name} signs in over the sealed channel and registers a patient`);
  const patientFile = stack.path('patient.json');
  writeFileSync(patientFile, JSON.stringify(PATIENT), { mode: 0o600 });
  const patient = stack.client(['register', '--session', clerk, patientFile]).trim();
  console.log(`   patient ${patient}\n`);
  console.log('4  uploading films in sealed parts; the model reads each in the diagnosis enclave');
  for (const film of chosen) {
    const study = stack.client(['upload', '--session', clerk, '--patient', patient, film]).trim();
    const finding = stack.client(['diagnose', '--session', clerk, '--patient', patient, '--study', study]).trim();
    console.log(`   ${film.split('/').pop()}\n     finding: ${finding}`);
  }
  const doctor = signIn(stack, accounts.clinician.user, accounts.clinician.password, 'doctor');
  const inbox = JSON.parse(stack.client(['inbox', '--session', doctor, '--json']));
  console.log(`\n5  ${accounts.clinician.name} finds ${inbox.messages.length} message${inbox.messages.length === 1 ? '' : 's'} in the inbox`);
  console.log(`\ndone in ${seconds()}`);
}

try {
  await story();
} catch (error) {
  console.error(`make demo: ${error.message}`);
  code = 1;
}
await stack?.stop();
rmSync(folder, { recursive: true, force: true });
process.exit(code);
