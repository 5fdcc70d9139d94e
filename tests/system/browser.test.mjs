// SPDX-License-Identifier: Apache-2.0
// The whole story by mouse and keyboard in real Chromium, with a screenshot of each page; and the story that must not happen: with a
// wrong measurement nothing of a patient leaves the browser.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { openStack, closeStack, BIN, ROOT, SAMPLES } from './support/stack.mjs';
import { lookAtFolder } from './support/leak/places.mjs';
import { Search } from './support/leak/search.mjs';
import { openBrowser, openPage, screenshot } from './support/browser.mjs';
import { demoAccounts } from '../../scripts/stack/accounts.mjs';

const CANARY = { family: 'Canaryfinch', given: 'Quillonette', identifier: 'CNRY-77310', street: '9 Canary Row', phone: '+1 555 0177' };
let stack;
let browser;
let accounts;

before(async () => {
  execFileSync(join(ROOT, 'scripts/build-portal'), { stdio: 'ignore' });
  stack = await openStack({ portal: true });
  await stack.start();
  await stack.ready(30000);
  accounts = await demoAccounts(stack);
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await closeStack(stack);
});

const id = (page, name) => page.getByTestId(name);

async function verifiedPage(options) {
  const opened = await openPage(browser, stack.urls.portal, options);
  await opened.page.locator('[data-testid=pill][data-phase=verified]').waitFor({ timeout: 30000 });
  return opened;
}

async function signIn(page, person) {
  await page.goto(`${stack.urls.portal}/#/sign-in`);
  await id(page, 'field-user').fill(person.user);
  await id(page, 'field-password').fill(person.password);
  await page.keyboard.press('Enter');
  await id(page, 'user-menu').waitFor({ timeout: 20000 });
}

/** What a request's address or body says in clear about the canary patient. */
function leaks(requests) {
  return requests.filter((request) => Object.values(CANARY).some((value) => request.url.includes(value) || request.body?.includes(Buffer.from(value))));
}

