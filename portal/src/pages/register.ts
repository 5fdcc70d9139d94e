// SPDX-License-Identifier: Apache-2.0
//
// Registration, in the order of a conversation. What is typed stays in this tab until it is registered; people who may
// be here already appear beside it and never stand in the way.

import type { App, Page } from '../app/context.js';
import { nameOf, registrationBundle, textAt, type Registration, type Resource } from '../app/fhir.js';
import { drop, keep, stored } from '../app/storage.js';
import { newIdempotencyKey } from '../channel/sealed.js';
import { isObject, type JsonObject } from '../trust/json.js';
import { h, replace, type Child } from '../view/dom.js';
import { errorNotice } from '../view/error.js';
import { birthDate, email, field, letters, phone, validateAll, type Field } from '../view/form.js';
import { day } from '../view/format.js';
import { isOpen, locked } from '../view/lock.js';
import { button, notice, pageHead } from '../view/parts.js';
import { t } from '../view/words.js';

const DRAFT = 'lazaret.draft.register';
const WAIT_MS = 400;
const SEXES = ['female', 'male', 'other', 'unknown'] as const;
const RISKS = ['unable-to-assess', 'low', 'high'] as const;
const REPEAT_MAX = 8;

type Single = Exclude<keyof Registration, 'allergies' | 'conditions'>;

function makeFields(): Record<Single, Field> {
  const sexes = [['', ''] as const, ...SEXES.map((code) => [code, t(`sex.${code}`)] as const)];
  return {
    family: field({ name: 'family', label: t('register.family'), required: true, check: letters }),
    given: field({ name: 'given', label: t('register.given'), required: true, check: letters }),
    birth: field({ name: 'birth', label: t('register.birth'), type: 'date', required: true, check: birthDate, size: 'small' }),
    sex: field({ name: 'sex', label: t('register.sex'), required: true, choices: sexes, size: 'small' }),
    identifier: field({ name: 'identifier', label: t('register.identifier'), size: 'medium', maximum: 64 }),
    street: field({ name: 'street', label: t('register.street') }),
    postal: field({ name: 'postal', label: t('register.postal'), size: 'small', maximum: 20 }),
    city: field({ name: 'city', label: t('register.city'), size: 'medium' }),
    country: field({ name: 'country', label: t('register.country'), size: 'medium' }),
    phone: field({ name: 'phone', label: t('register.phone'), type: 'tel', check: phone, size: 'medium', maximum: 40 }),
    email: field({ name: 'email', label: t('register.email'), type: 'email', check: email, size: 'medium' }),
    payor: field({ name: 'payor', label: t('register.payor'), size: 'medium' }),
    member: field({ name: 'member', label: t('register.member'), size: 'medium', maximum: 64 }),
    reason: field({ name: 'reason', label: t('register.reason'), rows: 3, maximum: 240 }),
  };
}

interface Row {
  readonly element: HTMLElement;
  readonly fields: readonly Field[];
}

/** Rows of which there may be several, with a button for one more. */
class Rows {
  readonly list: Row[] = [];
  readonly element = h('div', { class: 'repeat' });
  private readonly holder = h('div', {});
  private readonly more: HTMLButtonElement;

  constructor(private readonly make: () => Field[], addText: string, test: string, private readonly changed: () => void) {
    this.more = button(addText, () => this.add().fields[0]?.input.focus(), { kind: 'quiet', test });
    this.element.append(this.holder, this.more);
    this.add();
  }

  add(): Row {
    const fields = this.make();
    const element = h('div', { class: 'repeat-row' }, fields.map((item) => item.element));
    const row = { element, fields };
    if (this.list.length > 0) {
      element.append(button(t('register.remove'), () => this.remove(row), { kind: 'quiet' }));
    }
    this.list.push(row);
    this.holder.append(element);
    this.more.hidden = this.list.length >= REPEAT_MAX;
    return row;
  }

