// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// Unmodified peerjs 1.5.5 in headless Chromium, on pages of another origin, against peerjs_server: the program
// beside the one under test. And on the page of an example, which is its own server.

import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { binary, equal, ring, truth, within } from './harness.mjs'
import { callWithMedia, close, launch, needNetwork, open, script, tab } from './peerjs-tab.mjs'
import { wireTo } from './wire.mjs'

const beside = process.env.PEERJS_SERVERS ?? dirname(binary)

/** Starts a server with these arguments; a wire to it that can be cut lies before it. */
async function serve(args = [], program = 'peerjs_server') {
  const child = spawn(join(beside, program), args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = new Promise(resolve => child.on('error', resolve).on('close', code => resolve(code)))
  let said = ''
  child.stdout.setEncoding('utf8').on('data', text => (said += text))
  const ready = (async () => {
    for (;;) {
      const port = /^(?:listening on ws|open http):\/\/127\.0\.0\.1:(\d+)\b/m.exec(said)?.[1]
      if (port) return Number(port)
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  })()
  const port = await within(Promise.race([ready, exited.then(end => Promise.reject(new Error(`it ended: ${end}`)))]), 'server')
  const way = await wireTo(port)
  return {
    ...way,
    async stop() {
      child.kill('SIGTERM')
      equal(await within(exited, 'end of the server'), 0, 'exit')
      way.close()
    },
  }
}

async function world(options, test) {
  const server = await serve(options)
  try {
    await tab(server.port, chromium => test({ ...chromium, server }))
  } finally {
    await server.stop()
  }
}

const tests = {
  'Chromium starts': launch,

  'this machine has a network for ICE': async () => needNetwork(),

  'two peers open a data channel and text goes both ways': () =>
    world([], async ({ start, hears, connect, send }) => {
      await start('a', 'alice')
      await start('b', 'bob')
      await hears('a', 'open')
      await hears('b', 'open')
      await connect('a', 'bob')
      await hears('a', 'channel open', 1, 30_000)
      await hears('b', 'channel open')
      await send('a', { hello: 'žluťoučký 🔥' })
      await hears('b', 'data {"hello":"žluťoučký 🔥"}')
      await send('b', [1, 2, 3])
      await hears('a', 'data [1,2,3]')
    }),

  'ids are given out to pages of another origin': () =>
    world(['path=/my/app', 'key=k'], async ({ start, hears, page, connect }) => {
      for (const name of ['a', 'b']) {
        await start(name, undefined, { path: '/my/app', key: 'k' })
        await hears(name, 'open')
      }
      const [a, b] = await page.evaluate(() => [peers.a.id, peers.b.id])
      truth(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(a) && a !== b, `ids ${a} and ${b}`)
      await connect('a', b)
      await hears('b', 'channel open', 1, 30_000)
    }),

  'a call with sound and picture': () =>
    world([], callWithMedia),

  'a peer that calls too early is connected when the other one comes': () =>
    world([], async ({ start, hears, connect, page }) => {
      await start('a', 'alice')
      await hears('a', 'open')
      await connect('a', 'bob')
      await page.waitForTimeout(1000)
      await start('b', 'bob')
      await hears('a', 'channel open', 1, 30_000)
    }),

  'an id that is taken is refused, and its holder stays': () =>
    world([], async ({ start, hears, told }) => {
      await start('a', 'alice')
      await hears('a', 'open')
      await start('b', 'alice')
      await hears('b', 'error unavailable-id: ID "alice" is taken')
      equal(await told('a'), ['open'], 'what the holder told')
    }),

  'a wrong key and a full server are told': () =>
    world(['key=right', 'concurrent_limit=1'], async ({ start, hears }) => {
      await start('a', 'alice', { key: 'wrong' })
      await hears('a', 'error server-error: Invalid key provided')
      await start('b', 'bob', { key: 'right' })
      await hears('b', 'open')
      await start('c', 'carol', { key: 'right' })
      await hears('c', 'error server-error: Server has reached its concurrent user limit')
    }),

  'a peer that calls an absent one hears so once': () =>
    world(['expire_timeout=500', 'cleanup_out_msgs=200'], async ({ start, hears, connect, told, page }) => {
      await start('a', 'alice')
      await hears('a', 'open')
      await connect('a', 'nobody')
      await hears('a', 'error peer-unavailable: Could not connect to peer nobody')
      await page.waitForTimeout(1500)
      equal((await told('a')).filter(line => line.startsWith('error')).length, 1, 'errors')
    }),

  'disconnect and reconnect keep id and peers': () =>
    world([], async ({ start, hears, connect, page }) => {
      await start('a', 'alice')
      await start('b', 'bob')
      await hears('b', 'open')
      await page.evaluate(() => peers.a.disconnect())
      await hears('a', 'disconnected')
      await page.evaluate(() => peers.a.reconnect())
      await hears('a', 'open', 2)
      await connect('b', 'alice')
      await hears('b', 'channel open', 1, 30_000)
    }),

  'a connection that is cut is taken over at once': () =>
    world([], async ({ server, start, hears, connect, page }) => {
      await start('a', 'alice')
      await hears('a', 'open')
      server.cut()
      await hears('a', 'disconnected')
      await page.evaluate(() => peers.a.reconnect())
      await hears('a', 'open', 2)
      await start('b', 'bob')
      await hears('b', 'open')
      await connect('b', 'alice')
      await hears('b', 'channel open', 1, 30_000)
    }),

  'a second socket with the same token takes over, and opens': () =>
    world([], async ({ start, hears }) => {
      await start('a', 'alice', { token: 'same' })
      await hears('a', 'open')
      await start('b', 'alice', { token: 'same' })
      await hears('b', 'open')
      await hears('a', 'disconnected')
    }),

  'peers are listed if that is allowed': async () => {
    await world(['allow_discovery=true'], async ({ start, hears, page }) => {
      await start('a', 'zoe')
      await hears('a', 'open')
      await start('b', 'adam')
      await hears('b', 'open')
      equal(await page.evaluate(() => new Promise(resolve => peers.a.listAllPeers(resolve))), ['zoe', 'adam'], 'list')
    })
    await world([], async ({ start, hears, page, told }) => {
      await start('a', 'alice')
      await hears('a', 'open')
      await page.evaluate(() => peers.a.listAllPeers(() => {}))
      await hears('a', 'disconnected')
      truth((await told('a')).some(line => line.startsWith('error server-error')), 'no error')
    })
  },

  'heartbeats keep a peer alive': () =>
    world(['alive_timeout=1500'], async ({ start, hears, told, page }) => {
      await start('a', 'alice', { pingInterval: 400 })
      await start('b', 'bob', { pingInterval: 60_000 })
      await hears('b', 'disconnected')
      await page.waitForTimeout(1500)
      equal(await told('a'), ['open'], 'what the living one told')
    }),

  'the page of an example: two people chat': async () => {
    const server = await serve(['0', script], 'example_18_peerjs_page')
    const tabs = []
    try {
      for (const _ of 'ab') tabs.push(await open(`http://127.0.0.1:${server.port}/`))
      const [a, b] = tabs
      const shows = (tab, text) => tab.locator('#log li', { hasText: text }).waitFor({ timeout: 30_000 })
      const say = async (tab, text) => {
        await tab.fill('#text', text)
        await tab.click('#say button')
      }
      await say(a, 'is anybody there?')
      await shows(a, 'there is nobody to talk to')
      const id = b.locator('#me', { hasText: /^[0-9a-f-]{36}$/ })
      await id.waitFor()
      await a.fill('#other', await id.textContent())
      await a.click('#call button')
      await shows(a, `connected with ${await id.textContent()}`)
      await shows(b, 'connected with ')
      for (const [from, to, text] of [[a, b, 'hello <b>you</b>'], [b, a, 'žluťoučký 🔥']]) {
        await say(from, text)
        await shows(to, `they: ${text}`)
      }
    } finally {
      for (const tab of tabs) await tab.close()
      await server.stop()
    }
  },
}

await ring(tests, { after: close })
