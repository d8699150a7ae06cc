// Fixtures for Playwright: each test has a new simulated imKey, plugged into a Chromium of its own.
import { chromium, test as base } from '@playwright/test'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Extension } from './extension.js'
import {
  browserPath,
  extensionId,
  find,
  lesserWay,
  loading,
  plugsIn,
  removed,
  simulatedUSB,
  startSimulator,
  switches,
  testMnemonic,
} from './index.js'
import { open } from './recording.js'
import { report } from './report.js'
import { ended } from './steps.js'

export { expect } from '@playwright/test'

const updates = { all: 'all', changed: 'all', missing: 'missing', none: 'none' }

/** launch starts the browser with its simulator. */
async function launch(options, extensions, own) {
  const profile = await mkdtemp(join(tmpdir(), 'imkey-test-'))
  let context
  try {
    context = await chromium.launchPersistentContext(profile, {
      ...own,
      channel: undefined,
      executablePath: browserPath(),
      args: [...(own.args ?? []), ...loading(extensions), ...switches({ ...options, temporary: true })],
      ignoreDefaultArgs: extensions.length ? ['--disable-extensions'] : undefined,
    })
    return { context, imkey: await find(join(profile, 'imkeysim.json')) }
  } catch (error) {
    throw await ended([() => context?.close(), () => removed(profile)], error)
  }
}

/** launchLesser starts a browser and a simulator apart from it. */
async function launchLesser(options, own) {
  lesserWay()
  const profile = await mkdtemp(join(tmpdir(), 'imkey-test-'))
  let imkey, context
  try {
    imkey = await startSimulator(options)
    context = await chromium.launchPersistentContext(profile, own)
    await context.addInitScript(simulatedUSB(imkey.url))
    return { context, imkey, clean: () => removed(profile) }
  } catch (error) {
    throw await ended([() => context?.close(), () => imkey?.close(), () => removed(profile)], error)
  }
}

/** withPicture notes the page as it is before an action of the user. */
async function withPicture(session, act) {
  const page = session.context.pages().at(-1)
  const picture = await page?.screenshot({ type: 'jpeg', quality: 50, timeout: 5000 }).catch(() => undefined) // the page may be closing
  if (picture) session.imkey.note(page.url(), `data:image/jpeg;base64,${picture.toString('base64')}`)
  return act()
}

function listen(context, imkey) {
  const watched = (page) => {
    page.on('console', (message) => imkey.note(`${message.type()}: ${message.text()}`))
    page.on('pageerror', (error) => imkey.note(`error: ${error.message}`))
    page.on('framenavigated', (frame) => frame === page.mainFrame() && imkey.note(`opens ${frame.url()}`))
  }
  context.pages().forEach(watched)
  context.on('page', watched)
}

const act =
  (name) =>
  async ({ imkeySession }, use) =>
    use((...args) => withPicture(imkeySession, () => imkeySession.imkey[name](...args)))

export const test = base.extend({
  imkeyOptions: [{}, { option: true }],
  recording: [undefined, { option: true }],
  way: [plugsIn ? 'plugged' : 'websocket', { option: true }],

  // Playwright's own options of a context, which a persistent context takes as well.
  imkeyContext: async (
    {
      headless,
      launchOptions,
      contextOptions,
      acceptDownloads,
      baseURL,
      bypassCSP,
      colorScheme,
      deviceScaleFactor,
      extraHTTPHeaders,
      geolocation,
      hasTouch,
      httpCredentials,
      ignoreHTTPSErrors,
      isMobile,
      javaScriptEnabled,
      locale,
      offline,
      permissions,
      proxy,
      serviceWorkers,
      timezoneId,
      userAgent,
      viewport,
    },
    use,
  ) =>
    use({
      headless,
      ...launchOptions,
      acceptDownloads,
      baseURL,
      bypassCSP,
      colorScheme,
      deviceScaleFactor,
      extraHTTPHeaders,
      geolocation,
      hasTouch,
      httpCredentials,
      ignoreHTTPSErrors,
      isMobile,
      javaScriptEnabled,
      locale,
      offline,
      permissions,
      proxy,
      serviceWorkers,
      timezoneId,
      userAgent,
      viewport,
      ...contextOptions,
    }),

  imkeySession: async ({ imkeyOptions, recording, way, imkeyContext: own }, use, testInfo) => {
    const { extensions = [], ...options } = imkeyOptions
    const tape =
      recording && (await open(join(dirname(testInfo.file), 'recordings', `${recording}.apdus`), updates[testInfo.config.updateSnapshots]))
    const ids = extensions.map(extensionId)
    const allow = [...(options.allow ?? []), ...ids, ...(own.baseURL ? [new URL(own.baseURL).origin] : [])]
    const wanted = { mnemonic: testMnemonic, ...options, ...tape?.options, allow }
    const session = way === 'plugged' ? await launch(wanted, extensions, own) : await launchLesser(wanted, own)
    const { context, imkey } = session
    let failure
    try {
      tape?.started(imkey)
      listen(context, imkey)
      await use({ ...session, ids })
      await tape?.check(imkey)
    } catch (error) {
      failure = error
    }
    const passed = !failure && testInfo.status === testInfo.expectedStatus
    const reported = async () => {
      await withPicture(session, async () => {})
      const text = [failure, ...testInfo.errors]
        .filter(Boolean)
        .map(({ message }) => message.replace(/\u001b\[[0-9;]*m/g, ''))
        .join('\n\n')
      const file = testInfo.outputPath('imkey.html')
      await writeFile(file, report({ title: testInfo.titlePath.join(' › '), error: text, ...(await imkey.seen()) }))
      await testInfo.attach('imkey', { path: file, contentType: 'text/html' })
    }
    failure = await ended([() => passed || reported(), () => context.close(), () => imkey.close(), () => session.clean?.()], failure)
    failure = await ended([() => tape?.finish(imkey, passed && !failure)], failure)
    if (failure) throw failure
  },

  context: async ({ imkeySession }, use) => use(imkeySession.context),
  imkey: async ({ imkeySession }, use) => use(imkeySession.imkey),
  approve: act('approve'),
  reject: act('reject'),
  unplug: act('unplug'),
  fault: act('fault'),
  screen: async ({ imkeySession }, use) => use(() => imkeySession.imkey.screen()),

  extension: async ({ imkeySession }, use) => {
    const { context, ids } = imkeySession
    if (ids.length === 0) throw new Error('Name the folder of the extension in imkeyOptions: { extensions: [folder] }')
    const page = context.pages()[0] ?? (await context.newPage())
    await use(new Extension(ids[0], await context.newCDPSession(page)))
  },
})
