// SPDX-License-Identifier: Apache-2.0
// The whole story with planted values, new ones each time, so that what is found is of this run. Everything that a person or a
// film brings in is planted; what the platform gives back and must stay secret (sessions, the finding) is planted as it comes.
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SealedClient } from '../sealed-client.mjs';
import { SAMPLES } from '../stack.mjs';

const SIDE = 224; // the model's input, so that the film's own greys are those of the tensor
const PIXELS_PER_VALUE = 24;

const letters = (count) => [...randomBytes(count)].map((byte) => 'bcdfghjklmnpqrstvwxz'[byte % 20]).join('');
const date = () => `19${randomInt(20, 30)}-${String(randomInt(1, 13)).padStart(2, '0')}-${String(randomInt(10, 29))}`;

/** The planted texts of one run. Each is of the shape that its field takes, and of nobody. */
export function plantedTexts() {
  return {
    'family name': `Zoë-${letters(9)}`, 'given name': `Quillön ${letters(6)}`, identifier: `CNRY-${letters(9)}-7`, 'birth date': date(),
    street: `9 Kanarienstraße ${letters(5)}`, city: `Nest ${letters(7)}`, 'postal code': letters(9), phone: `+1 555 ${randomInt(1e9, 9e9)}`, mail: `${letters(9)}@example.org`,
    allergy: `Feathers of ${letters(6)}`, note: `note: ${letters(12)} "sings" at night`, 'refused note': `refused ${letters(12)}`, 'searched name': `Gesucht${letters(7)}`,
    'film name': `film ${letters(10)}.dcm`, 'name in the film': `CANARY^${letters(8).toUpperCase()}`, 'identifier in the film': `FILM-${letters(9)}`,
    'clerk\'s user name': `clerk.${letters(8)}`, 'clerk\'s name': `Clerk ${letters(8)}`, 'clinician\'s user name': `doctor.${letters(8)}`, 'clinician\'s name': `Dr. ${letters(9)}`,
    'password of the clerk': `pass ${letters(14)}`, 'password of the clinician': `wörd ${letters(14)}`, 'password that is wrong': `wrong ${letters(14)}`,
  };
}

// ---- the film ----

function element(group, number, vr, value) {
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(value.length % 2 ? `${value} ` : value, 'latin1');
  const isLong = vr === 'OB';
  const head = Buffer.alloc(isLong ? 12 : 8);
  head.writeUInt16LE(group, 0);
  head.writeUInt16LE(number, 2);
  head.write(vr, 4, 'latin1');
  if (isLong) head.writeUInt32LE(bytes.length, 8);
  else head.writeUInt16LE(bytes.length, 6);
  return Buffer.concat([head, bytes]);
}

const word = (value) => Buffer.from([value & 255, value >> 8]);

/** A sample film made small, with grain that is of this run alone. */
function grainyGreys() {
  const sample = readFileSync(join(SAMPLES, 'synthetic-normal.dcm'));
  const tag = (group, number) => sample.indexOf(Buffer.concat([word(group), word(number)]));
  const short = (group, number) => sample.readUInt16LE(tag(group, number) + 8);
  const [rows, columns, stored] = [short(0x28, 0x10), short(0x28, 0x11), short(0x28, 0x101)];
  const pixels = sample.subarray(tag(0x7fe0, 0x10) + 12);
  const bytesPerPixel = stored > 8 ? 2 : 1;
  const at = (y, x) => (bytesPerPixel === 2 ? pixels.readUInt16LE(2 * (y * columns + x)) : pixels[y * columns + x]) / (2 ** stored - 1);
  const grain = randomBytes(SIDE * SIDE);
  return Buffer.from(grain.map((noise, i) => {
    const y = Math.floor((Math.floor(i / SIDE) + 0.5) * rows / SIDE);
    const x = Math.floor(((i % SIDE) + 0.5) * columns / SIDE);
    return Math.min(255, Math.max(0, Math.round(at(y, x) * 255) + (noise % 15) - 7));
  }));
}

