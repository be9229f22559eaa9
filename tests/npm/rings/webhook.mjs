// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// A webhook of Node admits the peers of the server program, and learns when they open and close.

import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import WebSocket from 'ws'
import { equal, logged, ring, run, scratch, serve, truth, until, within } from './harness.mjs'

const secret = 'a secret of this test alone'
const secret_file = file('webhook-secret', `${secret}\n`)

function file(name, text) {
  const path = join(scratch, name)
  writeFileSync(path, text)
  return path
}

// The function that docs/guide/webhook.md shows.
const guide = readFileSync(fileURLToPath(new URL('../../../docs/guide/webhook.md', import.meta.url)), 'utf8')
const snippet = /```js\n(\/\/ verify\.mjs\n.*?)```/s.exec(guide)[1]
writeFileSync(join(scratch, 'verify.mjs'), snippet)
const { verify } = await import(join(scratch, 'verify.mjs'))

/** A service. `answer(body, request)` returns what it says: an object, or a function of the response. */
async function service(answer, secure) {
  const heard = []
  const listeners = new Set()
  const handle = (request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', part => (text += part)).on('end', () => {
      const body = JSON.parse(text)
      heard.push({ body, text, headers: request.headers, method: request.method, url: request.url })
      for (const f of listeners) f()
      const said = answer(body, request)
      if (typeof said === 'function') return said(response)
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify(said))
    })
  }
  const server = secure ? createSecureServer(secure, handle) : createServer(handle)
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const port = server.address().port
  return {
    url: `${secure ? 'https://localhost' : 'http://127.0.0.1'}:${port}/hook`,
    heard,
    /** Events so far, in order. */
    events: () => heard.filter(({ body }) => body.event === 'peers').flatMap(({ body }) => body.events),
    until: (condition, what) => within((async () => {
      while (!condition()) await new Promise(resolve => { const f = () => { listeners.delete(f); resolve() }; listeners.add(f) })
    })(), what),
    close: () => new Promise(resolve => { server.closeAllConnections(); server.close(resolve) })
  }
}

const served = (url, ...more) => serve(['--listen', 'ws://127.0.0.1:0', '--webhook-url', url, '--webhook-secret-file', secret_file, ...more])

/** Connects. Resolves with the welcome and the socket, or with the status and headers of the refusal. */
function enter(url, options = {}) {
  const socket = new WebSocket(url, 'sigfire.v1.json', options)
  return within(new Promise(resolve => {
    socket.on('error', () => {})
    socket.on('message', text => resolve({ ...JSON.parse(text).data, socket }))
    socket.on('close', code => resolve({ code }))
    socket.on('unexpected-response', (_, answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', part => (text += part))
      answer.on('end', () => resolve({ status: answer.statusCode, text: text.trim(), retry: answer.headers['retry-after'] }))
    })
  }), 'answer to a connection')
}


