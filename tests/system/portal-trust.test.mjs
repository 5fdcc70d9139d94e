// SPDX-License-Identifier: Apache-2.0
// The portal's own trust, in real Chromium: a changed file of the site does not run, the policy holds against what is put into the
// page, nothing that any server answers blanks or scripts it, and with each hop false in turn no patient data leaves the browser.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BIN, ROOT } from './support/stack.mjs';
import { openBrowser } from './support/browser.mjs';
import { FalseDeployment, PASSWORD, portalParts, watchedPage } from './support/false-deployment.mjs';

const CANARY = ['Canaryfinch', 'CNRY-77310'];
const RELEASE = join(ROOT, 'build/portal/portal-release.json');
const WAIT = { timeout: 30000 };
let parts;
let world;
let browser;
let context;

before(async () => {
  execFileSync(join(ROOT, 'scripts/build-portal'), { stdio: 'ignore' });
  parts = await portalParts();
  world = await FalseDeployment.open(parts);
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await world?.close();
});
const id = (page, name) => page.getByTestId(name);
const pill = (page, phase) => page.locator(`[data-testid=pill][data-phase=${phase}]`).waitFor(WAIT);

/** A fresh browser profile and an honest world for each test. */
async function open({ load = true } = {}) {
  await context?.close();
  await world.reset();
  context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const opened = await watchedPage(context);
  if (load) {
    await opened.page.goto(world.urls.portal);
    await pill(opened.page, 'verified');
  }
  return opened;
}

