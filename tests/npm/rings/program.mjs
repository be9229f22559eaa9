// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// What the server program promises to its operator: its addresses, exit codes, messages and HTTP answers.

import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import * as tls from 'node:tls'
import WebSocket from 'ws'
import { binary, equal, logged, ring, run, scratch, serve, truth, until, unused, within } from './harness.mjs'

/** A peer that speaks JSON text to one of the program's addresses, of any kind. */
class Peer {
  #inbox = []
  #waiting = []
  #requests = 0

  static async join(address, hello) {
    const peer = new Peer()
    const gone = new Promise(resolve => (peer.gone = resolve))
    peer.closed = ms => within(gone, `close of ${address}`, ms)
    if (/^wss?:/.test(address)) peer.#websocket(address)
    else peer.#stream(address)
    if (hello) peer.write(JSON.stringify({ cmd: 'hello', data: hello }))
    const welcome = await peer.next('welcome')
    equal(Object.keys(welcome), ['id', 'cmd', 'data'], 'members of the welcome')
    peer.id = welcome.data.id
    truth(/^[\w-]{20,}$/.test(peer.id), `a guessable or odd id: ${peer.id}`)
    peer.configuration = welcome.data.configuration
    peer.resume = welcome.data.resume
    return peer
  }

  #websocket(address) {
    const socket = (this.socket = new WebSocket(address, 'sigfire.v1.json', unverified))
    this.write = text => socket.send(text)
    this.leave = () => socket.close()
    socket.on('message', data => this.#take(data))
    socket.on('close', (code, reason) => this.#end({ code, reason }))
    socket.on('error', error => this.#end({ error: error.message }))
  }

  // Every message behind four bytes of length, the most significant first.
  #stream(address) {
    const bare = address.replace('tls+', '')
    const options = bare.startsWith('unix:') ? { path: bare.slice(5) } : endpoint(bare)
    const socket = (this.socket = bare === address ? connect(options) : tls.connect({ ...options, ...unverified }))
    let buffer = Buffer.alloc(0)
    this.write = text => {
      const body = Buffer.from(text)
      const head = Buffer.alloc(4)
      head.writeUInt32BE(body.length)
      socket.write(Buffer.concat([head, body]))
    }
    this.leave = () => socket.end()
    socket.on('data', data => {
      buffer = Buffer.concat([buffer, data])
      while (buffer.length >= 4 && buffer.length >= 4 + buffer.readUInt32BE()) {
        const end = 4 + buffer.readUInt32BE()
        this.#take(buffer.subarray(4, end))
        buffer = buffer.subarray(end)
      }
    })
    socket.on('end', () => this.#end({ end: true }))
    socket.on('error', error => this.#end({ error: error.message }))
  }

  #take(data) {
    const message = JSON.parse(data)
    const waiting = this.#waiting.shift()
    waiting ? waiting(message) : this.#inbox.push(message)
  }

  #end(how) {
    this.gone(how)
    for (const waiting of this.#waiting) waiting(how)
  }

  async next(cmd) {
    const message = await within(this.#inbox.shift() ?? new Promise(resolve => this.#waiting.push(resolve)), cmd)
    if (message.cmd !== cmd) throw new Error(`${JSON.stringify(message)} instead of ${cmd}`)
    return message
  }

  /** Sends a request and returns the reply, which has to be the next message. */
  async ask(cmd, target, data) {
    const id = `request ${++this.#requests}`
    this.write(JSON.stringify({ cmd, target, data, id }))
    const reply = await this.next(undefined)
    equal(reply.id, id, 'id of the reply')
    return reply
  }
}

const endpoint = address => ({ host: new URL(address).hostname, port: Number(new URL(address).port) })
const unverified = { rejectUnauthorized: false }
const anyPort = kind => `${kind}://127.0.0.1:0`

function get(address, path, { headers = {}, method = 'GET' } = {}) {
  const { host, port } = endpoint(address)
  return within(
    new Promise((resolve, reject) => {
      const call = request({ host, port, path, method, headers, agent: false }, answer => {
        let body = ''
        answer.setEncoding('utf8').on('data', text => (body += text))
        answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body }))
      })
      call.on('error', reject).end()
    }),
    `answer to ${method} ${path}`)
}

function file(name, text) {
  const path = join(scratch, name)
  writeFileSync(path, text)
  return path
}


async function served(args, test) {
  const server = await serve(args)
  await test(server)
  equal(await server.stop(), { code: 0 }, 'exit')
}

/** Runs the program to its end, which has to come by itself and with one line on stderr. */
async function refused(args, code, pattern) {
  const program = run(args)
  const shown = args.join(' ')
  equal(await within(program.exited, `end of ${shown}`), { code }, `exit of ${shown}`)
  equal(program.stdout, '', `stdout of ${shown}`)
  const lines = program.stderr.split('\n').filter(Boolean)
  equal(lines.length, 1, `lines on stderr of ${shown} (${program.stderr})`)
  if (pattern && !(pattern.test ? pattern.test(lines[0]) : lines[0].includes(pattern))) throw new Error(`${shown} says ${lines[0]}, nothing of ${pattern}`)
}