await ring({
  'it admits, with the terms of the service': async () => {
    const hook = await service(body => body.event === 'admit'
      ? { allow: true, id: 'ann', id_verified: true, metadata: { name: 'Ann' }, iceServers: [{ urls: 'turn:a', username: 'u', credential: 'c' }], valid_for: 3600 }
      : {})
    const server = await served(hook.url, '--webhook-headers', 'Cookie,X-Other')
    const peer = await enter(`${server.addresses[0]}/room?a=1&token=T&resume=R`, { headers: { cookie: 'k=v' } })
    equal(peer.id, 'ann', 'id')
    equal(peer.configuration, { iceServers: [{ urls: 'turn:a', username: 'u', credential: 'c' }] }, 'configuration')
    const { body, headers, method, url } = hook.heard[0]
    equal([method, url, headers['content-type']], ['POST', '/hook', 'application/json'], 'request')
    equal(body, { event: 'admit', remote: '127.0.0.1', path: '/room', query: 'a=1', secure: false, headers: { Cookie: 'k=v' } }, 'question')
    await hook.until(() => hook.events().length === 1, 'event')
    equal(hook.events()[0].id, 'ann', 'id of the event')
    equal(await server.stop(), { code: 0 }, 'exit')
    await hook.close()
  },

  'the signature is right, and wrong for anything else': async () => {
    const hook = await service(() => ({ allow: true }))
    const server = await served(hook.url)
    await enter(server.addresses[0])
    await hook.until(() => hook.heard.length >= 2, 'question and event')
    for (const { headers, text } of hook.heard) {
      const field = headers['x-sigfire-signature']
      truth(verify(secret, field, text), 'the signature does not hold')
      truth(!verify('other', field, text) && !verify(secret, field, `${text} `), 'any signature holds')
      truth(!verify(secret, field.replace(/t=\d+/, 't=1'), text) && !verify(secret, '', text), 'an old signature holds')
    }
    truth(!server.stderr.includes(secret), 'the secret is in the log')
    await hook.close()
  },

  'it refuses as the service says': async () => {
    const answers = [
      [{ allow: false }, { status: 403, text: 'Denied' }],
      [{ allow: false, status: 429, text: 'Later', retry_after: 7 }, { status: 429, text: 'Later', retry: '7' }],
      [{ allow: false, status: 0, close_code: 4700 }, { code: 4700 }]
    ]
    let next
    const hook = await service(() => next)
    const server = await served(hook.url)
    for (const [said, outcome] of answers) {
      next = said
      equal(await enter(server.addresses[0]), outcome, `outcome of ${JSON.stringify(said)}`)
    }
    equal(hook.events().length, 0, 'events of refused connections')
    equal(await server.stop(), { code: 0 }, 'exit')
    await hook.close()
  },

  'a service that fails: closed refuses, open admits, the log has it once': async () => {
    const say = (status, headers, body) => response => response.writeHead(status, headers).end(body)
    const failures = {
      late: () => {},
      huge: say(200, { 'Content-Type': 'application/json' }, JSON.stringify({ allow: true, x: 'x'.repeat(300_000) })),
      redirected: say(302, { Location: '/elsewhere' }, '{"allow":true}'),
      'no JSON': say(200, {}, '<html>'),
      'an error': say(500, {}, '{"allow":true}'),
      cut: response => response.destroy()
    }
    let next
    const hook = await service(() => next)
    for (const [mode, outcome] of [['closed', 503], ['open', undefined]]) {
      const server = await served(hook.url, '--webhook-fail', mode, '--webhook-timeout', '0.5')
      for (const [name, failure] of Object.entries(failures)) {
        next = failure
        const { status, id } = await enter(server.addresses[0])
        equal([status, Boolean(id)], [outcome, mode === 'open'], `${mode}: ${name}`)
      }
      await until(server, () => logged(server, 'webhook_failed').length, 'failure in the log')
      equal(logged(server, 'webhook_failed').length, 1, 'failures in the log')
      next = { allow: true }
      truth((await enter(server.addresses[0])).id, 'the service works again, but the peer is refused')
      server.child.kill('SIGKILL')
    }
    truth(!hook.heard.some(({ url }) => url !== '/hook'), 'a redirection was followed')
    await hook.close()
    const server = await served(hook.url) // nobody listens
    equal((await enter(server.addresses[0])).status, 503, 'status without a service')
    equal(await server.stop(), { code: 0 }, 'exit')
  },

  'events come in order, again after a failure, and also at the end': async () => {
    let down = 0
    const hook = await service(body => body.event === 'peers' && down-- > 0 ? response => response.writeHead(500).end() : { allow: true })
    const server = await served(hook.url)
    const [a, b] = [await enter(server.addresses[0]), await enter(server.addresses[0])]
    await hook.until(() => hook.events().length >= 2, 'two events')
    down = 1
    a.socket.close()
    const good = () => hook.events().filter(e => e.event === 'disconnect' && e.id === a.id)
    await hook.until(() => good().length === 2, 'second attempt')
    const tries = hook.heard.filter(({ body }) => body.event === 'peers' && body.events.some(e => e.event === 'disconnect'))
    equal(tries[0].body.number, tries[1].body.number, 'number of the second attempt')
    equal([good()[1].cause, typeof good()[1].seconds], ['closed', 'number'], 'cause')
    equal(await server.stop(), { code: 0 }, 'exit')
    const last = hook.events().at(-1)
    equal([last.event, last.id, last.cause], ['disconnect', b.id, 'stopping'], 'last event')
    equal(hook.events().map(e => e.event), ['connect', 'connect', 'disconnect', 'disconnect', 'disconnect'], 'events')
    await hook.close()
  },

  'the token of a client reaches the service if the options say so': async () => {
    const hook = await service(body => ({ allow: body.token === 'T' }))
    const server = await served(hook.url, '--webhook-token')
    truth((await enter(`${server.addresses[0]}/?token=T`)).id, 'the right token is refused')
    truth((await enter(server.addresses[0], { headers: { authorization: 'Bearer T' } })).id, 'the right header is refused')
    equal((await enter(`${server.addresses[0]}/?token=U`)).status, 403, 'status with a wrong token')
    truth(!hook.heard.some(({ body }) => body.query?.includes('token')), 'the token is in the query')
    await hook.close()
  },

  'a service with TLS needs a certificate that the system trusts': async () => {
    const [certificate, key] = [join(scratch, 'hook.pem'), join(scratch, 'hook.key')]
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key,
      '-out', certificate, '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'], { stdio: 'ignore' })
    const hook = await service(() => ({ allow: true }), { cert: readFileSync(certificate), key: readFileSync(key) })
    const careful = await served(hook.url)
    equal((await enter(careful.addresses[0])).status, 503, 'status with a strange certificate')
    await until(careful, () => logged(careful, 'webhook_failed').length, 'failure in the log')
    truth(/TLS/.test(logged(careful, 'webhook_failed')[0].reason), 'the log does not say why')
    process.env.SSL_CERT_FILE = certificate
    const trusting = await served(hook.url)
    delete process.env.SSL_CERT_FILE
    truth((await enter(trusting.addresses[0])).id, 'the trusted service is not asked')
    await hook.close()
  },

  'wrong options end the program, and no secret is told': async () => {
    const empty = file('empty', '\n')
    const url = ['--webhook-url', 'http://127.0.0.1:1/']
    const rows = [
      [url, 'needs --webhook-secret-file'],
      [['--webhook-secret-file', secret_file], 'needs --webhook-url'],
      [[...url, '--webhook-secret-file', empty], 'has no secret'],
      [[...url, '--webhook-secret-file', join(scratch, 'none')], 'cannot be read'],
      [[...url, '--webhook-secret-file', scratch], 'cannot be read'],
      [['--webhook-url', 'ftp://x', '--webhook-secret-file', secret_file], 'URL'],
      [[...url, '--webhook-secret-file', secret_file, '--webhook-fail', 'ajar'], '--webhook-fail'],
      [[...url, '--webhook-secret-file', secret_file, '--webhook-timeout', '10'], '--webhook-timeout'],
      [[...url, '--webhook-secret-file', secret_file, '--webhook-headers', 'a b'], 'headers'],
      [['--turn-url', 'turn:a'], 'needs --turn-secret-file'],
      [['--turn-secret-file', secret_file], 'needs --turn-url'],
      [['--turn-url', 'http://a', '--turn-secret-file', secret_file], 'turn:HOST:PORT'],
      [['--turn-url', 'turn:a', '--turn-secret-file', secret_file, '--turn-ttl', '0'], 'ttl']
    ]
    for (const [args, words] of rows) {
      const program = run(['serve', '-p', '0', ...args])
      equal(await within(program.exited, 'end'), { code: 2 }, `exit of ${args.join(' ')}`)
      equal(program.stderr.trim().split('\n').length, 1, 'lines')
      truth(program.stderr.includes(words), `${args.join(' ')}: ${program.stderr}`)
      truth(!program.stderr.includes(secret), 'the secret is told')
    }
  }
})