  private remove(row: Row): void {
    this.list.splice(this.list.indexOf(row), 1);
    row.element.remove();
    this.more.hidden = false;
    this.changed();
    this.more.focus();
  }

  values(): string[][] {
    return this.list.map((row) => row.fields.map((item) => item.value())).filter(([first]) => first !== '');
  }

  /** Puts back what was typed. */
  restore(values: readonly (readonly string[])[]): void {
    values.slice(0, REPEAT_MAX).forEach((texts, i) => {
      const row = this.list[i] ?? this.add();
      row.fields.forEach((item, at) => item.set(texts[at] ?? ''));
    });
  }
}

class RegistrationForm {
  readonly fields = makeFields();
  readonly allergies = new Rows(() => {
    const risks = RISKS.map((code) => [code, t(`register.risk.${code}`)] as const);
    return [
      field({ name: 'allergy', label: t('register.allergy'), size: 'medium' }),
      field({ name: 'risk', label: t('register.allergyRisk'), choices: risks, size: 'small' }),
    ];
  }, t('register.addAllergy'), 'add-allergy', () => this.save());
  readonly conditions = new Rows(
    () => [field({ name: 'condition', label: t('register.condition'), size: 'medium' })], t('register.addCondition'),
    'add-condition', () => this.save());

  all(): Field[] {
    const repeated = [...this.allergies.list, ...this.conditions.list].flatMap((row) => row.fields);
    return [...Object.values(this.fields), ...repeated];
  }

  value(): Registration {
    const single = Object.fromEntries(Object.entries(this.fields).map(([name, item]) => [name, item.value()]));
    return {
      ...(single as Record<Single, string>),
      allergies: this.allergies.values().map(([substance = '', risk = '']) => ({ substance, risk })),
      conditions: this.conditions.values().map(([text = '']) => text),
    };
  }

  save(): void {
    keep('tab', DRAFT, JSON.stringify(this.value()));
  }

  restore(): void {
    try {
      const value: unknown = JSON.parse(stored('tab', DRAFT) ?? 'null');
      if (!isObject(value)) return;
      const draft = value as unknown as Registration;
      for (const [name, item] of Object.entries(this.fields)) item.set(draft[name as Single] ?? '');
      this.allergies.restore(draft.allergies.map((item) => [item.substance, item.risk]));
      this.conditions.restore(draft.conditions.map((text) => [text]));
    } catch {
      drop('tab', DRAFT);
    }
  }
}

function section(title: string, ...children: Child[]): HTMLElement {
  return h('fieldset', { class: 'section' }, h('legend', {}, title), h('div', { class: 'section-fields' }, children));
}

function sections(form: RegistrationForm): HTMLElement[] {
  const { fields: f } = form;
  return [
    section(t('register.who'), [f.family, f.given, f.birth, f.sex, f.identifier].map((item) => item.element)),
    section(t('register.reach'), [f.street, f.postal, f.city, f.country, f.phone, f.email].map((item) => item.element)),
    section(t('register.know'), form.allergies.element, form.conditions.element),
    section(t('register.insurance'), f.payor.element, f.member.element),
    section(t('register.today'), f.reason.element),
  ];
}

/** People who may be here already: cards on the right, never a block. */
class Duplicates {
  readonly element = h('aside', { class: 'duplicates', 'aria-live': 'polite' });
  private readonly dismissed = new Set<string>();
  private timer = 0;
  private asked = 0;

  constructor(private readonly app: App) {
    this.draw([]);
  }