await ring({
  'it tells its addresses, with the real ports': async () => {
    const path = join(scratch, 'told')
    await served(['--listen', anyPort('ws'), '--listen', anyPort('tcp'), '--listen', `unix:${path}`], ({ addresses }) => {
      const [ws, tcp, unix] = addresses
      truth(/^ws:\/\/127\.0\.0\.1:[1-9]\d*$/.test(ws), `odd address ${ws}`)
      truth(/^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/.test(tcp), `odd address ${tcp}`)
      equal(unix, `unix:${path}`, 'unix address')
    })
    truth(!existsSync(path), 'the socket file outlived the program')
  },

  '-p means WebSocket on the loopback interface': async () => {
    const port = await unused()
    await served(['-p', String(port)], async ({ addresses }) => {
      equal(addresses, [`ws://127.0.0.1:${port}`], 'addresses')
      await Peer.join(addresses[0])
    })
  },

  'it listens on IPv6': () =>
    served(['--listen', 'ws://[::1]:0'], async ({ addresses: [address] }) => {
      truth(/^ws:\/\/\[::1\]:[1-9]\d*$/.test(address), `odd address ${address}`)
      await Peer.join(address)
    }),

  'a peer without HTTP says hello, and comes back as itself': () =>
    served(['--listen', `${anyPort('tcp')}/?hello`, '--listen', anyPort('ws')], async ({ addresses: [tcp, ws] }) => {
      const caller = await Peer.join(ws)
      const robot = await Peer.join(tcp, { resume: '' })
      robot.socket.resetAndDestroy() // without an end it is lost, not closed
      const again = await Peer.join(tcp, { resume: robot.resume.token })
      equal(again.id, robot.id, 'id after a resume')
      equal((await caller.ask('session-start', robot.id)).ok, true, 'ok')
      await again.next('session-start')
      const stranger = await within(Peer.join(tcp, { id: 7 }).catch(error => error.message), 'end of a wrong hello')
      truth(/welcome/.test(stranger), `a wrong hello is let in: ${stranger}`)
    }),

  'peers of all kinds of address reach each other': () =>
    served(
      ['--listen', anyPort('ws'), '--listen', anyPort('tcp'), '--listen', `unix:${join(scratch, 'reach')}`],
      async ({ addresses }) => {
        const peers = await Promise.all(addresses.map(Peer.join))
        for (const a of peers) {
          for (const b of peers.filter(peer => peer !== a)) {
            equal(Object.entries(await a.ask('session-start', b.id)).slice(1), [['ok', true]], 'reply')
            const start = await b.next('session-start')
            equal([start.origin, 'data' in start], [a.id, false], 'session-start')
            const offer = { type: 'offer', sdp: 'v=0\r\nžluťoučký', more: [1, { deep: null }] }
            equal((await a.ask('offer', b.id, { offer, extra: 1 })).ok, true, 'ok')
            const relayed = await b.next('offer')
            equal([relayed.origin, relayed.data], [a.id, { offer, extra: 1 }], 'offer')
          }
        }
        for (const peer of peers) {
          const cause = async (...request) => (await peer.ask(...request)).data.message
          equal(await cause('session-start', 'nobody'), 'Peer Not Found', 'cause')
          equal(await cause('session-start', peer.id), "Can't Send to Yourself", 'cause')
          equal(await cause('session-start'), 'Missing Target', 'cause')
          equal(await cause('no-such-command', peers.find(other => other !== peer).id), 'Unknown Command', 'cause')
        }
        peers[1].leave()
        await peers[1].closed()
        for (const end = Date.now() + 5000; (await peers[0].ask('session-start', peers[1].id)).ok; )
          truth(Date.now() < end, 'a peer that has left is still found')
      }),

  'messages arrive in any pieces': () =>
    served(['--listen', anyPort('tcp')], async ({ addresses: [address] }) => {
      const [a, b] = [await Peer.join(address), await Peer.join(address)]
      const body = Buffer.from(JSON.stringify({ cmd: 'offer', target: b.id, data: { offer: 'x'.repeat(50) }, id: 1 }))
      const head = Buffer.alloc(4)
      head.writeUInt32BE(body.length)
      a.socket.setNoDelay(true)
      for (const byte of Buffer.concat([head, body])) {
        a.socket.write(Buffer.of(byte))
        await new Promise(setImmediate)
      }
      equal(await a.next(undefined), { id: 1, ok: true }, 'reply')
      equal((await b.next('offer')).data.offer.length, 50, 'offer')
    }),

  'the RTC configuration is in the welcome': async () => {
    const configuration = { iceServers: [{ urls: ['turn:turn.example:3478'], username: 'u', credential: 'č"' }] }
    const path = file('rtc.json', JSON.stringify(configuration, null, 2))
    const args = ['--listen', anyPort('ws'), '--listen', anyPort('tcp'), '--rtc-config', path]
    await served(args, async ({ addresses }) => {
      for (const address of addresses) equal((await Peer.join(address)).configuration, configuration, address)
    })
    await served(undefined, async ({ addresses: [address] }) =>
      equal((await Peer.join(address)).configuration, undefined, 'configuration that nobody gave'))
  },

  'addresses may stand in a configuration file': async () => {
    const path = file('config.json', JSON.stringify({ listen: [anyPort('ws'), anyPort('tcp')] }))
    const server = await serve(['--config', path], 2)
    equal(server.addresses.map(address => address.split(':')[0]), ['ws', 'tcp'], 'kinds')
    for (const address of server.addresses) await Peer.join(address)
    equal(await server.stop(), { code: 0 }, 'exit')
  },

  'any option may stand in the file, and the command line overrules it': async () => {
    const config = file('dialects.json', JSON.stringify({
      peerjs_key: 'filed', peerjs_discovery: true, y_webrtc: '/yjs', socket_signal: 'off', topics: 7, sessions: false }))
    const server = await serve(['-p', '0', '--config', config, '--y-webrtc', '/y'])
    const [address] = server.addresses
    const body = async path => (await get(address, path)).body
    equal(await body('/filed/peers'), '[]', 'PeerJS under the key of the file')
    equal((await get(address, '/peerjs/peers')).status, 426, 'PeerJS under another key')
    equal([await body('/y'), (await get(address, '/yjs')).status], ['okay', 426], 'y-webrtc, moved')
    equal((await get(address, '/socket-signal')).status, 426, 'socket-signal, switched off')
    equal(await server.stop(), { code: 0 }, 'exit')
  },

  'a listener for one family is like its original': async () => {
    const of = family => ['--listen', `${anyPort('ws')}/?dialect=${family}`]
    const families = ['peerjs', 'y-webrtc', 'socket-signal', 'signal-fire-2016']
    await served(families.flatMap(of), async ({ addresses: [peerjs, yWebrtc, socketSignal, old] }) => {
      equal((await get(peerjs, '/anykey/id')).status, 200, 'PeerJS takes any key over HTTP')
      equal((await get(peerjs, '/nowhere')).status, 404, 'PeerJS knows no such path')
      const refused = await within(new Promise(resolve => {
        new WebSocket(peerjs + '/elsewhere').on('unexpected-response', (_, answer) => resolve(answer.statusCode)).on('error', () => {})
      }), 'refusal')
      equal(refused, 400, 'PeerJS on another path')
      equal((await get(yWebrtc, '/any/path')).body, 'okay', 'y-webrtc')
      equal((await get(socketSignal, '/any/path')).body, 'Signal running OK\n', 'socket-signal')
      const socket = new WebSocket(old + '/any/path')
      const first = await within(new Promise(resolve => socket.on('message', resolve)), 'first message')
      equal(JSON.parse(first).type, 'id', 'signal-fire 2016')
      socket.terminate()
    })
  },

  'a client on a wrong path is told the right one': () =>
    served(['-p', '0', '--y-webrtc', '/rooms/y-webrtc', '--socket-signal', 'off'], async ({ addresses: [address] }) => {
      const refusal = path => within(new Promise(resolve => {
        new WebSocket(address + path).on('unexpected-response', (_, answer) => {
          answer.setEncoding('utf8').on('data', body => resolve([answer.statusCode, body]))
        }).on('open', () => resolve('is let in')).on('error', () => {})
      }), `answer to ${path}`)
      for (const [path, right] of [
        ['/PeerJS?key=peerjs&id=a&token=b', 'the path is /peerjs'],
        ['/app/peerjs?key=peerjs&id=a&token=b', 'the path is /peerjs'],
        ['/y-webrtc', 'the path is /rooms/y-webrtc'],
        ['/rooms/Y-WebRTC', 'the path is /rooms/y-webrtc'],
        ['/Signal-Fire-2016/', 'the path is /signal-fire-2016'],
        ['/socket-signal', 'socket-signal clients are not served here'],
      ]) equal(await refusal(path), [404, right], path)
      await Peer.join(address + '/any/other/path')
    }),

  'the memory of a burst goes back to the system': async () => {
    const path = join(scratch, 'burst')
    await served(['--listen', `unix:${path}`, '--messages-per-second', '0'], async ({ child, addresses: [address] }) => {
      const used = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1'))[1]) / 1024
      const sender = await Peer.join(address)
      const before = used()
      const readers = []
      for (let i = 0; i < 40; ++i) readers.push(await Peer.join(address))
      for (const reader of readers) reader.socket.pause()
      for (let i = 0; i < 35; ++i)
        for (const reader of readers) equal((await sender.ask('bye', reader.id, { text: 'x'.repeat(100_000) })).ok, true, 'reply')
      truth(used() > before + 100, `the burst took ${used() - before} MiB only`)
      for (const reader of readers) reader.socket.destroy()
      await within((async () => { while (used() > before + 20) await sender.ask('bye', sender.id, {}) })(), `memory back: ${used()} MiB`)
    })
  },

  'a certificate that is not valid yet is an error in the log': async () => {
    const folder = join(scratch, 'early')
    mkdirSync(folder)
    const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
    writeFileSync(join(folder, 'index'), '')
    writeFileSync(join(folder, 'serial'), '01')
    writeFileSync(join(folder, 'ca.conf'), ['[ca]', 'default_ca=c', '[c]', 'database=index', 'serial=serial', 'new_certs_dir=.',
      'default_md=sha256', 'policy=p', '[p]', 'commonName=supplied', ''].join('\n'))
    openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=early', '-keyout', 'key.pem',
      '-out', 'request.pem')
    const year = new Date().getUTCFullYear()
    openssl('ca', '-batch', '-config', 'ca.conf', '-selfsign', '-keyfile', 'key.pem', '-in', 'request.pem', '-out', 'chain.pem', '-notext',
      '-startdate', `${year + 2}0101000000Z`, '-enddate', `${year + 3}0101000000Z`)
    const server = await serve(['--listen', anyPort('wss'), '--tls-certificate', join(folder, 'chain.pem'), '--tls-key', join(folder, 'key.pem')])
    await until(server, () => logged(server, 'certificate_not_valid_yet').length, 'complaint')
    const told = server.stderr.split('\n').filter(line => line.includes('certificate_')).map(line => JSON.parse(line))
    equal(told.map(line => [line.level, line.event, line.days > 300]), [['error', 'certificate_not_valid_yet', true]], 'log')
  },

  'TLS under every transport, and new certificates without a broken connection': async () => {
    const certificate = join(scratch, 'chain.pem'), key = join(scratch, 'key.pem'), socket = join(scratch, 'secured')
    const certify = name => execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
      '-nodes', '-days', '1', '-subj', `/CN=${name}`, '-keyout', key, '-out', certificate], { stdio: 'ignore' })
    const subject = address => within(new Promise((resolve, reject) => {
      const seen = tls.connect({ ...endpoint(address.replace('wss', 'ws')), ...unverified }, () => {
        resolve(seen.getPeerCertificate().subject.CN)
        seen.destroy()
      }).on('error', reject)
    }), 'certificate')
    certify('first')
    const listeners = [anyPort('wss'), anyPort('tls+tcp'), `tls+unix:${socket}`].flatMap(address => ['--listen', address])
    const server = await serve([...listeners, '--tls-certificate', certificate, '--tls-key', key, '--log-level', 'debug'])
    const peers = []
    for (const address of server.addresses) peers.push(await Peer.join(address))
    const [wss] = server.addresses
    equal(await subject(wss), 'first', 'certificate')
    certify('second')
    server.child.kill('SIGHUP')
    await within((async () => { while (await subject(wss) !== 'second'); })(), 'the new certificate')
    for (const [i, peer] of peers.entries()) {
      const other = peers[(i + 1) % peers.length]
      equal((await peer.ask('offer', other.id, { offer: i + 1 })).ok, true, 'reply over an old connection')
      equal((await other.next('offer')).data, { offer: i + 1 }, 'offer over an old connection')
    }
    writeFileSync(certificate, 'nonsense')
    server.child.kill('SIGHUP')
    await within((async () => { while (!server.stderr.includes('certificates_not_reloaded')) await subject(wss); })(), 'complaint')
    const told = event => server.stderr.split('\n').filter(line => line.includes(`"event":"${event}"`)).length
    equal([told('certificate_expires_soon') >= 3, told('certificates_reloaded')], [true, 3], 'expiry and reload in the log')
    equal(await subject(wss), 'second', 'certificate after a bad one')
    truth(server.stderr.includes('"level":"warn","event":"certificate_expires_soon"'), 'the log uses the words of --log-level')
    // a client that does not trust the certificate
    const { host, port } = endpoint(wss.replace('wss', 'ws'))
    const doubting = spawn('openssl', ['s_client', '-verify_return_error', '-connect', `${host}:${port}`], { stdio: 'ignore' })
    await within(new Promise(resolve => doubting.on('exit', resolve)), 'refusal')
    await within((async () => { while (!/"event":"tls_failed","remote":"[^"]*","reason":"[^"]*(alert|unknown ca)/.test(server.stderr)) await subject(wss) })(), 'reason')
    equal(await server.stop(), { code: 0 }, 'exit')
    const without = run(['serve', ...listeners, '--tls-certificate', join(scratch, 'none.pem')])
    equal(await within(without.exited, 'end'), { code: 1 }, 'exit without a certificate')
    truth(without.stderr.includes('none.pem'), `stderr is ${without.stderr}`)
  },

  'HTTP: health, page and refusals': () =>
    served(undefined, async ({ addresses: [address] }) => {
      equal((await get(address, '/healthz')).status, 200, 'status of /healthz')

      const browser = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } }
      const page = await get(address, '/', browser)
      equal(page.status, 200, 'status of the page')
      truth(page.headers['content-type'].startsWith('text/html'), `the page is ${page.headers['content-type']}`)
      const parts = [...page.body.matchAll(/(?:src|href)="([^":]+)"/g)].map(match => match[1])
      equal(parts, ['page.css', 'page.js'], 'what the page needs')
      for (const [part, type] of [['/page.css', 'text/css'], ['/page.js', 'text/javascript']]) {
        const answer = await get(address, part)
        equal(answer.status, 200, `status of ${part}`)
        truth(answer.headers['content-type']?.startsWith(type), `${part} is ${answer.headers['content-type']}`)
        truth(answer.body.length > 500, `${part} is short`)
      }

      const root = await get(address, '/')
      equal(root.status, 200, 'status of /')
      equal(JSON.parse(root.body).name, 'PeerJS Server', 'what / is without a page')
      for (const [path, options] of [['/nowhere', {}], ['/nowhere', browser], ['/page.html', browser]]) {
        const answer = await get(address, path, options)
        equal(answer.status, 426, `status of ${path}`)
        equal(answer.headers.connection?.toLowerCase(), 'close', `Connection of ${path}`)
      }
      equal((await get(address, '/nowhere', { method: 'POST' })).status, 404, 'status of a POST')
    }),

  'rubbish on a port harms nobody else': () =>
    served(['--listen', anyPort('ws'), '--listen', anyPort('tcp')], async ({ addresses }) => {
      const peers = await Promise.all(addresses.map(Peer.join))
      for (const address of addresses) {
        for (const rubbish of ['\0'.repeat(64), '\xff'.repeat(4096), 'GET / HTTP/9.9\r\n\r\n', '{"id":1}\n']) {
          const socket = connect(endpoint(address))
          socket.on('error', () => {}).resume()
          socket.end(rubbish, 'latin1')
          await within(new Promise(resolve => socket.on('close', resolve)), `close after rubbish on ${address}`)
        }
      }
      equal((await peers[0].ask('session-start', peers[1].id)).ok, true, 'ok')
      await peers[1].next('session-start')
    }),

  'stderr is JSON, an object a line': async () => {
    const server = await serve(['-p', '0', '--log-level', 'debug'])
    const peer = await Peer.join(server.addresses[0])
    peer.leave()
    await peer.closed()
    equal(await server.stop(), { code: 0 }, 'exit')
    const lines = server.stderr.split('\n').filter(Boolean)
    truth(lines.length > 0, 'there is no line')
    for (const line of lines) {
      let value
      try {
        value = JSON.parse(line)
      } catch {}
      truth(value && typeof value === 'object' && !Array.isArray(value), `no object: ${line}`)
    }
  },

  'text of a peer cannot act on the terminal that shows the log': async () => {
    const server = await serve(['-p', '0'])
    const id = 'a\u202eb\u009bc\u061c\u2066\u007fd \u00e4\u20ac' // the last two are harmless
    const peer = new WebSocket(`${server.addresses[0]}/peerjs?key=peerjs&token=t&id=${encodeURIComponent(id)}`)
    await within(new Promise((resolve, reject) => peer.on('message', resolve).on('error', reject)), 'OPEN')
    peer.close()
    equal(await server.stop(), { code: 0 }, 'exit')
    truth(server.stderr.includes('"id":"a\\u202eb\\u009bc\\u061c\\u2066\\u007fd \u00e4\u20ac"'), `the log is ${server.stderr}`)
  },

  'a log that nobody reads stops nobody': async () => {
    const server = await serve(['-p', '0', '--log-level', 'debug', '--log-rate', '0', '--log-buffer', '65536'])
    const [address] = server.addresses
    const crowd = async () => {
      for (let i = 0; i < 20; ++i)
        for (const peer of await Promise.all(Array.from({ length: 50 }, () => Peer.join(address)))) peer.leave()
    }
    server.child.stderr.pause()
    await crowd()
    equal((await get(address, '/healthz')).status, 200, 'status of /healthz')
    server.child.stderr.resume()
    await within((async () => {
      while (!server.stderr.includes('log_lines_lost')) (await Peer.join(address)).leave()
    })(), 'number of lost lines')
    for (const line of server.stderr.split('\n').slice(0, -1)) JSON.parse(line)
    server.child.stderr.pause()
    await crowd()
    const gone = new Promise(resolve => server.child.once('exit', resolve))
    server.child.kill()
    equal(await within(gone, 'exit'), 0, 'exit')
    server.child.stderr.resume()
  },

  'SIGUSR1 makes the log more verbose, SIGUSR2 as it was': async () => {
    const server = await serve(['-p', '0', '--log-level', 'error'])
    const changes = () => logged(server, 'log_level_changed').map(({ from, to }) => `${from} ${to}`)
    const signal = async (name, count) => {
      server.child.kill(name)
      await until(server, () => changes().length === count, `change ${count}`)
    }
    await signal('SIGUSR1', 1)
    await signal('SIGUSR1', 2)
    await Peer.join(server.addresses[0])
    await until(server, () => logged(server, 'peer_opened').length === 1, 'peer_opened')
    await signal('SIGUSR1', 3)
    server.child.kill('SIGUSR1') // there is no level below
    await signal('SIGUSR2', 4)
    await Peer.join(server.addresses[0])
    equal(await server.stop(), { code: 0 }, 'exit')
    equal(changes(), ['error warn', 'warn info', 'info debug', 'debug error'], 'levels')
    equal(logged(server, 'peer_opened').length, 1, 'lines of peers')
  },

  'the log has a limit for each kind of event, and counts the rest': async () => {
    const server = await serve(['-p', '0', '--log-rate', '2'])
    for (const peer of await Promise.all(Array.from({ length: 30 }, () => Peer.join(server.addresses[0])))) peer.leave()
    equal(await server.stop(), { code: 0 }, 'exit')
    for (const event of ['peer_opened', 'peer_closed']) {
      const written = logged(server, event).length
      const rest = logged(server, 'log_lines_suppressed').filter(line => line.of === event).map(line => Number(line.count))
      equal(written + rest.reduce((a, b) => a + b, 0), 30, `${event} in all`)
      truth(written < 30 && rest.length, `all ${event} are written`)
    }
  },

  'signals that it has no use for do not end it': async () => {
    const server = await serve()
    for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGHUP', 'SIGPIPE']) server.child.kill(signal)
    await Peer.join(server.addresses[0])
    equal(await server.stop(), { code: 0 }, 'exit')
  },

  'without standard descriptors its sockets do not take their place': async () => {
    const port = await unused()
    const server = run(['-c', `exec "$0" serve -p ${port} --log-level debug <&- >&- 2>&-`, binary], 'sh')
    const address = `ws://127.0.0.1:${port}`
    await within((async () => { while (!(await get(address, '/healthz').catch(() => {}))); })(), 'the server')
    const [a, b] = [await Peer.join(address), await Peer.join(address)]
    equal((await a.ask('session-start', b.id)).ok, true, 'ok')
    server.child.kill()
    equal(await within(server.exited, 'end'), { code: 0 }, 'exit')
  },

  'it listens on the sockets that a service manager passes': async () => {
    const path = join(scratch, 'passed')
    const manager = `
import fcntl, os, socket, sys
tcp, unix = socket.socket(), socket.socket(socket.AF_UNIX)
tcp.bind(('127.0.0.1', 0))
unix.bind(sys.argv[1])
for n, s in enumerate([os.dup(fcntl.fcntl(s.fileno(), fcntl.F_DUPFD, 10)) for s in (tcp, unix) if s.listen() is None]):
    os.dup2(s, 3 + n)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='2')
os.execv(sys.argv[2], sys.argv[2:])`
    const start = (...args) => {
      rmSync(path, { force: true })
      return run(['-c', manager, path, binary, 'serve', ...args], 'python3')
    }
    for (const args of [[], ['--listen', anyPort('ws'), '--listen', `unix:${path}`]]) {
      const server = start(...args)
      const addresses = await within((async () => {
        for (;;) {
          const all = [...server.stdout.matchAll(/^listening on (\S+)\n/gm)].map(match => match[1])
          if (all.length === 2) return all
          await new Promise(resolve => server.child.once('output', resolve))
        }
      })(), 'addresses')
      truth(/^ws:\/\/127\.0\.0\.1:[1-9]\d*$/.test(addresses[0]), `odd address ${addresses[0]}`)
      equal(addresses[1], `unix:${path}`, 'unix address')
      for (const address of addresses) await Peer.join(address)
      server.child.kill()
      equal(await within(server.exited, 'end'), { code: 0 }, 'exit')
      truth(existsSync(path), 'the socket of the service manager is gone')
    }
    for (const [args, why] of [[['-p', '0'], 'passes 2 sockets'], [['-p', '0', '--listen', 'ws://127.0.0.1:1'], 'Unix socket']]) {
      const server = start(...args)
      equal(await within(server.exited, 'end'), { code: 1 }, `exit of ${args}`)
      truth(server.stderr.includes(why), `stderr is ${server.stderr}`)
    }
  },

  'SIGTERM and SIGINT: goodbye to all, exit 0': async () => {
    for (const signal of ['SIGTERM', 'SIGINT']) {
      const path = join(scratch, signal)
      const server = await serve(['--listen', anyPort('ws'), '--listen', anyPort('tcp'), '--listen', `unix:${path}`])
      const peers = await Promise.all(server.addresses.map(Peer.join))
      const begun = Date.now()
      equal(await server.stop(signal), { code: 0 }, `exit after ${signal}`)
      truth(Date.now() - begun < 2500, `polite peers were waited for after ${signal}`)
      equal((await peers[0].closed()).code, 1001, `close code after ${signal}`)
      for (const i of [1, 2])
        equal(await peers[i].closed(), { end: true }, `end of ${server.addresses[i]} after ${signal}`)
    }
  },

  'it can be stopped from the moment it says that it listens': async () => {
    for (let i = 0; i < 25; ++i) {
      const server = run(['serve', '-p', '0'])
      server.child.stdout.once('data', () => server.child.kill('SIGTERM'))
      equal(await within(server.exited, 'end'), { code: 0 }, 'exit')
    }
  },

  'a peer that never answers does not hold up the end': async () => {
    const server = await serve(['--listen', anyPort('ws')])
    const peer = await Peer.join(server.addresses[0])
    peer.socket._socket.pause()
    equal(await server.stop('SIGTERM', 10_000), { code: 0 }, 'exit')
    peer.socket.terminate()
  },

  'a second signal ends at once': async () => {
    const server = await serve(['--listen', anyPort('ws')])
    const peer = await Peer.join(server.addresses[0])
    peer.socket._socket.pause()
    server.child.kill('SIGTERM')
    await new Promise(resolve => setTimeout(resolve, 300))
    await server.stop('SIGTERM', 2000)
    peer.socket.terminate()
  },

  'bad usage: exit 2 and one line': async () => {
    const twice = `127.0.0.1:${await unused()}`
    const path = join(scratch, 'twice')
    const none = join(scratch, 'none.json')
    const broken = file('broken.json', '{"listen": [')
    for (const [args, pattern] of [
      [[], 'serve'],
      [['no-such-command'], "'no-such-command'"],
      [['no-such-command', '--help'], "'no-such-command'"],
      [['help', 'no-such-command'], "'no-such-command'"],
      [['serve', '--no-such-option'], '--no-such-option'],
      [['serve', '-p']],
      [['serve', '-p', 'many'], 'many'],
      [['serve', '-p', '65536'], '65536'],
      [['serve', '-p', '-1']],
      [['serve', '-p', '0', '--max-header', '10'], '--max-header'],
      [['serve', '--listen', 'http://127.0.0.1:0'], 'http://127.0.0.1:0'],
      [['serve', '--listen', 'ws://127.0.0.1:66000'], '66000'],
      [['serve', '--listen', 'ws://127.0.0.1'], 'ws://127.0.0.1'],
      [['serve', '--listen', 'unix:'], 'unix:'],
      [['serve', '--listen', 'wss://127.0.0.1:0'], '--tls-certificate'],
      [['serve', '--listen', 'ws://127.0.0.1:0/?dialect=none'], 'dialect=none'],
      [['serve', '--y-webrtc', 'nowhere'], 'nowhere'],
      [['serve', '--y-webrtc', '/rooms?all'], '/rooms?all'],
      [['serve', '--y-webrtc', '/rooms', '--socket-signal', '/rooms'], '/rooms is used twice'],
      ...['--topics', '--topics-per-peer', '--members-per-topic', '--peerjs-limit', '--max-header']
        .map(option => [['serve', '-p', '0', option, '-1'], option]),
      [['serve', '-p', '0', '--tls-certificate', none], 'wss://'],
      [['serve', '-p', '0', '--tls-ca', none], 'wss://'],
      [['serve', '-p', '0', '--tls-key', none], 'wss://'],
      [['serve', '--listen', 'tcp://127.0.0.1:0/?proxy-protocol'], '--proxies'],
      [['serve', '--listen', 'ws://127.0.0.1:0/?dialect=peerjs&proxy'], 'proxy'],
      [['serve', '--listen', 'ws://127.0.0.1:0/?hello'], 'hello'],
      [['serve', '--proxies', 'somewhere'], 'somewhere'],
      [['serve', '--forwarded-by', 'lies'], 'lies'],
      [['serve', '--proxies', '10.0.0.0/33'], '10.0.0.0/33'],
      [['serve', '--peerjs-alive', '-1'], '--peerjs-alive'],
      [['serve', '--listen', `tcp://${twice}`, '--listen', `tcp://${twice}`], twice],
      [['serve', '--listen', `unix:${path}`, '--listen', `unix:${path}`], path],
      [['serve', '-p', '0', '--rtc-config', none], none],
      [['serve', '-p', '0', '--rtc-config', broken], broken],
      [['serve', '--config', none], none],
      [['serve', '--config', broken], `${broken}:1:13`],
      [['serve', '--config', file('line.json', '{\n  "port": 0,\n  "mailbox": 1x\n}')], 'line.json:3:15'],
      [['serve', '--config', file('twice.json', '{"port": 0, "mailbox": 1, "port": 1}')], "two members 'port'"],
      [['serve', '--config', file('inner.json', '{"port": 0, "rtc_configuration": {"iceServers": [{"urls": "stun:a", "urls": "stun:b"}]}}')],
        "two members 'urls'"],
      [['serve', '--config', file('type.json', '{"port": 0, "mailbox": "soon"}')], 'type.json'],
      [['serve', '--config', file('negative.json', '{"port": 0, "topics": -1}')], '--topics'],
      // the key, and what it should be
      ...[['port', '"x"', "'x' is not a port"], ['port', 'true', "'true' is not a port"], ['port', '[1, 2]', ''], ['listen', '3', "'3' is not an endpoint"],
        ['topics', '"many"', "'many' is not a whole number"], ['topics', '1.5', 'whole number'], ['ping', '"5s"', "'5s' is not a number"],
        ['log_level', '"loud"', "'loud' is not a log level"], ['proxies', '"here"', "'here' is not a proxy"], ['sessions', '"perhaps"', ''],
        ['forwarded_by', '7', "'7' is not a header"], ['y_webrtc', '"rooms"', "'rooms' is not a path"], ['max_header', '"big"', '']]
        .map(([key, value, text], i) => [['serve', '--config', file(`key${i}.json`, `{"${key}": ${value}}`)],
          new RegExp(`key${i}\\.json:1: .*--${key.replace('_', '-')}.*${text}`)]),
      ...['help', 'version', 'config'].map(name =>
        [['serve', '--config', file(`${name}.json`, `{"port": 0, "${name}": true}`)], `unknown member '${name}'`]),
      [['serve', '--config', scratch], 'is a directory'],
      [['serve', '--config', file('odd.json', '{\n"port": 0, "no_such_member": 1}')], /odd\.json:2 .*'no_such_member'/],
      [['check', '--config', file('lines.json', '{"port": 0,\n "proxies": [\n"::1"],\n\n "topics": -1}')], /lines\.json:5: .*--topics/],
      [['explain', '--no-such-option'], '--no-such-option'],
      [['serve', '-p', '0', '--drain-to', 'http://b'], '--drain-to'],
      [['serve', '-p', '0', '--log-buffer', '1'], '--log-buffer'],
      [['serve', '-p', '0', '--log-level', 'chatty'], 'chatty'],
    ])
      await refused(args, 2, pattern)
  },

  'a header may be as large as asked for': async () => {
    const bytes = n => ({ headers: { Cookie: 'x'.repeat(n) } })
    await served(['-p', '0'], async ({ addresses: [address] }) => {
      equal((await get(address, '/healthz', bytes(15_000))).status, 200, '15 kB')
      equal((await get(address, '/healthz', bytes(17_000))).status, 431, '17 kB')
    })
    await served(['-p', '0', '--max-header', '65536'], async ({ addresses: [address] }) =>
      equal((await get(address, '/healthz', bytes(60_000))).status, 200, '60 kB'))
  },

  'an address of no use is explained': async () => {
    const port = await unused()
    for (const [args, why] of [
      [['--listen', 'ws://some.host.example:0'], 'numeric address'],
      [['--listen', `ws://0.0.0.0:${port}`, '--listen', `ws://[::]:${port}`], '[::] accepts IPv4'],
    ]) {
      const program = run(['serve', ...args])
      equal(await within(program.exited, 'end'), { code: 1 }, `exit of ${args}`)
      truth(program.stderr.includes(why), `stderr is ${program.stderr}`)
    }
  },

  'an address in use: exit 1, and its name': async () => {
    const path = `unix:${join(scratch, 'used')}`
    await served(['--listen', anyPort('ws'), '--listen', anyPort('tcp'), '--listen', path], async ({ addresses }) => {
      for (const address of addresses) {
        const program = run(['serve', '--listen', address])
        equal(await within(program.exited, `end on ${address}`), { code: 1 }, `exit on ${address}`)
        truth(program.stderr.includes(address.replace(/^\w+:(\/\/)?/, '')), `stderr is ${program.stderr}`)
        equal(program.stdout, '', `stdout on ${address}`)
        await Peer.join(address)
      }
    })
  },

  '--help explains itself': async () => {
    for (const args of [['--version'], ['serve', '--version']]) {
      const program = run(args)
      equal(await within(program.exited, 'end'), { code: 0 }, 'exit')
      truth(/^\d+\.\d+\.\d+(\+[\w.]+)?\n$/.test(program.stdout), `stdout is ${program.stdout}`)
    }
    for (const args of [['--help'], ['serve', '--help'], ['help'], ['help', 'serve']]) {
      const program = run(args)
      equal(await within(program.exited, 'end'), { code: 0 }, 'exit')
      truth(program.stdout.includes('serve'), `stdout is ${program.stdout}`)
    }
  },
})
