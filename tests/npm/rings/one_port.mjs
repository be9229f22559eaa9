// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// Unmodified clients of every family against one process of the server program, on one port.

import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import wrtc from '@roamhq/wrtc'
import SimpleWebSocket from 'simple-websocket'
import { SocketSignalClient } from 'socket-signal'
import WebSocket from 'ws'
import { equal, event, ring, serve, truth, within } from './harness.mjs'
import { callWithMedia, close, launch, needNetwork, tab } from './peerjs-tab.mjs'
import { connect } from './signal-fire.mjs'

const { SocketSignalWebsocketClient } = createRequire(import.meta.url)('socket-signal-websocket')

const server = await serve()
const [address] = server.addresses
const port = Number(new URL(address).port)

/** Keeps all messages that come in, for callers that wait for some of it. */
class Inbox {
  #kept = []
  #waiting = new Set()

  take(message) {
    for (const waiting of this.#waiting) {
      if (!waiting.wanted(message)) continue
      this.#waiting.delete(waiting)
      return waiting.resolve(message)
    }
    this.#kept.push(message)
  }

  /** The first message that is wanted; those that are not stay. */
  next(what, wanted = () => true, ms) {
    const at = this.#kept.findIndex(wanted)
    if (at >= 0) return Promise.resolve(this.#kept.splice(at, 1)[0])
    return within(new Promise(resolve => this.#waiting.add({ wanted, resolve })), what, ms).catch(error => {
      throw new Error(`${error.message}, but ${JSON.stringify(this.#kept).slice(0, 500)}`)
    })
  }
}

/** A peer by hand. */
class Peer extends Inbox {
  constructor(path, subprotocols) {
    super()
    this.socket = new WebSocket(address + path, subprotocols)
    this.socket.on('message', data => this.take(data))
    this.socket.on('error', error => this.take(error.message))
  }

  async json(what, wanted = () => true) {
    return JSON.parse(await this.next(what, text => wanted(JSON.parse(text))))
  }

  say(message) {
    this.socket.send(JSON.stringify(message))
  }

  leave() {
    this.socket.terminate()
  }
}

/** A y-webrtc document in a process of its own. */
class Document extends Inbox {
  constructor(...args) {
    super()
    const program = fileURLToPath(new URL('y-webrtc.mjs', import.meta.url))
    this.child = fork(program, [`${address}/y-webrtc`, ...args])
    this.child.on('message', message => this.take(message))
    this.child.on('exit', code => this.take({ exit: code }))
  }

  write(words) {
    this.child.send(words)
  }

  async shows(...texts) {
    const { text } = await this.next(`text ${texts.join(' or ')}`, ({ text }) => texts.includes(text), 30_000)
    return text
  }