  watch(form: Registration): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.look(form), WAIT_MS);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.asked++;
  }

  private async look(form: Registration): Promise<void> {
    const turn = ++this.asked;
    if (!isOpen(this.app.keeper.state.value)) return;
    const questions: Record<string, string>[] = [];
    if (form.identifier.length >= 2) questions.push({ identifier: form.identifier });
    if (form.family.length >= 2) questions.push(form.birth === '' ? { name: form.family } : { name: form.family, birthdate: form.birth });
    try {
      const found = (await Promise.all(questions.map((query) => this.app.platform.patients(query)))).flat();
      if (turn === this.asked) this.draw(found);
    } catch {
      if (turn === this.asked) this.draw([]); // only a convenience: registering itself says what is wrong
    }
  }

  private draw(found: readonly Resource[]): void {
    const seen = new Map(found.map((patient) => [textAt(patient, 'id'), patient]));
    const cards = [...seen].filter(([id]) => !this.dismissed.has(id)).slice(0, 5).map(([id, patient]) => this.card(id, patient));
    replace(
      this.element, h('h2', {}, t('register.duplicates')),
      cards.length > 0 ? cards : h('p', { class: 'soft' }, t('register.duplicatesNone')));
  }

  private card(id: string, patient: Resource): HTMLElement {
    const card = h(
      'article', { class: 'card', 'data-testid': 'duplicate' }, h('h3', {}, nameOf(patient)),
      h('p', { class: 'soft' }, `${day(textAt(patient, 'birthDate'))} · ${textAt(patient, 'identifier', 0, 'value') || '–'}`),
      h('div', { class: 'button-row' },
        h('a', { class: 'button button-plain', href: `#/patients/${id}` }, t('register.same')),
        button(t('register.else'), () => {
          this.dismissed.add(id);
          card.remove();
        }, { kind: 'quiet' })));
    return card;
  }
}

function insurerMissing(form: RegistrationForm): boolean {
  const { payor, member } = form.fields;
  return member.value() !== '' && payor.value() === '';
}

export function registerPage(app: App): Page {
  const form = new RegistrationForm();
  form.restore();
  const duplicates = new Duplicates(app);
  const message = h('div', {});
  let attempt: { key: string; bundle: JsonObject } | undefined; // made anew after each change: a retry registers once
  const submit = button(t('register.save'), () => undefined, { kind: 'primary', submit: true, test: 'save' });
  const clear = button(t('register.clear'), () => {
    drop('tab', DRAFT);
    app.go('#/register');
  }, { kind: 'quiet' });
  const run = async () => {
    const good = validateAll(form.all());
    if (!good || insurerMissing(form)) {
      const labels = form.all().filter((item) => !item.validate()).map((item) => item.label);
      if (labels.length === 0) form.fields.payor.input.focus();
      const text = labels.length === 0 ? t('field.insurerMissing') : t('register.checkFields', { fields: labels.join(', ') });
      replace(message, notice('attention', text));
      return;
    }
    submit.disabled = true;
    submit.textContent = t('register.saving');
    replace(message);
    try {
      attempt ??= { key: newIdempotencyKey(), bundle: registrationBundle(form.value()) };
      const id = await app.platform.register(attempt.bundle, attempt.key);
      drop('tab', DRAFT);
      app.go(`#/patients/${id}`);
    } catch (thrown) {
      replace(message, errorNotice(thrown));
    } finally {
      submit.disabled = false;
      submit.textContent = t('register.save');
    }
  };
  const element = h('form', {
    class: 'register', novalidate: true,
    on: {
      submit: (event) => { event.preventDefault(); void run(); },
      input: () => {
        attempt = undefined;
        form.save();
        duplicates.watch(form.value());
      },
    },
  }, sections(form), message, h('div', { class: 'button-row' }, submit, clear, h('span', { class: 'soft' }, t('register.draft'))));
  const lock = locked(app.keeper, element);
  duplicates.watch(form.value());
  const page = h('div', {}, pageHead(t('register.title')), h('div', { class: 'two-columns wide-left' }, lock.element, duplicates.element));
  const dispose = () => {
    lock.dispose();
    duplicates.stop();
  };
  return { title: t('register.title'), element: page, focus: form.fields.family.input, dispose };
}
