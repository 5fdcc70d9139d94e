// SPDX-License-Identifier: Apache-2.0
//
// The few FHIR R4 resources that the portal reads and writes: building them from a form, reading them without trusting
// their shape.

import { isObject, type Json, type JsonObject } from '../trust/json.js';

export type Resource = JsonObject;

const TEXT_MAX_LENGTH = 4000; // what a page shows of one text
export const IDENTIFIER_SYSTEM = 'urn:lazaret:national-identifier';

/** Follows names and positions; undefined where the way ends. */
export function at(value: Json | undefined, ...path: (string | number)[]): Json | undefined {
  let here: Json | undefined = value;
  for (const step of path) {
    if (typeof step === 'number') here = Array.isArray(here) ? here[step] : undefined;
    else here = isObject(here) ? here[step] : undefined;
  }
  return here;
}

export function textAt(value: Json | undefined, ...path: (string | number)[]): string {
  const found = at(value, ...path);
  if (typeof found !== 'string') return '';
  return found.length > TEXT_MAX_LENGTH ? `${found.slice(0, TEXT_MAX_LENGTH)}…` : found;
}

export function listAt(value: Json | undefined, ...path: (string | number)[]): Json[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

export function ofType(resources: readonly Resource[], type: string): Resource[] {
  return resources.filter((item) => item.resourceType === type);
}

/** The id in a reference such as "Patient/12". */
export function idIn(reference: string): string {
  return reference.slice(reference.lastIndexOf('/') + 1);
}

export function nameOf(patient: Resource | undefined): string {
  const family = textAt(patient, 'name', 0, 'family');
  const given = listAt(patient, 'name', 0, 'given').filter((item) => typeof item === 'string').join(' ');
  const isHan = /^\p{Script=Han}+$/u.test(family + given); // 陈小明, but Marlow, Ada
  return [family, given].filter((part) => part !== '').join(isHan ? '' : ', ');
}

export function telecom(patient: Resource, system: string): string {
  const entry = listAt(patient, 'telecom').find((item) => textAt(item, 'system') === system);
  return textAt(entry, 'value');
}

/** An extension by its address; its value or the extensions inside it. */
export function extension(resource: Json | undefined, url: string): JsonObject | undefined {
  return listAt(resource, 'extension').filter(isObject).find((item) => item.url === url);
}

/** Whatever value[x] an extension has. */
export function valueOf(item: JsonObject | undefined): Json | undefined {
  const name = Object.keys(item ?? {}).find((key) => key.startsWith('value'));
  return name === undefined ? undefined : item?.[name];
}

export interface Allergy {
  readonly substance: string;
  readonly risk: string;
}

/** What the registration form holds. */
export interface Registration {
  readonly family: string;
  readonly given: string;
  readonly birth: string;
  readonly sex: string;
  readonly identifier: string;
  readonly street: string;
  readonly postal: string;
  readonly city: string;
  readonly country: string;
  readonly phone: string;
  readonly email: string;
  readonly allergies: readonly Allergy[];
  readonly conditions: readonly string[];
  readonly payor: string;
  readonly member: string;
  readonly reason: string;
}

/** Leaves out what is empty: FHIR has no empty strings, arrays or objects. */
function compact(value: JsonObject): JsonObject {
  const kept = Object.entries(value).filter(([, item]) => {
    if (item === undefined || item === '' || item === null) return false;
    if (Array.isArray(item)) return item.length > 0;
    return !isObject(item) || Object.keys(item).length > 0;
  });
  return Object.fromEntries(kept);
}

function listOf(value: JsonObject): Json[] {
  return Object.keys(value).length > 0 ? [value] : [];
}

function patient(form: Registration): Resource {
  const address = compact({
    line: form.street === '' ? [] : [form.street], city: form.city, postalCode: form.postal, country: form.country,
  });
  const contacts = [['phone', form.phone], ['email', form.email]].filter(([, value]) => value !== '');
  return compact({
    resourceType: 'Patient',
    identifier: form.identifier === '' ? [] : [{ system: IDENTIFIER_SYSTEM, value: form.identifier }],
    name: [compact({ use: 'official', family: form.family, given: form.given.split(/\s+/).filter((part) => part !== '') })],
    birthDate: form.birth,
    gender: form.sex,
    address: listOf(address),
    telecom: contacts.map(([system, value]) => ({ system: system as string, value: value as string })),
  });
}

function clinical(system: string, code: string): JsonObject {
  return { coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code }] };
}

function allergy(item: Allergy, subject: JsonObject): Resource {
  return compact({
    resourceType: 'AllergyIntolerance', clinicalStatus: clinical('allergyintolerance-clinical', 'active'),
    criticality: item.risk, code: { text: item.substance }, patient: subject,
  });
}

function condition(text: string, subject: JsonObject): Resource {
  return {
    resourceType: 'Condition', clinicalStatus: clinical('condition-clinical', 'active'), code: { text }, subject,
  };
}

function encounter(reason: string, subject: JsonObject): Resource {
  return {
    resourceType: 'Encounter', status: 'in-progress',
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
    subject, reasonCode: [{ text: reason }], period: { start: new Date().toISOString() },
  };
}

function coverage(form: Registration, subject: JsonObject): Resource {
  return compact({
    resourceType: 'Coverage', status: 'active', beneficiary: subject, payor: [{ display: form.payor }],
    subscriberId: form.member,
  });
}

/** One transaction: all of it is saved, or nothing. */
export function registrationBundle(form: Registration): JsonObject {
  const patientUrl = `urn:uuid:${crypto.randomUUID()}`;
  const subject = { reference: patientUrl };
  const others: Resource[] = [
    ...form.allergies.map((item) => allergy(item, subject)),
    ...form.conditions.map((item) => condition(item, subject)),
    ...(form.reason === '' ? [] : [encounter(form.reason, subject)]),
    ...(form.payor === '' ? [] : [coverage(form, subject)]),
  ];
  const entry = (resource: Resource, fullUrl: string) => ({
    fullUrl, resource, request: { method: 'POST', url: resource.resourceType as string },
  });
  return {
    resourceType: 'Bundle', type: 'transaction',
    entry: [entry(patient(form), patientUrl), ...others.map((item) => entry(item, `urn:uuid:${crypto.randomUUID()}`))],
  };
}

export function orderOf(patientId: string, studyId: string): Resource {
  return {
    resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject: { reference: `Patient/${patientId}` },
    code: { text: 'Chest film reading' }, supportingInfo: [{ reference: `ImagingStudy/${studyId}` }],
  };
}