async function signIn(page, user = 'clerk') {
  await page.goto(`${world.urls.portal}/#/sign-in`);
  await id(page, 'field-user').fill(user);
  await id(page, 'field-password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await id(page, 'user-menu').waitFor(WAIT);
}

const toServers = (seen) => seen.requests.filter(({ url }) => url.startsWith(world.urls.platform) || url.startsWith(world.urls.attestation)).map(({ url }) => url);
const sealed = (seen) => seen.requests.filter(({ url }) => url.includes('/sealed/'));
function assertNoCanary(seen) {
  for (const word of CANARY) {
    assert.deepEqual([...seen.requests, ...world.arrived].filter(({ url, body }) => url.includes(word) || body?.includes(word)), []);
  }
}

/** What holds whatever the servers say. */
async function assertAlive(page, seen, what, { retry } = {}) {
  assert.deepEqual(seen.errors, [], `${what}: an error that nobody caught`);
  assert.deepEqual(seen.dialogs, [], what);
  assert.deepEqual([...seen.visited], [world.urls.portal], `${what}: the page went elsewhere`);
  const state = await page.evaluate(() => ({
    header: document.querySelector('header.frame')?.getBoundingClientRect().height ?? 0, text: document.querySelector('main')?.innerText.trim().length ?? 0,
    scripted: globalThis.scripted, polluted: {}.polluted, markup: document.querySelectorAll('main script, main iframe, main object, img[src="x"], [onerror]').length,
  }));
  assert.ok(state.header > 20 && state.text > 10, `${what}: ${JSON.stringify(state)}`);
  assert.deepEqual([state.scripted, state.polluted, state.markup], [undefined, undefined, 0], what);
  if (retry) assert.ok(await id(page, retry).first().isVisible(), `${what}: no ${retry} button`);
}

const flip = (content, at = content.length >> 1) => {
  const copy = Buffer.from(content);
  copy[at] ^= 1;
  return copy;
};
const WAYS = {
  'with one byte changed': (file) => ({ ...file, content: flip(file.content) }),
  'cut short': (file) => ({ ...file, content: file.content.subarray(0, file.content.length - 1) }),
  'with a byte more': (file) => ({ ...file, content: Buffer.concat([file.content, Buffer.from(' ')]) }),
  missing: () => ({ status: 404, type: 'text/html', content: '<h1>not found</h1>' }),
  'replaced by HTML': (file) => ({ ...file, type: 'text/html', content: '<script>globalThis.scripted = 1</script>' }),
  'broken off': (file, request, response) => {
    response.writeHead(200, { 'content-type': file.type, 'content-length': file.content.length });
    response.write(file.content.subarray(0, 10), () => response.destroy());
    return 'answered';
  },
};
const tampered = (pattern, way) => (name, file, request, response) => (pattern.test(name) ? way(file, request, response) : undefined);

describe('a changed file of the site does not run', () => {
  const CASES = {
    script: { pattern: /^portal-.*\.js$/, title: 'This page did not start', names: /portal-[0-9a-f]{16}\.js \(sha384-/, others: { 'of another type': (file) => ({ ...file, type: 'text/plain' }) } },
    'style sheet': { pattern: /^portal-.*\.css$/, title: 'This page was changed and does not run', names: /style sheet/, others: { 'of another type': (file) => ({ ...file, type: 'text/plain' }) } },
    'trust file': { pattern: /^trust\.json$/, title: /This page (was changed|cannot find whom to trust)/, names: /whom to trust/, others: {
      'of another deployment': (file) => ({ ...file, content: file.content.toString().replace(world.deployment.root.thumbprint, 'A'.repeat(43)) }),
      'of an older address': (file) => ({ ...file, content: file.content.toString().replace(world.urls.platform, 'http://localhost:1') }),
      'of 100 MB': (file) => ({ ...file, content: Buffer.alloc(100e6, 0x20) }),
      redirected: () => ({ status: 302, type: 'text/html', content: '', headers: { location: `${world.urls.store}/trust.json` } }),
    } },
  };
  let opened;
  before(async () => {
    opened = await open({ load: false });
  });
  for (const [what, { pattern, title, names, others }] of Object.entries(CASES)) {
    for (const [how, way] of Object.entries({ ...WAYS, ...others })) {
      test(`${what} ${how}`, async () => {
        const { page, seen } = opened;
        seen.requests.length = 0;
        world.at.site = tampered(pattern, way);
        await page.goto(`${world.urls.portal}/?${encodeURIComponent(what + how)}`);
        await page.getByRole('heading', { name: title }).waitFor(WAIT);
        assert.match(await page.locator('body').innerText(), names);
        assert.match(await page.locator('body').innerText(), /[Nn]othing (was|is) sent/);
        assert.deepEqual(toServers(seen), []);
        assert.equal(await page.evaluate(() => globalThis.scripted), undefined);
        assert.equal(await page.locator('input, select, textarea').count(), 0);
        assert.deepEqual(seen.errors, []);
        world.at.site = undefined;
      });
    }
  }

  test('the manifest changed, cut short, missing, of another key: refused by its signature, and nothing is asked of anybody', async () => {
    const { page, seen } = opened;
    const other = await parts.Deployment.make();
    const ways = Object.entries(WAYS).filter(([how]) => how !== 'with a byte more').map(([, way]) => way); // white space at the end is passed over
    for (const way of [...ways, (file) => ({ ...file, content: other.manifest() })]) {
      seen.requests.length = 0;
      world.at.site = tampered(/^manifest\.jws$/, way);
      await page.goto(`${world.urls.portal}/?m${Math.random()}`);
      await pill(page, 'refused');
      assert.deepEqual(toServers(seen), []);
      await assertAlive(page, seen, 'manifest');
    }
    world.at.site = undefined;
  });

  test('changed between two loads: the second does not run, and the third does again', async () => {
    const { page, seen } = await open();
    const script = readdirSync(join(world.folder, 'site')).find((name) => name.endsWith('.js'));
    for (const name of [script, 'trust.json']) {
      const path = join(world.folder, 'site', name);
      const good = readFileSync(path);
      writeFileSync(path, flip(good));
      const before = toServers(seen).length;
      await page.reload();
      await page.getByRole('heading', { name: /This page (did not start|was changed)/ }).waitFor(WAIT);
      assert.equal(toServers(seen).length, before);
      writeFileSync(path, good);
      await page.reload();
      await pill(page, 'verified');
    }
    assert.deepEqual(seen.errors, []);
  });

  test('served slowly: the page says that it has not started, takes nothing, and starts', async () => {
    const { page, seen } = await open({ load: false });
    let release;
    const held = new Promise((resolve) => { release = resolve; });
    world.at.site = async (name) => { if (name.endsWith('.js')) await held; };
    await page.goto(world.urls.portal, { waitUntil: 'commit' });
    await page.getByRole('heading', { name: 'This page has not started' }).waitFor(WAIT);
    assert.equal(await page.locator('input').count(), 0);
    assert.deepEqual(toServers(seen), []);
    release();
    await pill(page, 'verified');
  });
});

describe('the policy', () => {
  test('holds against what somebody puts into the page that is served', async () => {
    const { page, seen } = await open({ load: false });
    world.headers = {}; // the page's own meta element alone
    world.at.site = (name, file) => (name !== 'index.html' ? undefined : { ...file, content: file.content.toString().replace('</body>', `
      <script>globalThis.scripted = 1</script><script src="data:text/javascript,globalThis.scripted=1"></script><script type="module" src="${world.urls.store}/x.js"></script>
      <img src="x" onerror="globalThis.scripted = 1"><iframe srcdoc="<script>parent.scripted = 1</script>"></iframe><iframe src="${world.urls.store}"></iframe>
      <object data="${world.urls.store}/o"></object><base href="${world.urls.store}/"><link rel="stylesheet" href="${world.urls.store}/evil.css"><style>body { display: none }</style>
      <form id="f" action="${world.urls.store}/form"><input name="a"></form></body>`) });
    await page.goto(world.urls.portal);
    await pill(page, 'verified');
    await page.evaluate(() => { setTimeout(() => document.getElementById('f').submit(), 0); });
    await page.evaluate(() => new Promise((wake) => { setTimeout(wake, 100); }));
    assert.equal(await page.evaluate(() => globalThis.scripted), undefined);
    assert.notEqual(await page.evaluate(() => getComputedStyle(document.body).display), 'none');
    assert.deepEqual(world.arrived.filter(({ to }) => to === 'store'), []);
    assert.ok(![...seen.visited].includes(world.urls.store));
  });

  test('by header it also holds before the page\'s own meta element', async () => {
    const { page } = await open({ load: false });
    world.at.site = (name, file) => (name !== 'index.html' ? undefined : { ...file, content: file.content.toString().replace('<head>', '<head><script>globalThis.scripted = 1</script>') });
    await page.goto(world.urls.portal);
    await pill(page, 'verified');
    assert.equal(await page.evaluate(() => globalThis.scripted), undefined);
  });

  test('markup, handlers, evaluated text, workers and other addresses are refused to the page\'s own script, too', async () => {
    const { page } = await open();
    const refused = await page.evaluate(async (store) => {
      const found = [];
      const attempt = async (name, run) => { try { await run(); found.push(`${name} went through`); } catch { /* as it must */ } };
      const element = document.createElement('div');
      document.body.append(element);
      await attempt('innerHTML', () => { element.innerHTML = '<b>x</b>'; });
      await attempt('script text', () => { document.createElement('script').text = 'globalThis.scripted = 1'; });
      await attempt('script address', () => { document.createElement('script').src = 'data:text/javascript,1'; });
      await attempt('worker', () => navigator.serviceWorker.register('sw.js'));
      await attempt('fetch elsewhere', () => fetch(store));
      await attempt('handler', () => element.setAttribute('onclick', 'globalThis.scripted = 1'));
      element.click();
      try { setTimeout('globalThis.scripted = 1', 0); } catch { /* as it must */ }
      const link = document.createElement('a');
      link.href = 'javascript:globalThis.scripted = 1';
      element.append(link);
      link.click();
      await new Promise((resolve) => setTimeout(resolve, 50));
      if (globalThis.scripted) found.push('a handler, a link or a text ran');
      return found;
    }, world.urls.store);
    assert.deepEqual(refused, []);
  });

  test('the page is not shown in somebody else\'s frame', async () => {
    const { page } = await open({ load: false });
    world.at.site = (name) => (name === 'framing.html' ? { status: 200, type: 'text/html', content: `<iframe src="${world.urls.portal}/"></iframe>` } : undefined);
    await page.goto(`${world.urls.store}/framing.html`);
    await page.waitForLoadState('load');
    assert.equal(await page.frameLocator('iframe').getByTestId('pill').count(), 0);
    // The frame's own server is asked for the page, and for an icon when the browser comes to it.
    assert.deepEqual(world.arrived.filter(({ to }) => to !== 'store'), []);
  });
});

describe('everything but index.html from an object store at another origin', () => {
  let opened;
  before(async () => {
    opened = await open({ load: false });
    world.assemble({ fromStore: true });
  });
  after(() => world.assemble());

  test('runs', async () => {
    const { page, seen } = opened;
    await page.goto(world.urls.portal);
    await pill(page, 'verified');
    assert.deepEqual(readdirSync(join(world.folder, 'site')), ['index.html']);
    assert.equal(seen.requests.filter(({ url }) => url.startsWith(world.urls.portal)).length, 1, 'the hospital serves one small file');
    assert.deepEqual(seen.errors, []);
  });
  for (const [what, pattern] of [['script', /\.js$/], ['style sheet', /\.css$/], ['trust file', /^trust\.json$/]]) {
    test(`${what} changed there, or not opened to this origin: does not run`, async () => {
      const { page, seen } = opened;
      for (const way of [WAYS['with one byte changed'], (file) => ({ ...file, closed: true })]) {
        seen.requests.length = 0;
        world.at.site = tampered(pattern, way);
        await page.goto(`${world.urls.portal}/?${Math.random()}`);
        await page.getByRole('heading', { name: /This page (did not start|was changed|cannot find)/ }).waitFor(WAIT);
        assert.deepEqual(toServers(seen), []);
      }
      world.at.site = undefined;
    });
  }
});

/* ---- what any server answers ---- */

const MB = 1e6;
const GARBAGE = {
  'random bytes': (response, send, random) => send(response, 200, 'application/json', random.bytes(999)),
  'HTML with script': (response, send) => send(response, 200, 'text/html', parts.MARKUP),
  'a JSON string of markup': (response, send) => send(response, 200, 'application/json', JSON.stringify(parts.MARKUP)),
  '100 MB': (response, send) => send(response, 200, 'application/json', Buffer.alloc(100 * MB, 0x20)),
  '10,000 levels': (response, send) => send(response, 200, 'application/json', '{"evidence":'.repeat(10000) + '1' + '}'.repeat(10000)),
  'nothing, 204': (response, send) => send(response, 204, 'application/json', ''),
  'nothing, 304': (response, send) => send(response, 304, 'application/json', ''),
  'a redirect to elsewhere': (response) => { response.writeHead(302, { location: `${world.urls.store}/`, 'access-control-allow-origin': '*' }); response.end(); },
  'a cookie and a refresh': (response) => {
    response.writeHead(200, { 'set-cookie': 'a=b', refresh: `0; url=${world.urls.store}`, 'access-control-allow-origin': world.urls.portal });
    response.end('{}');
  },
  'interim answers first': (response, send) => { response.writeProcessing(); response.writeEarlyHints({ link: '</x>; rel=preload; as=script' }); send(response, 200, 'application/json', '[]'); },
  'a reset before the answer': (response) => response.socket.resetAndDestroy(),
  'a reset in the answer': (response) => {
    response.writeHead(200, { 'content-length': 1000, 'access-control-allow-origin': world.urls.portal });
    response.write('{"evidence":"', () => response.socket.resetAndDestroy());
  },
  'no CORS header': (response) => { response.writeHead(200, { 'content-type': 'application/json' }); response.end('{}'); },
};

describe('whatever a server answers, the page stays and says it', () => {
  let opened;
  before(async () => {
    opened = await open();
    await opened.page.goto(`${world.urls.portal}/#/trust`);
  });
  const checkAgain = (page) => id(page, 'check-again').click();

  for (const endpoint of ['evidence', 'appraise']) {
    test(`${endpoint}: ${Object.keys(GARBAGE).length} kinds of garbage`, async () => {
      const { page, seen } = opened;
      for (const [what, give] of Object.entries(GARBAGE)) {
        world.at[endpoint] = (response, send) => give(response, (_, ...rest) => send(...rest), new parts.Random(7));
        await checkAgain(page);
        await pill(page, 'refused');
        await assertAlive(page, seen, `${endpoint}: ${what}`, { retry: 'check-again' });
        assert.match(await page.locator('.verdict').innerText(), /patient data/, what);
        world.at = {};
        await checkAgain(page);
        await pill(page, 'verified');
      }
      assert.deepEqual(sealed(seen), []);
      assert.deepEqual(await context.cookies(), []);
      assert.deepEqual(world.arrived.filter(({ to }) => to === 'store'), []);
    });
  }

  test('evidence with any member spoilt, and an endless one', async () => {
    const { page, seen } = opened;
    const members = ['evidence', 'runtimeData', 'token', 'statement', 'proof'];
    for (let seed = 0; seed < 12; seed++) {
      const random = new parts.Random(seed);
      world.changeEvidence = (evidence) => {
        const name = members[seed % members.length];
        return name === 'evidence' || name === 'runtimeData' ? { ...evidence, [name]: random.of(parts.NASTY.filter((item) => typeof item !== 'string')) }
          : { ...evidence, [name]: seed % 2 ? random.of(parts.NASTY) : parts.misspelt(evidence[name], random) };
      };
      await checkAgain(page);
      await pill(page, 'refused');
      await assertAlive(page, seen, `seed ${seed}`, { retry: 'check-again' });
      world.changeEvidence = undefined;
      await checkAgain(page);
      await pill(page, 'verified');
    }
    let writing;
    world.at.evidence = (response) => {
      response.writeHead(200, { 'access-control-allow-origin': world.urls.portal });
      writing = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(writing));
    };
    const asked = world.arrived.length;
    await page.clock.install();
    await checkAgain(page);
    while (world.arrived.length === asked) await new Promise((wake) => { setTimeout(wake, 10); });
    await page.clock.fastForward(16000);
    await pill(page, 'refused');
    await assertAlive(page, seen, 'endless', { retry: 'check-again' });
    assert.match(await page.locator('.verdict').innerText(), /did not answer in time/);
  });
});

describe('an attested platform that answers anything inside the channel', () => {
  let opened;
  let places;
  const ask = async (session, method, path, body, headers = []) => {
    const answer = await world.records.handle({ method, path, headers: [['authorization', `Bearer ${session}`], ...headers], body: Buffer.from(body ? JSON.stringify(body) : '') });
    return { ...answer, json: answer.body.length ? JSON.parse(Buffer.from(answer.body).toString()) : {} };
  };
  before(async () => {
    opened = await open();
    const { json: { session } } = await ask('', 'POST', '/session', { user: 'clerk', password: PASSWORD });
    const patient = (await ask(session, 'GET', '/fhir/Patient')).json.entry[0].resource.id;
    const { json: { film } } = await ask(session, 'POST', '/films', { patient, size: 1000 });
    const { json: { study } } = await ask(session, 'POST', `/films/${film}/complete`, {});
    const order = await ask(session, 'POST', '/fhir/ServiceRequest', { subject: { reference: `Patient/${patient}` }, supportingInfo: [{ reference: `ImagingStudy/${study}` }] });
    const report = order.headers.find(([name]) => name === 'location-report')[1].split('/')[1];
    places = { patients: '#/patients', record: `#/patients/${patient}`, films: `#/patients/${patient}/films`, report: `#/reports/${report}`, inbox: '#/inbox' };
    await signIn(opened.page, 'doctor');
  });

  const isPicture = (answer) => answer.headers.some(([, value]) => value === 'image/png');
  const rewritten = (change) => (answer) => {
    if (isPicture(answer) || answer.body.length === 0) return answer;
    return { ...answer, body: Buffer.from(change(JSON.parse(Buffer.from(answer.body).toString()))) };
  };
  const everyText = (value) => {
    if (typeof value === 'string') return /^(Patient|Bundle|[A-Z]\w+|POS|NEG|preliminary|[\w.-]{16,}|\w+\/[\w.-]+|urn:.*)$/.test(value) ? value : parts.MARKUP;
    if (Array.isArray(value)) return value.map(everyText);
    return value && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([name, item]) => [name, everyText(item)])) : value;
  };
  const picture = (...bytes) => (answer) => (isPicture(answer) ? { ...answer, body: Buffer.from(bytes.flat()) } : answer);
  const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52];
  const ANSWERS = {
    'markup in every text': rewritten((value) => JSON.stringify(everyText(value))),
    'members that reach for prototypes': rewritten((value) => JSON.stringify(value).replaceAll('{', '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},')),
    'absurd dates': rewritten((value) => JSON.stringify(value).replace(/"\d{4}-\d\d-\d\d[^"]*"/g, (_, at) => ['"9999-99-99"', '"+275760-09-13T00:00:00.001Z"', '"0000-00-00"', '"-1"'][at % 4])),
    '100,000 entries': rewritten((value) => JSON.stringify(value.entry ? { ...value, entry: Array.from({ length: 1e5 }, () => value.entry[0] ?? {}) } : value.messages ? { messages: Array.from({ length: 1e5 }, () => value.messages[0]) } : value)),
    'a text of a megabyte': rewritten((value) => JSON.stringify(value).replace(/"(family|text|conclusion)":"[^"]*"/g, `"$1":"${'x'.repeat(MB)}"`)),
    '10,000 levels': rewritten(() => '{"entry":'.repeat(10000) + '1' + '}'.repeat(10000)),
    'no JSON': rewritten(() => parts.MARKUP),
    'an empty object': rewritten(() => '{}'),
    'a list': rewritten(() => '[]'),
    'no message at all': () => new Uint8Array([0xff, 1, 2, 3]),
    'an answer without a body': () => ({ status: 204, headers: [], body: new Uint8Array(0) }),
    'a problem of markup': () => ({ status: 500, headers: [['content-type', 'application/problem+json']], body: Buffer.from(JSON.stringify({ type: 1, code: parts.MARKUP, detail: parts.MARKUP, seen: parts.MARKUP, fix: [] })) }),
    'an outcome of wrong types': () => ({ status: 422, headers: [['content-type', 'application/fhir+json']], body: Buffer.from('{"resourceType":"OperationOutcome","issue":[{"expression":[{"toString":1}],"details":{"coding":[null]},"diagnostics":[]}]}') }),
    'a picture that is none': picture([1, 2, 3]),
    'a broken picture': picture(PNG, [0, 0, 0, 9, 0, 0, 0, 9, 8, 0, 0, 0, 0, 1, 2, 3]),
    'a picture of 900 million points': picture(PNG, [0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30, 8, 0, 0, 0, 0, 1, 2, 3]),
    'a picture that is a script': picture([...Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg"><script>globalThis.scripted=1</script></svg>`)]),
    ...Object.fromEntries([1, 2, 3, 4].map((seed) => [`spoilt with seed ${seed}`, rewritten((value) => JSON.stringify(parts.spoilt(value, new parts.Random(seed))))])),
  };

  for (const place of ['patients', 'record', 'films', 'report', 'inbox']) {
    test(`${place}: ${Object.keys(ANSWERS).length} kinds of answers`, async () => {
      const { page, seen } = opened;
      for (const [what, change] of Object.entries(ANSWERS)) {
        await page.evaluate(() => { location.hash = '#/trust'; });
        world.at.inner = async (message) => (message.path.startsWith('/session') ? undefined : change(await world.records.handle(message)));
        await page.evaluate((hash) => { location.hash = hash; }, places[place]);
        await page.locator('main h1').first().waitFor(WAIT);
        await page.waitForFunction(() => document.querySelectorAll('main .loading').length === 0, undefined, WAIT);
        await assertAlive(page, seen, `${place}: ${what}`);
        if (['no JSON', 'a list', '100,000 entries', 'no message at all'].includes(what) && place !== 'films') {
          assert.ok((await page.locator('.notice-bad').count()) > 0 || place === 'report' || what === '100,000 entries', `${place}: ${what}: nothing is said`);
          if (await page.locator('.notice-bad').count()) assert.ok(await id(page, 'again').first().isVisible(), `${place}: ${what}: no button to ask again`);
        }
      }
      world.at.inner = undefined;
      await page.evaluate(() => { location.hash = '#/trust'; });
      await page.evaluate((hash) => { location.hash = hash; }, places[place]);
      await page.waitForFunction(() => document.querySelectorAll('main .loading, main .notice-bad').length === 0, undefined, WAIT);
    });
  }

  test('signing in: an account or a session that is none is not kept', async () => {
    const { page, seen } = await open();
    const random = new parts.Random(3);
    const good = { session: 's', expires: 4e9, user: { id: 'a', user: 'u', name: 'n', role: 'clerk' } };
    const bad = [{ ...good, session: 1 }, { ...good, user: null }, { ...good, user: { ...good.user, role: 'constructor' } }, { ...good, user: { ...good.user, name: { toString: 1 } } }, { ...good, expires: 'never' }, random.of(parts.NASTY)];
    for (const body of bad) {
      world.at.inner = () => ({ status: 201, headers: [['content-type', 'application/json']], body: Buffer.from(JSON.stringify(body)) });
      await page.goto(`${world.urls.portal}/#/sign-in`);
      await id(page, 'field-user').fill('clerk');
      await id(page, 'field-password').fill(PASSWORD);
      await page.keyboard.press('Enter');
      await page.locator('.sign-in-form .notice-bad').waitFor(WAIT);
      await assertAlive(page, seen, JSON.stringify(body)?.slice(0, 99));
      await page.reload();
      await pill(page, 'verified');
      assert.equal(await id(page, 'user-menu').count(), 0);
    }
  });

  test('what comes in place of a sealed answer', async () => {
    const { page, seen } = await open();
    await signIn(page);
    await page.locator('[data-testid=patient-row]').first().waitFor(WAIT);
    for (const [what, give] of Object.entries(GARBAGE)) {
      await page.evaluate(() => { location.hash = '#/trust'; });
      world.at.sealed = (response, send) => give(response, (_, ...rest) => send(...rest), new parts.Random(9));
      await page.evaluate(() => { location.hash = '#/patients'; });
      await id(page, 'again').waitFor(WAIT);
      await assertAlive(page, seen, what, { retry: 'again' });
    }
    world.at.sealed = undefined;
    await id(page, 'again').click();
    await page.locator('[data-testid=patient-row]').first().waitFor(WAIT);
    assert.deepEqual(await context.cookies(), []);
  });
});

/* ---- each hop false in turn ---- */

const wrongMeasurement = { 'x-ms-sgx-mrenclave': 'ab'.repeat(32) };
const hopToken = (service, bend) => async (deployment) => { deployment.hopBends[service] = { token: await deployment.token(deployment[service], bend(deployment)) }; };
const FALSE = [
  ['platform: another measurement', 'The platform', /is not the code/, (d) => { d.platformBend = { payload: wrongMeasurement }; }],
  ['platform: a token that nobody known signed', 'The platform', /signature does not match/, async (d) => { d.platformBend = { key: await parts.signingKey('RS256') }; }],
  ['platform: a key of no named issuer', 'The platform', /a key your hospital does not know/, (d) => { d.platformBend = { header: { kid: 'another' } }; }],
  ['platform: another issuer', 'The platform', /attestation service that your hospital did not name/, (d) => { d.platformBend = { payload: { iss: 'https://evil.test' } }; }],
  ['platform: a debug enclave', 'The platform', /debug enclave/, (d) => { d.platformBend = { payload: { 'x-ms-sgx-is-debuggable': true } }; }],
  ['platform: of another deployment', 'The platform', /somebody else’s deployment/, (d) => { d.platformBend = { lazaret: { deployment: 'A'.repeat(43) } }; }],
  ['platform: a token of another service', 'The platform', /another service/, (d) => { d.platformBend = { lazaret: { service: 'gate' } }; }],
  ['platform: an expired token', 'The platform', /too old/, (d) => { d.platformBend = { payload: { exp: d.now - 301 } }; }],
  ['platform: a token from the future', 'The platform', /future/, (d) => { d.platformBend = { payload: { nbf: d.now + 400 } }; }],
  ['platform: appraised under another policy', 'The platform', /another policy/, (d) => { d.platformBend = { payload: { 'x-ms-policy-hash': 'A'.repeat(43) } }; }],
  ['platform: revoked firmware', 'The platform', /revoked/, (d) => { d.platformBend = { payload: { 'x-lazaret-tcb-status': 'Revoked' } }; }],
  ['platform: simulated, and the manifest says nothing of it', 'The platform', /simulated enclave/, async (d) => { d.manifestBend = { ...d.manifestBend, simulation: undefined }; await d.remake(); }],
  ['platform: a proof by a key that the token does not name', 'The platform', /signature does not match/, async (d) => { d.proofBend = { key: await parts.signingKey() }; }],
  ['platform: an old proof', 'The platform', /old proof/, (d) => { d.proofBend = { payload: { nonce: 'AAAA' } }; }],
  ['platform: a proof over another statement', 'The platform', /a key that its proof does not name/, (d) => { d.proofBend = { payload: { statement_hash: 'A'.repeat(43) } }; }],
  ['attestation service: an answer to another question', 'The platform', /old proof/, (d) => { d.freshBend = { payload: { nonce: 'other' } }; }],
  ['attestation service: another measurement than before', 'The platform', /is not the code/, (d) => { d.freshBend = { payload: wrongMeasurement }; }],
  ['attestation service: another signing key', 'The platform', /signature does not match/, async (d) => { d.freshBend = { key: await parts.signingKey('RS256') }; }],
  ['attestation service: a key configuration swapped', 'The platform', /a key that its proof does not name/, async (d) => { d.freshBend = { lazaret: { ohttp: Buffer.from((await parts.sealingKey()).config).toString('base64url') } }; }],
  ['statement: by another key', 'The platform', /signature does not match/, async (d) => { d.statementBend = { key: await parts.signingKey() }; }],
  ['statement: for another audience', 'The platform', /does not say all that it must/, (d) => { d.statementBend = { payload: { aud: 'gate' } }; }],
  ['statement: expired', 'The platform', /too old/, (d) => { d.statementBend = { payload: { iat: d.now - 901, exp: d.now - 301 } }; }],
  ['statement: of another deployment', 'The platform', /somebody else’s deployment/, (d) => { d.statementBend = { payload: { deployment: 'A'.repeat(43) } }; }],
  ['statement: under another manifest', 'The platform', /is not the newest/, (d) => { d.statementBend = { payload: { manifest_hash: 'A'.repeat(43) } }; }],
  ['statement: records set back', 'The platform', /older state/, (d) => { d.statementBend = { payload: { heads: [{ ...d.heads[0], generation: d.heads[0].generation - 1 }] } }; }],
  ['statement: records gone', 'The platform', /older state/, (d) => { d.statementBend = { payload: { heads: [{ ...d.heads[0], store: 'new' }] } }; }],
  ['statement: records locked', 'The platform', /locked/, (d) => { d.statementBend = { payload: { heads: [] } }; }],
  ['manifest: older than one seen', 'The hospital’s manifest', /is not the newest/, async (d) => { d.manifestVersion = 1; await d.remake(); }],
  ...['gate', 'diagnosis'].flatMap((service) => {
    const named = service === 'gate' ? 'The cache gate' : 'The diagnosis service';
    return [
      [`${service}: another measurement`, named, /is not the code/, hopToken(service, () => ({ payload: wrongMeasurement }))],
      [`${service}: a debug enclave`, named, /debug enclave/, hopToken(service, () => ({ payload: { 'x-ms-sgx-is-debuggable': true } }))],
      [`${service}: of another deployment`, named, /somebody else’s deployment/, hopToken(service, () => ({ lazaret: { deployment: 'A'.repeat(43) } }))],
      [`${service}: expired`, named, /too old/, hopToken(service, (d) => ({ payload: { exp: d.now - 301 } }))],
      [`${service}: a token that is not signed so`, named, /signature does not match/, (d) => hopToken(service, () => ({ key: world.otherKey }))(d)],
      [`${service}: a key that is not in its token`, named, /a key that its proof does not name/, (d) => { d.hopBends[service] = { key: d.platform.tls.thumbprint }; }],
      [`${service}: the platform's own token`, named, /another service/, async (d) => { d.hopBends[service] = { token: await d.token(d.platform), key: d.platform.tls.thumbprint }; }],
      [`${service}: no token`, named, /showed no proof/, (d) => { d.hopBends[service] = { token: null }; }],
      [`${service}: refused by the platform`, named, /is not the code|refused by the platform/, (d) => { d.hopBends[service] = { verdict: 'refused', code: 'ERR_TOKEN_IDENTITY', reason: parts.MARKUP }; }],
      [`${service}: left out`, named, /not named/, (d) => { d.missingHops = [service]; }],
    ];
  }),
  ['diagnosis: out of reach', 'The diagnosis service', /cannot be reached/, (d) => { d.hopBends.diagnosis = { verdict: 'unreachable', token: null, key: null, code: 'ERR_CONNECT' }; }],
];

describe('with one hop false no patient data leaves the browser, and what was typed stays', () => {
  let opened;
  before(async () => {
    opened = await open();
    world.otherKey = await parts.signingKey('RS256');
    const { page } = opened;
    await signIn(page);
    await page.goto(`${world.urls.portal}/#/register`);
    await id(page, 'field-family').fill(CANARY[0]);
    await id(page, 'field-identifier').fill(CANARY[1]);
  });
  for (const [what, named, reason, change] of FALSE) {
    test(what, async () => {
      const { page, seen } = opened;
      const arrived = world.arrived;
      await world.reset();
      world.arrived = arrived;
      await change(world.deployment);
      world.forgetStatement();
      seen.requests.length = 0;
      await page.goto(`${world.urls.portal}/?${Math.random()}#/register`);
      await pill(page, 'refused');
      assert.equal(await id(page, 'field-family').inputValue(), CANARY[0], 'what was typed stays');
      for (const name of ['field-family', 'field-given', 'save']) assert.ok(await id(page, name).isDisabled(), `${name} is locked`);
      await page.evaluate(() => document.querySelector('form').requestSubmit?.());
      await page.evaluate(() => { location.hash = '#/trust'; });
      const said = await page.locator('.verdict').innerText();
      assert.ok(said.includes(named), said);
      assert.match(said, reason);
      assert.match(said, /Nothing was sent/);
      assert.ok((await page.locator('tr[data-ok=false]').count()) >= 1, 'the row that fails is shown');
      assert.deepEqual(sealed(seen), []);
      assertNoCanary(seen);
      await assertAlive(page, seen, what, { retry: 'check-again' });
    });
  }

  test('and when everything is as it must be again, it goes on', async () => {
    const { page, seen } = opened;
    await world.reset();
    await page.goto(`${world.urls.portal}/?again#/register`);
    await pill(page, 'verified');
    assert.equal(await id(page, 'field-family').inputValue(), CANARY[0]);
    await finishForm(page);
    assertNoCanary(seen);
  });
});

async function finishForm(page) {
  await id(page, 'field-given').fill('Quillon');
  await id(page, 'field-birth').fill('2021-05-04');
  await id(page, 'field-sex').selectOption('female');
  await id(page, 'save').click();
  await page.waitForURL(/#\/patients\/[\w-]+/, WAIT);
}

describe('after a good verdict', () => {
  async function typed() {
    const opened = await open();
    await signIn(opened.page);
    await opened.page.goto(`${world.urls.portal}/#/register`);
    for (const [name, value] of Object.entries({ family: CANARY[0], given: 'Q', birth: '2021-05-04', identifier: CANARY[1] })) await id(opened.page, `field-${name}`).fill(value);
    await id(opened.page, 'field-sex').selectOption('female');
    return opened;
  }
  const changed = () => ({ status: 409, headers: [['content-type', 'application/problem+json']], body: Buffer.from(JSON.stringify({ type: parts.CHAIN_CHANGED, statement: 'x.y.z' })) });
  const statements = () => world.arrived.filter(({ url }) => url.startsWith('/.well-known')).length;

  test('the chain changes, and is good: verified anew, sent once more under its first key, registered once', async () => {
    const { page, seen } = await typed();
    const keys = [];
    world.at.inner = (message) => {
      if (message.method !== 'POST') return undefined;
      keys.push([message.headers.find(([name]) => name === 'idempotency-key')[1], statements()]);
      if (keys.length > 1) return undefined;
      world.forgetStatement();
      return changed();
    };
    await id(page, 'save').click();
    await page.waitForURL(/#\/patients\/[\w-]+/, WAIT);
    assert.equal(keys.length, 2);
    assert.equal(keys[0][0], keys[1][0]);
    assert.ok(keys[1][1] > keys[0][1], 'verified between the two');
    assertNoCanary(seen);
  });

  for (const [what, change] of [['its statement is bad', (d) => { d.statementBend = { payload: { aud: 'gate' } }; }], ['a hop is false', (d) => { d.hopBends.diagnosis = { key: d.platform.tls.thumbprint }; }],
    ['the platform was replaced', (d) => { d.platformBend = { payload: wrongMeasurement }; }]]) {
    test(`the chain changes, and ${what}: entry stops, what was typed stays, nothing is sent until it holds again`, async () => {
      const { page, seen } = await typed();
      let asked = 0;
      world.at.inner = (message) => {
        if (message.method !== 'POST') return undefined;
        asked++;
        change(world.deployment);
        world.forgetStatement();
        return changed();
      };
      await id(page, 'save').click();
      await pill(page, 'refused');
      assert.equal(asked, 1);
      assert.ok(await id(page, 'field-family').isDisabled());
      assert.equal(await id(page, 'field-family').inputValue(), CANARY[0]);
      const before = sealed(seen).length;
      await page.evaluate(() => document.querySelector('form').requestSubmit());
      await page.locator('.notice-bad').first().waitFor(WAIT);
      assert.equal(sealed(seen).length, before, 'nothing is sent meanwhile');
      await world.reset();
      await page.evaluate(() => { location.hash = '#/trust'; });
      await id(page, 'check-again').click();
      await pill(page, 'verified');
      await page.evaluate(() => { location.hash = '#/register'; });
      assert.equal(await id(page, 'field-family').inputValue(), CANARY[0]);
      await id(page, 'save').click();
      await page.waitForURL(/#\/patients\/[\w-]+/, WAIT);
      assertNoCanary(seen);
    });
  }

  test('the sealing key is not known any more, and the enclave behind it is another: entry stops', async () => {
    const { page, seen } = await typed();
    world.at.sealed = (response, send) => send(400, 'application/problem+json', JSON.stringify({ type: parts.UNKNOWN_KEY }));
    world.deployment.platformBend = { payload: wrongMeasurement };
    world.forgetStatement();
    await id(page, 'save').click();
    await pill(page, 'refused');
    assert.equal(await id(page, 'field-family').inputValue(), CANARY[0]);
    assert.ok(await id(page, 'save').isDisabled());
    assertNoCanary(seen);
  });

  test('the platform dies while somebody types and comes back with new keys: what was typed stays, and is sent once the new keys are verified', async () => {
    const { page, seen } = await typed();
    world.at.sealed = world.at.evidence = (response) => response.socket.resetAndDestroy();
    await id(page, 'save').click();
    await page.locator('form .notice-bad').waitFor(WAIT);
    assert.equal(await id(page, 'field-family').inputValue(), CANARY[0]);
    const { mrenclave } = world.deployment.platform;
    world.deployment.platform = { ...(await parts.enclave('platform')), mrenclave };
    world.at = {};
    world.forgetStatement();
    const verifications = statements();
    await id(page, 'save').click();
    await page.waitForURL(/#\/patients\/[\w-]+/, WAIT);
    assert.ok(statements() > verifications, 'the new keys were verified first');
    await assertAlive(page, seen, 'after a restart');
    assertNoCanary(seen);
  });

  test('a platform that says without end that its chain has changed is asked three times', async () => {
    const { page, seen } = await typed();
    let asked = 0;
    world.at.inner = (message) => (message.method === 'POST' ? (asked++, world.forgetStatement(), changed()) : undefined);
    await id(page, 'save').click();
    await page.locator('form .notice-bad').waitFor(WAIT);
    assert.equal(asked, 3);
    await assertAlive(page, seen, 'chain-changed for ever');
  });
});

describe('what this browser remembers', () => {
  const setBack = (d) => { d.statementBend = { payload: { heads: [{ ...d.heads[0], generation: 1 }] } }; };
  test('outlives reloads, tabs and signing out; a person may accept older records, and the manifest still counts', async () => {
    const { page } = await open();
    await page.goto(`${world.urls.portal}/#/trust`);
    assert.match(await id(page, 'watches').innerText(), /just now/);
    await signIn(page);
    await id(page, 'user-menu').click();
    await id(page, 'sign-out').click();
    setBack(world.deployment);
    world.forgetStatement();
    const tab = await context.newPage();
    for (const one of [page, tab]) {
      await one.goto(`${world.urls.portal}/?${Math.random()}#/trust`);
      await pill(one, 'refused');
      assert.match(await one.locator('.verdict').innerText(), /older state/);
    }
    await id(tab, 'accept-older').click();
    await pill(tab, 'verified');
    assert.match(await id(tab, 'watches').innerText(), /just now/);
    world.deployment.manifestVersion = 1;
    await world.deployment.remake();
    await id(tab, 'check-again').click();
    await pill(tab, 'refused');
    assert.match(await tab.locator('.verdict').innerText(), /is not the newest/);
    assert.equal(await id(tab, 'accept-older').count(), 0);
  });

  test('cleared, or not to be kept: the trust page says so', async () => {
    const { page, seen } = await open();
    setBack(world.deployment);
    world.forgetStatement();
    await page.evaluate(() => localStorage.clear());
    await page.goto(`${world.urls.portal}/?cleared#/trust`);
    await pill(page, 'verified');
    assert.match(await id(page, 'watches').innerText(), /just now: this browser knows nothing from before/);
    await page.addInitScript(() => {
      Object.defineProperty(globalThis, 'localStorage', { get() { throw new DOMException('denied', 'SecurityError'); } });
      Object.defineProperty(globalThis, 'sessionStorage', { get() { throw new DOMException('denied', 'SecurityError'); } });
    });
    await page.goto(`${world.urls.portal}/?off#/trust`);
    await pill(page, 'verified');
    assert.match(await id(page, 'watches').innerText(), /storage is off or full/);
    await assertAlive(page, seen, 'without storage');
  });
});

describe('lazaret verify portal', () => {
  const verify = (...more) => spawnVerify([`${world.urls.portal}/`, '--release', RELEASE, ...more]);
  async function spawnVerify(args) {
    const { spawn } = await import('node:child_process');
    const child = spawn(join(BIN, 'lazaret'), ['verify', 'portal', ...args]);
    const out = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) child[name].on('data', (data) => { out[name] += data; });
    return new Promise((resolve) => child.on('close', (status) => resolve({ ...out, status })));
  }
  before(() => world.reset());
  afterEach(() => { world.at.site = undefined; });

  test('accepts what the release is, at the hospital\'s own origin and with an object store', async () => {
    for (const fromStore of [true, false]) {
      world.assemble({ fromStore, hospital: 'St. "Lazarus" & <Sons>' });
      const { status, stdout, stderr } = await verify('--deployment', world.deployment.root.thumbprint, '--json');
      assert.equal(status, 0, stderr + stdout);
      const answer = JSON.parse(stdout);
      assert.equal(answer.valid, true);
      assert.deepEqual(answer.checks.map(({ name }) => name.replace(/-[0-9a-f]{16}/, '')).sort(),
        ['framing', 'icon.svg', 'index.html', 'manifest.jws', 'portal.css', 'portal.js', 'trust.json']);
      assert.equal(answer.deployment, world.deployment.root.thumbprint);
    }
  });

  for (const [what, pattern] of [['index.html', /^index\.html$/], ['the script', /\.js$/], ['the style sheet', /\.css$/], ['trust.json', /^trust\.json$/], ['manifest.jws', /jws$/], ['the icon', /^icon/]]) {
    test(`names ${what} that differs or is missing`, async () => {
      for (const way of ['with one byte changed', 'cut short', 'missing', 'broken off']) {
        world.at.site = tampered(pattern, WAYS[way]);
        const { status, stdout } = await verify('--json');
        assert.equal(status, 1, way);
        const bad = JSON.parse(stdout).checks.filter(({ ok }) => !ok).map(({ name }) => name);
        assert.ok(bad.length >= 1 && bad.some((name) => pattern.test(name)), `${way}: ${bad}`);
      }
    });
  }

  test('a page with a policy that is wider, whoever widened it: by the page, or by an address in the trust file', async () => {
    world.at.site = (name, file) => (name !== 'index.html' ? undefined : { ...file, content: file.content.toString().replace("script-src '", "script-src * '") });
    assert.match((await verify()).stdout, /DIFFERS\s+index\.html/);
    const trust = readFileSync(join(world.folder, 'site/trust.json'), 'utf8').replace(world.urls.platform, `${world.urls.platform}; script-src *`);
    world.at.site = (name, file) => (name === 'trust.json' ? { ...file, content: trust } : name !== 'index.html' ? undefined
      : { ...file, content: file.content.toString().replace(/sha384-[^"]+(?=">\n<meta name="viewport")/, spawnSync('sh', ['-c', 'printf sha384-; openssl dgst -sha384 -binary | openssl base64 -A'], { input: trust }).stdout.toString()) });
    const { status, stdout } = await verify();
    assert.equal(status, 1);
    assert.match(stdout, /DIFFERS\s+trust\.json\n.*ERR_FIELD_VALUE/);
  });

  test('another deployment than the one that is meant, a page that may be framed, another release', async () => {
    assert.match((await verify('--deployment', 'A'.repeat(43))).stderr, /another deployment|deployment/);
    const { headers } = world;
    world.headers = {};
    assert.match((await verify()).stdout, /DIFFERS\s+framing/);
    world.headers = headers;
    const other = join(world.folder, 'other.json');
    writeFileSync(other, readFileSync(RELEASE, 'utf8').replace('has not started', 'has not begun'));
    const { status, stdout } = await spawnVerify([`${world.urls.portal}/`, '--release', other]);
    assert.equal(status, 1);
    assert.match(stdout, /DIFFERS\s+index\.html\n.*has not started.*has not begun/);
  });

  test('what is no usable command line', async () => {
    assert.equal((await spawnVerify([])).status, 2);
    assert.equal((await spawnVerify([world.urls.portal])).status, 2);
    assert.equal((await spawnVerify(['ftp://x', '--release', RELEASE])).status, 2);
    assert.match((await spawnVerify(['http://198.51.100.1/', '--release', RELEASE])).stdout, /on this machine/);
    assert.equal((await spawnVerify([world.urls.portal, '--release', join(ROOT, 'README.md')])).status, 1);
  });
});
