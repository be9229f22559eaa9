// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// Two pages of the server's own chat in headless Chromium talk over WebRTC.

import { mkdtempSync, writeFileSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { launchChromium } from './chromium.mjs'
import { equal, event, ring, run, scratch, serve, truth, within } from './harness.mjs'
import { connect } from './signal-fire.mjs'
import { wireTo } from './wire.mjs'

let browser

async function pages(count, test, args) {
  const server = await serve(args)
  const url = server.addresses[0].replace('ws:', 'http:') + '/'
  const opened = []
  const said = []
  const open = async address => {
    const page = await browser.newPage()
    opened.push(page)
    page.on('console', message => said.push(`page ${opened.indexOf(page)}: ${message.type()}: ${message.text()}`))
    page.on('pageerror', error => said.push(`page ${opened.indexOf(page)}: ${error.message}`))
    await page.goto(address)
    return page
  }
  try {
    const first = []
    for (let i = 0; i < count; ++i) first.push(await online(await open(url)))
    await test({ server, url, open, pages: first })
    equal(said, [], 'console')
  } catch (error) {
    const kept = mkdtempSync(join(tmpdir(), 'sigfire-page-'))
    for (const [i, page] of opened.entries()) {
      const path = join(kept, `page-${i}.png`)
      await page.screenshot({ path, fullPage: true }).then(() => said.push(`screenshot ${path}`), () => {})
    }
    throw new Error([error.message, ...said].join('\n'))
  } finally {
    for (const page of opened) await page.close()
    await server.stop()
  }
}

/** A wire to the server that can be cut. */
async function wire(server) {
  const { hostname, port } = new URL(server.addresses[0])
  const way = await wireTo(Number(port), hostname)
  return { ...way, url: `http://127.0.0.1:${way.port}/` }
}

/** Waits until the text of the element is as expected; an invisible element has no text. */
async function shows(page, selector, pattern, ms = 15_000) {
  const end = Date.now() + ms
  for (let text; ; await page.waitForTimeout(50)) {
    text = (await page.locator(selector).allInnerTexts()).join('\n')
    if (typeof pattern === 'string' ? text.includes(pattern) : pattern.test(text)) return
    if (Date.now() > end) throw new Error(`${selector} shows ${JSON.stringify(text)}, not ${pattern}`)
  }
}

async function online(page) {
  await shows(page, '#status', /^Online$/)
  return page
}

const own = page => page.locator('#own').innerText()
const link = page => page.locator('#link').inputValue()

async function dial(page, other) {
  await page.fill('#other', other)
  await page.click('#dial button')
}

async function say(from, to, words) {
  await from.fill('#text', words)
  await from.click('#say button')
  await shows(from, '#log .mine', words)
  await shows(to, '#log .theirs', words)
}

async function connected(a, b) {
  await shows(a, '#call', `Connected to ${await own(b)}`, 30_000)
  await shows(b, '#call', `Connected to ${await own(a)}`, 30_000)
}

const tests = {
  'Chromium starts': async () => {
    browser = await launchChromium()
  },

  'this machine has a network for ICE': async () => {
    const outside = Object.values(networkInterfaces()).flat().some(address => !address.internal)
    truth(outside, 'it has only the loopback interface, on which Chromium gathers no ICE candidates')
  },

  'opening a link calls its owner, and both chat': () =>
    pages(1, async ({ open, pages: [alice] }) => {
      truth((await link(alice)).endsWith('#' + (await own(alice))), 'the link does not end with the id')
      const bob = await online(await open(await link(alice)))
      await connected(alice, bob)
      equal(await bob.inputValue('#other'), await own(alice), 'prefilled id')
      await shows(alice, '#log', 'The page accepted the call')
      await say(bob, alice, 'Is anybody there?')
      await say(alice, bob, 'Yes: <b>žluťoučký</b> 🔥')
      await say(bob, alice, 'x'.repeat(4000))
    }),

  'pages with tokens reach each other, and keep their tokens': async () => {
    const key = join(scratch, 'secret')
    writeFileSync(key, 'a secret of at least 32 bytes, for this test')
    const query = async (sub, ...more) => {
      const program = run(['token', '--key', key, '--sub', sub, ...more])
      equal(await within(program.exited, 'token'), { code: 0 }, `exit (${program.stderr})`)
      return `?token=${program.stdout.trim()}`
    }
    await pages(0, async ({ url, open }) => {
      const ann = await online(await open(url + (await query('ann'))))
      equal(await own(ann), 'ann', 'id')
      equal(await link(ann), `${url}#ann`, 'link')
      const bob = await online(await open(`${url}${await query('bob')}#ann`))
      await connected(ann, bob)
      await say(bob, ann, 'I have a token')
      const eve = await online(await open(url + (await query('eve', '--grants', '{"targets":["bob"]}'))))
      await dial(eve, 'ann')
      await shows(eve, '#error', 'Denied')
    }, ['-p', '0', '--jwt-key', key])
  },

  'an id and a link in the field call too': () =>
    pages(2, async ({ pages: [alice, bob] }) => {
      await dial(alice, await own(bob))
      await connected(alice, bob)
      await say(alice, bob, 'by id')
      await alice.click('#hang-up')
      await shows(alice, '#log', 'You hung up')
      await shows(bob, '#log', 'The other side hung up')
      await dial(bob, await link(alice))
      await connected(alice, bob)
      await say(bob, alice, 'by link')
    }),

  'both call at once': () =>
    pages(2, async ({ server, pages: [alice, bob] }) => {
      // A server that stands still until both have called.
      server.child.kill('SIGSTOP')
      await dial(alice, await own(bob))
      await dial(bob, await own(alice))
      server.child.kill('SIGCONT')
      await connected(alice, bob)
      await say(alice, bob, 'one call')
      await say(bob, alice, 'not two')
    }),

  'a peer in a call is busy': () =>
    pages(3, async ({ pages: [alice, bob, carol] }) => {
      await dial(alice, await own(bob))
      await connected(alice, bob)
      await dial(carol, await own(bob))
      await shows(carol, '#error', 'Busy')
      await say(alice, bob, 'undisturbed')
    }),

  'an unmodified @signal-fire/client calls the page': () =>
    pages(1, async ({ server, pages: [alice] }) => {
      const client = await within(connect(server.addresses[0]), 'welcome')
      const session = await within(client.createSession(await own(alice)), 'reply to session-start')
      const connection = (await event(session, 'accepted')).detail
      const channel = connection.createDataChannel('chat')
      try {
        await event(channel, 'open', 'open data channel', 30_000)
        await shows(alice, '#call', `Connected to ${client.id}`)
        channel.send('from 2021')
        await shows(alice, '#log .theirs', 'from 2021')
        const answer = event(channel, 'message')
        await alice.fill('#text', 'from today')
        await alice.click('#say button')
        equal((await answer).data, 'from today', 'text')
      } finally {
        connection.close()
        client.socket.close()
      }
    }),

  'errors are shown': () =>
    pages(1, async ({ pages: [alice] }) => {
      await dial(alice, 'nobody')
      await shows(alice, '#error', 'Peer Not Found')
      await dial(alice, await own(alice))
      await shows(alice, '#error', "Can't Send to Yourself")
      await dial(alice, '__proto__')
      await shows(alice, '#error', 'Peer Not Found')
    }),

  'a closed tab ends the call': () =>
    pages(2, async ({ pages: [alice, bob] }) => {
      await dial(alice, await own(bob))
      await connected(alice, bob)
      await bob.goto('about:blank')
      await shows(alice, '#call', 'Not in a call', 30_000)
    }),

  'a connection that is killed comes back under the same id': () =>
    pages(0, async ({ server, open }) => {
      const proxy = await wire(server)
      try {
        const [alice, bob] = [await online(await open(proxy.url)), await online(await open(proxy.url))]
        const ids = [await own(alice), await own(bob)]
        for (let round = 0; round < 3; ++round) {
          for (const page of [alice, bob])
            await page.evaluate(() => {
              const status = document.getElementById('status')
              let gone = false
              window.returned = new Promise(resolve =>
                new MutationObserver(() => {
                  gone ||= status.textContent !== 'Online'
                  if (gone && status.textContent === 'Online') resolve()
                }).observe(status, { childList: true, characterData: true, subtree: true }))
            })
          proxy.cut()
          const back = [alice, bob].map(page => page.evaluate(() => window.returned))
          await within(Promise.all(back), 'return of both pages', 15_000)
          equal([await own(alice), await own(bob)], ids, `ids after cut ${round}`)
        }
        await dial(alice, ids[1])
        await connected(alice, bob)
        await say(alice, bob, 'nothing happened')
      } finally {
        proxy.close()
      }
    }),

  'a lost server is shown, the chat goes on, reconnect is offered': () =>
    pages(2, async ({ server, pages: [alice, bob] }) => {
      await dial(alice, await own(bob))
      await connected(alice, bob)
      await within(server.stop(), 'end of the server')
      await shows(alice, '#status', 'Offline')
      await shows(alice, '#error', /connection to the server was lost \(1001.*Your chat stays open.*Reconnect/s)
      await say(alice, bob, 'still here')
      const again = await serve(['-p', new URL(server.addresses[0]).port])
      await alice.click('#reconnect')
      await online(alice)
      await again.stop()
    }),
}

await ring(tests, { after: () => browser?.close() })