/** An uncompressed DICOM film with a patient in its header; `greys` are its pixels. */
function plantedFilm(texts) {
  const greys = grainyGreys();
  const uid = '1.2.840.10008.5.1.4.1.1.1\0';
  const head = Buffer.concat([element(2, 0x10, 'UI', '1.2.840.10008.1.2.1\0')]);
  const body = [
    element(8, 0x16, 'UI', uid), element(8, 0x60, 'CS', 'CR'), element(0x10, 0x10, 'PN', texts['name in the film']), element(0x10, 0x20, 'LO', texts['identifier in the film']),
    element(0x10, 0x30, 'DA', texts['birth date'].replaceAll('-', '')), element(0x10, 0x1010, 'AS', '004Y'), element(0x18, 0x15, 'CS', 'CHEST'), element(0x18, 0x5101, 'CS', 'AP'),
    element(0x28, 2, 'US', word(1)), element(0x28, 4, 'CS', 'MONOCHROME2'), element(0x28, 0x10, 'US', word(SIDE)), element(0x28, 0x11, 'US', word(SIDE)),
    element(0x28, 0x100, 'US', word(8)), element(0x28, 0x101, 'US', word(8)), element(0x28, 0x102, 'US', word(7)), element(0x28, 0x103, 'US', word(0)), element(0x7fe0, 0x10, 'OB', greys),
  ];
  const size = Buffer.alloc(4);
  size.writeUInt32LE(head.length);
  return { file: Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), element(2, 0, 'UL', size), head, ...body]), greys };
}

/** Runs of pixels from all over the film, each with enough grain to be no other film's. */
function plantedPixels(greys) {
  return [60, 90, 112, 140, 170].map((row) => {
    const from = row * SIDE + 100;
    return { name: `pixels of row ${row}`, greys: greys.subarray(from, from + PIXELS_PER_VALUE) };
  });
}

// ---- the story ----

const UUID = 'urn:uuid:6f1b0c0e-6a51-4b9e-9a57-0d1f6a2b7c01';

const patientOf = (texts) => ({
  resourceType: 'Patient', name: [{ family: texts['family name'], given: [texts['given name']] }], gender: 'female', birthDate: texts['birth date'],
  identifier: [{ system: 'urn:test:national', value: texts.identifier }], telecom: [{ system: 'phone', value: texts.phone }, { system: 'email', value: texts.mail }],
  address: [{ line: [texts.street], city: texts.city, postalCode: texts['postal code'] }],
});

const bundleOf = (texts) => ({ resourceType: 'Bundle', type: 'transaction', entry: [
  { fullUrl: UUID, request: { method: 'POST', url: 'Patient' }, resource: patientOf(texts) },
  { request: { method: 'POST', url: 'AllergyIntolerance' }, resource: { resourceType: 'AllergyIntolerance', patient: { reference: UUID }, code: { text: texts.allergy },
    note: [{ text: texts.note }], clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }] } } }] });

function expect(answer, status, what) {
  if (answer.status !== status) throw new Error(`${what}: ${answer.status} instead of ${status}: ${answer.body}`);
  return answer;
}

export class Story {
  #url;
  #fetch;

  /** `url`: where the platform is reached; `plant(value)` is told what the platform gives out while the story goes on. */
  constructor({ url, fetch, administratorPassword, plant }) {
    this.#url = url;
    this.#fetch = fetch;
    this.administratorPassword = administratorPassword;
    this.plant = plant;
    this.texts = plantedTexts();
    this.film = plantedFilm(this.texts);
    this.people = {
      clerk: { user: this.texts['clerk\'s user name'], name: this.texts['clerk\'s name'], role: 'clerk', password: this.texts['password of the clerk'] },
      clinician: { user: this.texts['clinician\'s user name'], name: this.texts['clinician\'s name'], role: 'clinician', password: this.texts['password of the clinician'] },
    };
  }

  planted() {
    return [...Object.entries(this.texts).map(([name, text]) => ({ name, text })), ...plantedPixels(this.film.greys)];
  }

  async #signIn(user, password, name) {
    const client = new SealedClient(this.#url, this.#fetch);
    await client.connect();
    const wrong = await client.signIn(user, this.texts['password that is wrong']);
    expect(wrong, 401, 'a wrong password');
    expect(await client.signIn(user, password), 201, 'signing in');
    this.plant({ name: `session of the ${name}`, text: client.session });
    return client;
  }

