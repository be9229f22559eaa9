// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// coturn accepts the credentials that the server program gives its peers: each test makes a real allocation
// (RFC 8656), and a datagram goes through it.

import { createHash, createHmac, randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import WebSocket from 'ws'
import { equal, ring, run, scratch, serve, truth, unused, within } from './harness.mjs'

// Its package, unpacked by tests/setup.sh.
const package_files = process.env.COTURN_FILES ?? fileURLToPath(new URL('../../../.deps/coturn', import.meta.url))
const secret = 'a secret of this test alone'

function file(name, text) {
  const path = join(scratch, name)
  writeFileSync(path, text)
  return path
}

// --- STUN (RFC 8489) ---

const cookie = 0x2112a442
const [binding, allocate, permission, send, data] = [0x001, 0x003, 0x008, 0x016, 0x017]
const [username, integrity, errorCode, realm, nonce, xorMapped, xorPeer, dataOf, xorRelayed, transport] =
  [0x06, 0x08, 0x09, 0x14, 0x15, 0x20, 0x12, 0x13, 0x16, 0x19]

function attribute(type, value) {
  const bytes = Buffer.from(value)
  const head = Buffer.alloc(4)
  head.writeUInt16BE(type)
  head.writeUInt16BE(bytes.length, 2)
  return Buffer.concat([head, bytes, Buffer.alloc(-bytes.length & 3)])
}

/** A message; with `key` it is signed. */
function message(type, attributes, key) {
  const head = Buffer.alloc(8)
  head.writeUInt16BE(type)
  head.writeUInt32BE(cookie, 4)
  const body = Buffer.concat(attributes)
  head.writeUInt16BE(body.length + (key ? 24 : 0), 2)
  const whole = Buffer.concat([head, randomBytes(12), body])
  return key ? Buffer.concat([whole, attribute(integrity, createHmac('sha1', key).update(whole).digest())]) : whole
}

function attributes(bytes) {
  const found = new Map()
  for (let at = 20; at + 4 <= bytes.length;) {
    const size = bytes.readUInt16BE(at + 2)
    found.set(bytes.readUInt16BE(at), bytes.subarray(at + 4, at + 4 + size))
    at += 4 + size + (-size & 3)
  }
  return found
}

const address = bytes => ({
  port: bytes.readUInt16BE(2) ^ (cookie >>> 16),
  address: Array.from(bytes.subarray(4), (b, i) => b ^ (cookie >>> (24 - 8 * i) & 255)).join('.')
})
function xored({ port, address }) {
  const bytes = Buffer.from([0, 1, 0, 0, ...address.split('.').map((b, i) => b ^ (cookie >>> (24 - 8 * i) & 255))])
  bytes.writeUInt16BE(port ^ (cookie >>> 16), 2)
  return bytes
}

/** A UDP client of a TURN server. */
class Client {
  #answers = new Map()
  static async open(port) {
    const client = new Client()
    client.port = port
    client.socket = createSocket('udp4')
    client.socket.on('message', bytes => {
      const type = bytes.readUInt16BE()
      if (type === data) client.onData?.(attributes(bytes))
      client.#answers.get(bytes.toString('hex', 8, 20))?.({ ok: (type & 0x110) === 0x100, attributes: attributes(bytes) })
    })
    client.socket.on('error', () => {})
    await new Promise(resolve => client.socket.bind(0, '127.0.0.1', resolve))
    return client
  }

  /** Sends a request until its answer comes: datagrams get lost. */
  async ask(bytes, what, ms = 10_000) {
    const answer = new Promise(resolve => this.#answers.set(bytes.toString('hex', 8, 20), resolve))
    this.socket.send(bytes, this.port, '127.0.0.1')
    const again = setInterval(() => this.socket.send(bytes, this.port, '127.0.0.1'), 250)
    return within(answer, what, ms).finally(() => clearInterval(again))
  }

  /** Allocates an address, as a browser does: the first request gets realm and nonce. Returns it, or the error. */
  async allocate({ username: user, credential }) {
    const wanted = attribute(transport, [17, 0, 0, 0])
    const first = await this.ask(message(allocate, [wanted]), 'realm and nonce')
    equal(first.attributes.get(errorCode).readUInt16BE(2), 0x401, 'error of a request without credentials')
    const place = String(first.attributes.get(realm))
    this.proof = [attribute(username, user), attribute(realm, place), attribute(nonce, first.attributes.get(nonce))]
    this.key = createHash('md5').update(`${user}:${place}:${credential}`).digest()
    const second = await this.ask(message(allocate, [wanted, ...this.proof], this.key), 'answer to an allocation')
    if (second.ok) return { relayed: address(second.attributes.get(xorRelayed)) }
    const code = second.attributes.get(errorCode)
    return { error: code[2] * 100 + code[3] }
  }

  /** Sends `text` through the allocation to a socket of this machine. Returns the address from which it came. */
  async reach(text) {
    const target = createSocket('udp4')
    await new Promise(resolve => target.bind(0, '127.0.0.1', resolve))
    const came = new Promise(resolve => target.on('message', (bytes, from) => resolve({ text: String(bytes), from })))
    const peer = attribute(xorPeer, xored({ port: target.address().port, address: '127.0.0.1' }))
    const allowed = await this.ask(message(permission, [peer, ...this.proof], this.key), 'permission')
    truth(allowed.ok, 'no permission')
    const say = () => this.socket.send(message(send, [peer, attribute(dataOf, text)]), this.port, '127.0.0.1')
    say()
    const again = setInterval(say, 250)
    const { text: got, from } = await within(came, 'datagram through the TURN server').finally(() => clearInterval(again))
    equal(got, text, 'datagram')
    const back = new Promise(resolve => (this.onData = found => resolve(String(found.get(dataOf)))))
    const answer = () => target.send('back', from.port, from.address)
    answer()
    const repeat = setInterval(answer, 250)
    equal(await within(back, 'datagram back').finally(() => clearInterval(repeat)), 'back', 'datagram back')
    target.close()
    return from
  }

  close() {
    this.socket.close()
  }
}

// --- coturn and the program ---

async function coturn() {
  const port = await unused()
  const home = mkdtempSync(join(scratch, 'coturn-'))
  const server = run([
    '-n', '--listening-ip=127.0.0.1', '--relay-ip=127.0.0.1', `--listening-port=${port}`, '--use-auth-secret',
    `--static-auth-secret=${secret}`, '--realm=example.org', '--no-tls', '--no-dtls', '--no-cli', '--no-tcp',
    '--allow-loopback-peers', '--log-file=stdout', `--pidfile=${home}/pid`, `--userdb=${home}/db`
  ], `${package_files}/usr/bin/turnserver`)
  const early = server.exited.then(end => {
    throw new Error(end.error ?? `coturn ended with ${JSON.stringify(end)}: ${server.stdout}${server.stderr}`)
  })
  early.catch(() => {})
  const client = await Client.open(port)
  const answer = await Promise.race([client.ask(message(binding, []), 'coturn', 20_000), early])
  truth(address(answer.attributes.get(xorMapped)).port === client.socket.address().port, 'odd answer of coturn')
  client.close()
  return port
}

/** A peer; `next(cmd)` is its next message. */
async function join_(url) {
  const socket = new WebSocket(url, 'sigfire.v1.json')
  const inbox = []
  const waiting = []
  socket.on('message', text => {
    const said = JSON.parse(text)
    waiting.length ? waiting.shift()(said) : inbox.push(said)
  })
  const failed = new Promise((_, reject) => socket.on('error', reject))
  failed.catch(() => {})
  const peer = {
    socket,
    next: async cmd => {
      const said = await within(Promise.race([inbox.shift() ?? new Promise(resolve => waiting.push(resolve)), failed]), cmd, 20_000)
      equal(said.cmd, cmd, 'command')
      return said.data
    }
  }
  Object.assign(peer, await peer.next('welcome'))
  return peer
}

const served = (port, ...more) => serve(['--listen', 'ws://127.0.0.1:0', '--turn-url', `stun:127.0.0.1:${port}`, '--turn-url',
  `turn:127.0.0.1:${port}?transport=udp`, '--turn-secret-file', file('secret', `${secret}\n`), ...more])

truth(existsSync(`${package_files}/usr/bin/turnserver`), `there is no coturn in ${package_files}: see tests/setup.sh`)

await ring({
  'the credentials in a welcome are good for an allocation, and data passes through it': async () => {
    const port = await coturn()
    const server = await served(port)
    const peer = await join_(server.addresses[0])
    const [stun, turn] = peer.configuration.iceServers
    equal(stun, { urls: [`stun:127.0.0.1:${port}`] }, 'STUN server')
    equal(turn.urls, [`turn:127.0.0.1:${port}?transport=udp`], 'TURN server')
    const client = await Client.open(port)
    const { relayed, error } = await client.allocate(turn)
    equal(error, undefined, 'error')
    const from = await client.reach('hello')
    equal([from.address, from.port], [relayed.address, relayed.port], 'relayed address')
    client.close()

    const other = await join_(server.addresses[0])
    truth(other.configuration.iceServers[1].username !== turn.username, 'two peers share their credentials')
    truth(!server.stderr.includes(secret) && !server.stdout.includes(secret), 'the secret is in the log')
    equal(await server.stop(), { code: 0 }, 'exit')
  },

  'coturn refuses a wrong password, another user and a time that is over': async () => {
    const port = await coturn()
    const server = await served(port)
    const { username: user, credential } = (await join_(server.addresses[0])).configuration.iceServers[1]
    const [time, name] = user.split(':')
    const old = `${time - 86_400}:${name}`
    const wrong = [
      { username: user, credential: `${credential}x` },
      { username: `${Number(time) + 1}:${name}`, credential },
      { username: old, credential: createHmac('sha1', secret).update(old).digest('base64') }
    ]
    for (const credentials of wrong) {
      const client = await Client.open(port)
      equal(await client.allocate(credentials), { error: 401 }, 'outcome')
      client.close()
    }
  },

  'a peer gets new credentials before the old ones end': async () => {
    const port = await coturn()
    const server = await served(port, '--turn-ttl', '5')
    const peer = await join_(server.addresses[0])
    const first = peer.configuration.iceServers[1]
    const { iceServers } = await peer.next('configuration')
    truth(parseInt(iceServers[1].username) > parseInt(first.username), 'they do not last longer')
    truth(iceServers[1].username.endsWith(`:${peer.id}`), 'they have no user')
    const client = await Client.open(port)
    equal((await client.allocate(iceServers[1])).error, undefined, 'error')
    client.close()
  },

  'SIGHUP reads the secret again; a file that cannot be used changes nothing': async () => {
    const port = await coturn()
    const path = file('rotated', 'another secret')
    const server = await serve(['--listen', 'ws://127.0.0.1:0', '--turn-url', `turn:127.0.0.1:${port}`, '--turn-secret-file', path])
    const outcome = async () => {
      const client = await Client.open(port)
      const { error } = await client.allocate((await join_(server.addresses[0])).configuration.iceServers[0])
      client.close()
      return error
    }
    const told = async event => {
      const seen = () => server.stderr.split('\n').filter(line => line.includes(`"${event}"`)).length
      const before = seen()
      server.child.kill('SIGHUP')
      await within((async () => { while (seen() === before) await new Promise(resolve => server.child.once('output', resolve)) })(), event)
    }
    equal(await outcome(), 401, 'error with another secret')
    writeFileSync(path, secret)
    await told('secret_reloaded')
    equal(await outcome(), undefined, 'error with the right secret')
    writeFileSync(path, '\n')
    await told('reload_failed')
    equal(await outcome(), undefined, 'error after a failed reload')
    truth(!server.stderr.includes(secret), 'the secret is in the log')
  }
})