  leave() {
    this.child.kill('SIGKILL')
  }
}

/** Runs a test with things that can `leave`, and sees to it that they do. */
async function among(things, test) {
  try {
    await test(...things)
  } finally {
    for (const thing of things) await thing.leave()
  }
}

/** Two documents meet. The second comes when the first has announced itself: if both hear the other's announcement,
 *  both call, and y-webrtc 10.3 may be left with half a connection, over any server. */
async function converge(room, ...password) {
  await among([new Peer('/y-webrtc')], async watcher => {
    await within(new Promise(resolve => watcher.socket.once('open', resolve)), 'watcher')
    watcher.say({ type: 'subscribe', topics: [room] })
    watcher.say({ type: 'ping' })
    await watcher.json('pong', ({ type }) => type === 'pong')
    await among([new Document(room, ...password)], async a => {
      await watcher.json('announcement', ({ type, topic }) => type === 'publish' && topic === room)
      await among([new Document(room, ...password)], async b => {
        a.write('one')
        await a.shows('one')
        await b.shows('one')
        b.write(', two')
        await a.shows('one, two')
        const { peers, here } = await b.next('peer', message => message.peers)
        equal([peers, here], [1, 0], 'peers over WebRTC, and without')
      })
    })
  })
}

const simplePeer = { wrtc, config: { iceServers: [] } }

/** The client of socket-signal-websocket 9.2.4. */
function v9(more = {}) {
  return new SocketSignalWebsocketClient([`${address}/socket-signal`], { simplePeer, ...more })
}

/** The client of socket-signal 10.3.2 on a WebSocket, as the transport that npm does not have makes it. */
function v10() {
  return new SocketSignalClient(new SimpleWebSocket(`${address}/socket-signal`), { simplePeer })
}

const hex = ids => ids.map(id => id.toString('hex'))

/** The caller connects with the callee, which is in the same topic, and both say something. `dial` is the caller's
 *  method: with `remoteConnect` it asks the callee to make the offer. */
async function talk(caller, callee, dial = 'connect') {
  const topic = randomBytes(32)
  try {
    equal(hex(await within(caller.join(topic), 'join')), hex([caller.id]), 'members')
    equal(hex(await within(callee.join(topic), 'join')), hex([caller.id, callee.id]), 'members')
    const ours = caller[dial](topic, callee.id)
    await within(ours.ready(), 'connection of the caller', 30_000)
    const [theirs] = callee.peers
    await within(theirs.ready(), 'connection of the callee')
    equal(hex([ours.id, theirs.id]), hex([callee.id, caller.id]), 'ids of the other sides')
    for (const [from, to, words] of [[ours, theirs, 'hello'], [theirs, ours, 'žluťoučký 🔥']]) {
      const heard = new Promise(resolve => to.stream.once('data', data => resolve(data.toString())))
      from.stream.write(words)
      equal(await within(heard, `message ${words}`), words, 'message')
    }
    equal(hex(await within(caller.lookup(topic), 'lookup')), hex([caller.id, callee.id]), 'members')
    await within(callee.leave(topic), 'leave')
    equal(hex(await within(caller.lookup(topic), 'lookup')), hex([caller.id]), 'members left')
    let cause
    await within(caller.connect(topic, callee.id).ready(), 'refusal').catch(error => (cause = error.code))
    equal(cause, 'ERR_PEER_NOT_FOUND', 'cause')
  } finally {
    await Promise.all([caller.close(), callee.close()])
  }
}

const tests = {
  'y-webrtc: two documents converge': () => converge('plain'),

  'y-webrtc: two documents converge behind a password': () => converge('locked', 'secret'),

  'socket-signal 9: two clients connect': () => talk(v9(), v9()),

  'socket-signal 9: heartbeats are answered': async () => {
    const client = v9({ heartbeat: { interval: 20, timeout: 5000 } })
    try {
      await within(client.open(), 'open')
      const time = await within(new Promise(resolve => client.once('ping', resolve)), 'answer')
      truth(Math.abs(time - Date.now()) < 60_000, `the time is ${time}`)
    } finally {
      await client.close()
    }
  },

  'socket-signal 10: two clients connect': () => talk(v10(), v10()),

  'socket-signal 10: one client is asked to call the other': () => talk(v10(), v10(), 'remoteConnect'),

  'socket-signal: 9 connects with 10': () => talk(v9(), v10()),

  'socket-signal: 10 connects with 9': () => talk(v10(), v9()),

  'signal-fire 2016: text and binary are forwarded as they are': () =>
    among([new Peer('/signal-fire-2016'), new Peer('/signal-fire-2016')], async (a, b) => {
      const ids = []
      for (const peer of [a, b]) {
        const first = await peer.json('id')
        equal([Object.keys(first), first.type], [['type', 'peerId'], 'id'], 'first message')
        ids.push(first.peerId)
      }
      truth(ids[0] !== ids[1], `both are ${ids[0]}`)
      const text = ` {"type":"offer", "x":1,"x":"\\u017e ž",\t"receiverId" : "${ids[1]}","senderId":"${ids[0]}"}\n`
      a.socket.send(text)
      equal(await b.next('text'), text, 'text')
      a.socket.send(Buffer.from(text))
      const data = await b.next('binary')
      truth(Buffer.isBuffer(data), `${typeof data} instead of binary`)
      equal(data.toString(), text, 'binary')
      b.socket.send(`{"receiverId":"${ids[1]}"}`)
      equal(await b.next('own text'), `{"receiverId":"${ids[1]}"}`, 'text to oneself')
    }),

  'Chromium starts': launch,

  'this machine has a network for ICE': async () => needNetwork(),

  'PeerJS: two peers open a data channel': () =>
    tab(port, async ({ page, start, hears, connect, send }) => {
      for (const name of ['a', 'b']) {
        await start(name)
        await hears(name, 'open')
      }
      await connect('a', await page.evaluate(() => peers.b.id))
      await hears('a', 'channel open', 1, 30_000)
      await hears('b', 'channel open')
      await send('a', { hello: 'žluťoučký 🔥' })
      await hears('b', 'data {"hello":"žluťoučký 🔥"}')
      await send('b', [1, 2, 3])
      await hears('a', 'data [1,2,3]')
    }),

  'PeerJS: a call with sound and picture': () =>
    tab(port, callWithMedia),

  'PeerJS and Signal-Fire 2021 share their ids': () =>
    tab(port, async ({ start, hears, connect: call }) => {
      const client = await within(connect(address), 'welcome')
      try {
        await start('a', 'alice')
        await hears('a', 'open')
        const offer = target =>
          within(client.send({ cmd: 'offer', target, data: { offer: { type: 'offer', sdp: '' } } }), 'reply')
        equal((await offer('alice')).data, { message: 'Unknown Command' }, 'reply for a peer that is there')
        equal((await offer('nobody')).data, { message: 'Peer Not Found' }, 'reply for an absent peer')
        const heard = event(client.socket, 'message', 'offer')
        await call('a', client.id)
        const { cmd, origin, data } = JSON.parse((await heard).data)
        equal([cmd, origin, data.sdp.type], ['OFFER', 'alice', 'offer'], 'what PeerJS says')
      } finally {
        client.socket.close()
      }
    }),

  'a JSON peer says something to a y-webrtc document': () =>
    among([new Peer('/', 'sigfire.v1.json')], async peer => {
      await peer.json('welcome', ({ cmd }) => cmd === 'welcome')
      peer.say({ cmd: 'join', id: 1, topic: 'mixed' })
      equal((await peer.json('reply', ({ id }) => id === 1)).ok, true, 'ok')
      await among([new Document('mixed')], async () => {
        const heard = type => ({ cmd, topic, data }) => cmd === 'publish' && topic === 'mixed' && data.type === type
        const { data } = await peer.json('announcement', heard('announce'))
        peer.say({ cmd: 'publish', id: 2, topic: 'mixed', data: { type: 'announce', from: 'json' } })
        equal((await peer.json('reply', ({ id }) => id === 2)).ok, true, 'ok')
        const answer = (await peer.json('signal', heard('signal'))).data
        equal([answer.from, answer.to, answer.signal.type], [data.from, 'json', 'offer'], 'what it answers')
      })
    }),

  'the program ends well': async () => equal(await server.stop(), { code: 0 }, 'exit'),
}

await ring(tests, { after: close })
