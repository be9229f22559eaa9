// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// Unmodified peerjs 1.5.5 in headless Chromium, on a page of another origin than the server's.

import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { networkInterfaces } from 'node:os'
import { fileURLToPath } from 'node:url'
import { launchChromium } from './chromium.mjs'
import { truth } from './harness.mjs'

/** PeerJS's own. */
export const script = fileURLToPath(new URL('../node_modules/peerjs/dist/peerjs.min.js', import.meta.url))

let browser

// What the page does: it keeps what each peer and connection tells in lists that the ring can wait for.
const source = `<!doctype html><meta charset="utf-8"><title>peerjs</title><script src="/peerjs.js"></script><script>
  const peers = {}, log = {}
  function note(name, text) { (log[name] ??= []).push(text) }
  function watch(name, connection) {
    note(name, 'connection')
    connection.on('open', () => note(name, 'channel open'))
    connection.on('data', data => note(name, 'data ' + JSON.stringify(data)))
    connection.on('close', () => note(name, 'channel close'))
    return peers[name].link = connection
  }
  function listen(name, call) {
    call.on('stream', stream => note(name, 'stream ' + stream.getTracks().map(track => track.kind).sort()))
    return call
  }
  function start(name, id, options) {
    const peer = peers[name] = new Peer(id, options)
    for (const type of ['open', 'disconnected', 'close']) peer.on(type, () => note(name, type))
    peer.on('error', error => note(name, 'error ' + error.type + ': ' + error.message))
    peer.on('connection', connection => watch(name, connection))
    peer.on('call', async call => listen(name, call).answer(await media()))
  }
  const media = () => navigator.mediaDevices.getUserMedia({ audio: true, video: true })
</script>`

/** Starts the browser that `tab` needs. */
export async function launch() {
  browser = await launchChromium('--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream')
}

export const close = () => browser?.close()

/** A tab with that page. */
export async function open(url) {
  const page = await browser.newPage()
  await page.goto(url)
  return page
}

/** Chromium gathers no ICE candidates on the loopback interface alone. */
export function needNetwork() {
  const outside = Object.values(networkInterfaces()).flat().some(address => !address.internal)
  truth(outside, 'it has only the loopback interface, on which Chromium gathers no ICE candidates')
}

/** Opens a page with peers that go to that port of this machine; closes it after the test. */
export async function tab(port, test) {
  const host = createServer((request, response) => {
    response.setHeader('content-type', request.url === '/peerjs.js' ? 'text/javascript' : 'text/html')
    response.end(request.url === '/peerjs.js' ? readFileSync(script) : source)
  })
  await new Promise(resolve => host.listen(0, '127.0.0.1', resolve))
  const page = await open(`http://127.0.0.1:${host.address().port}/`)
  const told = name => page.evaluate(name => log[name] ?? [], name)
  try {
    const location = { host: '127.0.0.1', port, path: '/', config: { iceServers: [] } }
    await test({
      page,
      told,
      /** Makes a peer; without an id it asks the server for one. */
      start: (name, id, more = {}) =>
        page.evaluate(([name, id, options]) => start(name, id, options), [name, id, { ...location, ...more }]),
      /** Waits until a peer has told this, as often as asked for. */
      async hears(name, text, times = 1, ms = 15_000) {
        for (const end = Date.now() + ms; ; await page.waitForTimeout(20)) {
          const heard = await told(name)
          if (heard.filter(line => line === text).length >= times) return
          if (Date.now() > end) throw new Error(`${name} told ${JSON.stringify(heard)}, not ${text}`)
        }
      },
      connect: (from, to) =>
        page.evaluate(([from, to]) => void watch(from, peers[from].connect(to, { reliable: true, metadata: { k: 1 } })), [from, to]),
      send: (from, data) => page.evaluate(([from, data]) => void peers[from].link.send(data), [from, data]),
    })
  } finally {
    await page.close()
    host.close()
  }
}

/** A test: alice calls bob, and each sees and hears the other. */
export async function callWithMedia({ start, hears, page }) {
  await start('a', 'alice')
  await start('b', 'bob')
  await hears('a', 'open')
  await hears('b', 'open')
  await page.evaluate(async () => void listen('a', peers.a.call('bob', await media())))
  await hears('a', 'stream audio,video', 1, 30_000)
  await hears('b', 'stream audio,video', 1, 30_000)
}