describe('the story', () => {
  let opened;
  before(async () => {
    opened = await verifiedPage();
  });
  after(() => opened?.context.close());

  test('the trust page shows each hop verified, and the banner that cannot be closed', async () => {
    const { page } = opened;
    await page.goto(`${stack.urls.portal}/#/trust`);
    for (const hop of ['platform', 'gate', 'diagnosis']) await page.locator(`[data-testid=card-${hop}][data-verdict=accepted]`).waitFor();
    assert.ok(await id(page, 'simulation-banner').isVisible());
    assert.equal(await id(page, 'simulation-banner').getByRole('button').count(), 0);
    await screenshot(page, '1-trust');
  });

  test('the clerk signs in with the keyboard', async () => {
    const { page } = opened;
    await page.goto(`${stack.urls.portal}/#/sign-in`);
    await id(page, 'field-user').waitFor();
    await screenshot(page, '2-sign-in');
    await signIn(page, accounts.clerk);
    await screenshot(page, '3-patients');
  });

  test('a patient is registered', async () => {
    const { page } = opened;
    await id(page, 'register').first().click();
    await id(page, 'field-family').fill(CANARY.family);
    await id(page, 'field-given').fill(CANARY.given);
    await id(page, 'field-birth').fill('2021-05-04');
    await id(page, 'field-sex').selectOption('female');
    await id(page, 'field-identifier').fill(CANARY.identifier);
    await id(page, 'field-street').fill(CANARY.street);
    await id(page, 'field-phone').fill(CANARY.phone);
    await screenshot(page, '4-register');
    await id(page, 'save').click();
    await page.waitForURL(/#\/patients\/[0-9a-f]{32}/, { timeout: 20000 });
    await id(page, 'add-film').waitFor();
    await screenshot(page, '5-record');
  });

  for (const [name, positive] of [['synthetic-pneumonia.dcm', 'true'], ['synthetic-normal.dcm', 'false'], ['synthetic-limb.dcm', 'none']]) {
    test(`${name} is uploaded and read`, async () => {
      const { page } = opened;
      const patient = /#\/patients\/([0-9a-f]{32})/.exec(page.url())?.[1] ?? opened.patient;
      opened.patient = patient;
      await page.goto(`${stack.urls.portal}/#/patients/${patient}/films`);
      await id(page, 'film-input').setInputFiles(join(SAMPLES, name));
      await page.locator('[data-testid=film-row][data-phase=done]').last().waitFor({ timeout: 30000 });
      await id(page, 'thumbnail').last().waitFor();
      await screenshot(page, '6-films');
      await id(page, 'order').last().click();
      await page.waitForURL(/#\/reports\//, { timeout: 30000 });
      await page.locator(`[data-testid=finding][data-positive=${positive}]`).waitFor({ timeout: 20000 });
      await id(page, 'viewer').waitFor();
      await screenshot(page, `7-result-${name.replace('synthetic-', '').replace('.dcm', '')}`);
      assert.match(await page.title(), /./);
    });
  }

  test('an unreadable file is refused in words', async () => {
    const { page } = opened;
    await page.goto(`${stack.urls.portal}/#/patients/${opened.patient}/films`);
    await id(page, 'film-input').setInputFiles({ name: 'cut.png', mimeType: 'image/png', buffer: Buffer.from('89504e470d0a1a0a0000000d49484452000000100000001008000000003a98a0bd', 'hex') });
    await page.locator('[data-testid=film-row][data-phase=refused]').waitFor({ timeout: 30000 });
    await screenshot(page, '8-refused-film');
  });

  test('a reload loses nothing', async () => {
    const { page } = opened;
    await page.goto(`${stack.urls.portal}/#/patients`);
    await page.reload();
    await id(page, 'user-menu').waitFor({ timeout: 30000 });
    await page.locator('[data-testid=pill][data-phase=verified]').waitFor({ timeout: 30000 });
    await id(page, 'patient-search').fill(CANARY.family.slice(0, 2));
    await id(page, 'patient-row').first().waitFor();
    assert.match(await id(page, 'patient-row').first().innerText(), new RegExp(CANARY.family));
  });

  test('the clinician finds the results in the inbox', async () => {
    const other = await verifiedPage({ colorScheme: 'dark' });
    await signIn(other.page, accounts.clinician);
    await id(other.page, 'nav-inbox').click();
    await id(other.page, 'inbox-row').first().waitFor();
    await screenshot(other.page, '9-inbox-dark');
    const waiting = await id(other.page, 'acknowledge').count();
    await id(other.page, 'acknowledge').first().click();
    await assert.doesNotReject(async () => {
      for (let tries = 0; tries < 50 && (await id(other.page, 'acknowledge').count()) === waiting; tries++) await other.page.waitForTimeout(100);
      assert.ok((await id(other.page, 'acknowledge').count()) < waiting);
    });
    assert.deepEqual(other.errors, []);
    await other.context.close();
  });

  test('the administrator makes an account', async () => {
    const other = await verifiedPage();
    await signIn(other.page, { user: 'admin', password: stack.password });
    await id(other.page, 'nav-accounts').click();
    await id(other.page, 'field-account-name').fill('C. Night');
    await id(other.page, 'field-account-user').fill('night.clerk');
    await id(other.page, 'field-account-role').selectOption('clerk');
    await id(other.page, 'field-account-password').fill('a long enough one');
    await id(other.page, 'create-account').click();
    await id(other.page, 'account-row').filter({ hasText: 'night.clerk' }).waitFor();
    await screenshot(other.page, '10-accounts');
    await other.context.close();
  });

  test('nothing of the patient was ever sent in clear, and no other host was asked', () => {
    assert.ok(opened.requests.some((request) => request.url.includes('/sealed/')));
    assert.deepEqual(leaks(opened.requests), []);
    const origins = new Set(opened.requests.filter((request) => request.url.startsWith('http')).map((request) => new URL(request.url).origin));
    assert.deepEqual([...origins].sort(), [stack.urls.portal, stack.urls.platformIngress, stack.urls.attestationIngress].sort());
    assert.deepEqual(opened.errors, []);
  });
});

test('nothing of the patient stands in clear in any file of the stack: logs, records, caches', () => {
  const search = new Search(Object.entries(CANARY).map(([name, text]) => ({ name, text })));
  assert.deepEqual(lookAtFolder(search, stack.folder).found, []);
  // The look itself works: what is written in clear is found.
  writeFileSync(stack.path('log', 'planted'), `a line with ${CANARY.family}`);
  assert.equal(lookAtFolder(search, stack.folder).found.length, 1);
});

describe('what must not happen', () => {
  /** A site whose manifest names another measurement for one role; signed by the same deployment key. */
  function siteWithWrongMeasurement(role) {
    const payload = JSON.parse(readFileSync(stack.path('manifest.json'), 'utf8'));
    payload.roles[role].identities[0].mrenclave = '5a'.repeat(32);
    payload.version += 1;
    writeFileSync(stack.path('wrong.json'), JSON.stringify(payload));
    execFileSync(join(BIN, 'lazaret'), ['manifest', 'sign', '--key', stack.path('keys', 'deployment.pem'), '--out', stack.path('wrong.jws'), stack.path('wrong.json')]);
    return readFileSync(stack.path('wrong.jws'));
  }

  for (const role of ['platform', 'gate', 'diagnosis']) {
    test(`with a wrong measurement of the ${role} no request with patient data leaves the browser`, async () => {
      const wrong = siteWithWrongMeasurement(role);
      const context = await browser.newContext();
      const page = await context.newPage();
      const requests = [];
      page.on('request', (request) => requests.push({ method: request.method(), url: request.url(), body: request.postDataBuffer() }));
      await page.route('**/manifest.jws', (route) => route.fulfill({ body: wrong, contentType: 'application/jose' }));
      await page.goto(stack.urls.portal);
      await page.locator('[data-testid=pill][data-phase=refused]').waitFor({ timeout: 30000 });
      await page.goto(`${stack.urls.portal}/#/sign-in`);
      await id(page, 'field-user').waitFor();
      assert.ok(await id(page, 'field-user').isDisabled(), 'data entry is locked');
      await page.goto(`${stack.urls.portal}/#/trust`);
      await screenshot(page, `11-refused-${role}`);
      assert.deepEqual(requests.filter((request) => request.url.includes('/sealed/')), []);
      assert.deepEqual(leaks(requests), []);
      await context.close();
    });
  }

  test('a changed trust file does not run', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const requests = [];
    page.on('request', (request) => requests.push(request.url()));
    const trust = JSON.parse(readFileSync(join(stack.site, 'trust.json'), 'utf8'));
    await page.route('**/trust.json', (route) => route.fulfill({ body: JSON.stringify({ ...trust, deployment: 'A'.repeat(43) }), contentType: 'application/json' }));
    await page.goto(stack.urls.portal);
    await page.waitForTimeout(1500);
    assert.deepEqual(requests.filter((url) => !url.startsWith(stack.urls.portal)), []);
    await screenshot(page, '12-changed-trust-file');
    await context.close();
  });
});