  async makeAccounts() {
    const administrator = await this.#signIn('admin', this.administratorPassword, 'administrator');
    for (const person of Object.values(this.people)) expect(await administrator.request('POST', '/accounts', person), 201, 'an account');
    expect(await administrator.request('DELETE', '/session'), 204, 'signing out');
  }

  async register() {
    this.clerk = await this.#signIn(this.people.clerk.user, this.people.clerk.password, 'clerk');
    const made = expect(await this.clerk.request('POST', '/fhir', bundleOf(this.texts)), 200, 'registering');
    this.patient = made.json().entry[0].response.location.split('/')[1];
    const found = await this.clerk.request('GET', `/fhir/Patient?name=${encodeURIComponent(this.texts['family name'])}`);
    if (expect(found, 200, 'searching').json().total !== 1) throw new Error('the patient is not found');
    expect(await this.clerk.request('GET', `/fhir/Patient?name=${this.texts['searched name']}`), 200, 'searching');
    expect(await this.clerk.request('GET', `/fhir/Patient/${this.patient}/$everything`), 200, 'reading');
    // What is refused must not be told either.
    expect(await this.clerk.request('POST', '/fhir/Patient', { ...patientOf(this.texts), gender: this.texts['refused note'] }), 422, 'a wrong field');
    expect(await this.clerk.request('POST', '/fhir/Patient', { ...patientOf(this.texts), [this.texts['refused note']]: 1 }), 422, 'an unknown field');
    expect(await this.clerk.request('POST', '/fhir/Patient', Buffer.from(`{"resourceType": "${this.texts['refused note']}`)), 400, 'cut JSON');
    expect(await this.clerk.request('GET', `/fhir/Patient/${encodeURIComponent(this.texts['refused note'])}`), 404, 'an unknown path');
  }

  async stage() {
    const made = expect(await this.clerk.request('POST', '/films', { patient: this.patient, size: this.film.file.length, name: this.texts['film name'] }), 201, 'a film');
    this.filmId = made.json().film;
    expect(await this.clerk.request('PUT', `/films/${this.filmId}/parts/0`, this.film.file), 204, 'a part');
  }

  async complete() {
    const sha256 = createHash('sha256').update(this.film.file).digest('hex');
    const study = expect(await this.clerk.request('POST', `/films/${this.filmId}/complete`, { sha256 }), 201, 'completing').json().study;
    this.order = { resourceType: 'ServiceRequest', status: 'active', intent: 'order', code: { text: 'Chest film' }, subject: { reference: `Patient/${this.patient}` },
      supportingInfo: [{ reference: `ImagingStudy/${study}` }] };
  }

  /** Answers at once: the order is under way while the hunt looks. */
  orderDiagnosis() {
    return this.clerk.request('POST', '/fhir/ServiceRequest', this.order);
  }

  async readResult(ordered) {
    const report = expect(await this.clerk.request('GET', `/fhir/${expect(ordered, 201, 'the order').fields['location-report']}`), 200, 'the report').json();
    if (report.status !== 'preliminary') throw new Error(`the film was not read: ${report.conclusion}`);
    // The middle: its beginning is that of any PNG.
    const heatmap = Buffer.from(JSON.stringify(report).match(/"urn:lazaret:fhir:heatmap","value[A-Za-z0-9]+":"([^"]+)"/)?.[1] ?? '', 'base64');
    if (heatmap.length < 100) throw new Error('the report has no heat map');
    this.plant({ name: 'heat map', bytes: heatmap.subarray(50, 80) });
    expect(await this.clerk.request('GET', `/films/${this.filmId}/image?size=512`), 200, 'the picture');
  }

  async readInbox() {
    const clinician = await this.#signIn(this.people.clinician.user, this.people.clinician.password, 'clinician');
    const message = expect(await clinician.request('GET', '/inbox'), 200, 'the inbox').json().messages.find((entry) => entry.patient === this.patient);
    expect(await clinician.request('POST', `/inbox/${message.id}/acknowledge`), 204, 'acknowledging');
    expect(await clinician.request('DELETE', '/session'), 204, 'signing out');
  }

  async signOut() {
    expect(await this.clerk.request('DELETE', '/session'), 204, 'signing out');
  }
}
