// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// Tokens with keys that the server program fetches from a JWK Set of Node. A peer with such a token gets TURN
// credentials, and the webhook has the last word.

import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import WebSocket from 'ws'
import { equal, logged, ring, run, scratch, serve, truth, until, within } from './harness.mjs'

const issuer = 'https://id.example.org'

const key = async kid => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } }
}
const [first, second, third] = await Promise.all(['first', 'second', 'third'].map(key))

const sign = ({ kid, privateKey }, claims = {}) =>
  new SignJWT({ sub: 'ann', iss: issuer, ...claims }).setProtectedHeader({ alg: 'ES256', kid }).setExpirationTime('1h').sign(privateKey)

/** A server of keys; `answer(request, response)` can say something else. */
async function keyServer(keys) {
  const set = { keys, asked: [], answer: undefined, headers: {} }
  const server = createServer((request, response) => {
    set.asked.push(request.headers)
    if (set.answer) return set.answer(request, response)
    const etag = JSON.stringify(set.keys.map(({ kid }) => kid).join())
    const headers = { ETag: etag, 'Cache-Control': 'max-age=3600', ...set.headers }
    if (request.headers['if-none-match'] === etag) return response.writeHead(304, headers).end()
    response.writeHead(200, { 'Content-Type': 'application/jwk-set+json', ...headers }).end(JSON.stringify({ keys: set.keys.map(({ jwk }) => jwk) }))
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  set.url = `http://127.0.0.1:${server.address().port}/jwks.json`
  set.close = () => new Promise(resolve => { server.closeAllConnections(); server.close(resolve) })
  return set
}

const served = (url, ...more) => serve(['--listen', 'ws://127.0.0.1:0', '--jwt-jwks', url, '--jwt-issuer', issuer, ...more])

/** The welcome's data with the socket, or the status of the refusal. */
function come(server, token) {
  const socket = new WebSocket(server.addresses[0], ['sigfire.v1.json', `bearer.${token}`])
  return within(new Promise(resolve => {
    socket.on('message', text => resolve({ ...JSON.parse(text).data, socket }))
    socket.on('unexpected-response', (_, answer) => resolve({ status: answer.statusCode }))
    socket.on('error', () => {})
  }), 'answer to a token')
}


await ring({
  'the first token makes one request, which serves all': async () => {
    const set = await keyServer([first])
    const server = await served(set.url)
    const all = await Promise.all(Array.from({ length: 20 }, async (_, i) => come(server, await sign(first, { sub: `peer ${i}` }))))
    equal(all.map(({ id }) => id), all.map((_, i) => `peer ${i}`), 'ids')
    equal(set.asked.length, 1, 'requests')
    equal((await come(server, await sign(first))).id, 'ann', 'id')
    equal(set.asked.length, 1, 'requests after that')
    equal((await come(server, await sign(first, { iss: 'https://other.example' }))).status, 401, 'status for another issuer')
    equal((await come(server, 'nonsense')).status, 401, 'status for nonsense')
    equal(set.asked.length, 1, 'requests after wrong tokens')
    equal(await server.stop(), { code: 0 }, 'exit')
    await set.close()
  },

  'strangers cannot make the server ask all the time': async () => {
    const set = await keyServer([first])
    const server = await served(set.url)
    await come(server, await sign(first))
    for (let i = 0; i < 20; ++i) equal((await come(server, await sign({ ...second, kid: `stranger ${i}` }))).status, 503, 'status')
    equal(set.asked.length, 1, 'requests')
    await set.close()
  },

  'a key that the issuer adds is found, and one that it removes ends': async () => {
    const set = await keyServer([first])
    const server = await served(set.url)
    const { id, socket } = await come(server, await sign(first))
    equal(id, 'ann', 'id')
    set.keys = [second]
    const token = await sign(second)
    equal((await come(server, token)).status, 503, 'status while the pause is on')
    // The pause between two requests is ten seconds: a client that renews its token tries again.
    const renew = n => new Promise(resolve => {
      socket.once('message', text => resolve(JSON.parse(text)))
      socket.send(JSON.stringify({ cmd: 'authenticate', id: n, data: { token } }))
    })
    await within((async () => {
      for (let n = 1; !(await renew(n)).ok; ++n) await new Promise(resolve => setTimeout(resolve, 500))
    })(), 'renewal by the new key', 20_000)
    equal((await come(server, token)).id, 'ann', 'id')
    equal(set.asked.length, 2, 'requests')
    truth(set.asked[1]['if-none-match'], 'the second request has no ETag')
    equal((await come(server, await sign(first))).status, 503, 'status of the key that is gone')
    await set.close()
  },

  'an issuer that fails: 503, told once, and no redirection is followed': async () => {
    const set = await keyServer([first])
    const failures = [
      (_, response) => response.writeHead(500).end(),
      (_, response) => response.writeHead(302, { Location: '/elsewhere' }).end(),
      (_, response) => response.end('<html>'),
      (_, response) => response.end(JSON.stringify({ keys: [], x: 'x'.repeat(300_000) })),
      (_, response) => response.destroy()
    ]
    for (const failure of failures) {
      set.answer = failure
      const server = await served(set.url)
      for (let i = 0; i < 2; ++i) equal((await come(server, await sign(first))).status, 503, 'status')
      await until(server, () => logged(server, 'keys_not_fetched').length, 'failure in the log')
      equal(logged(server, 'keys_not_fetched').length, 1, 'lines in the log')
      server.child.kill('SIGKILL')
    }
    await set.close()
    const server = await served(set.url) // nobody listens
    equal((await come(server, await sign(first))).status, 503, 'status')
    equal(await server.stop(), { code: 0 }, 'exit')
  },

  'token, webhook and TURN together': async () => {
    const set = await keyServer([third])
    const asked = []
    const hook = createServer((request, response) => {
      let text = ''
      request.on('data', part => (text += part)).on('end', () => {
        const body = JSON.parse(text)
        asked.push(body)
        const allow = body.id !== 'eve'
        response.end(JSON.stringify(allow ? { allow, grants: { targets: ['desk'] } } : { allow, text: 'No Eve' }))
      })
    })
    await new Promise(resolve => hook.listen(0, '127.0.0.1', resolve))
    const file = (name, text) => {
      writeFileSync(join(scratch, name), text)
      return join(scratch, name)
    }
    const server = await served(set.url, '--webhook-url', `http://127.0.0.1:${hook.address().port}/`, '--webhook-secret-file', file('hook', 'key'),
      '--turn-url', 'turn:turn.example.org', '--turn-secret-file', file('turn', 'secret'))
    const ann = await come(server, await sign(third))
    equal(ann.id, 'ann', 'id')
    truth(ann.configuration.iceServers[0].username.endsWith(':ann'), 'TURN credentials of another user')
    const answer = new Promise(resolve => ann.socket.once('message', text => resolve(JSON.parse(text))))
    ann.socket.send(JSON.stringify({ cmd: 'offer', id: 1, target: 'eve', data: { offer: 1 } }))
    equal((await within(answer, 'reply')).data.cause, 'denied', 'cause beyond the grants of the webhook')
    equal((await come(server, await sign(third, { sub: 'eve' }))).status, 403, 'status of a peer that the webhook refuses')
    const before = asked.length
    equal((await come(server, 'nonsense')).status, 401, 'status of nonsense')
    equal(asked.filter(({ event }) => event === 'admit').length, 2, 'questions: a wrong token makes none')
    truth(before >= 2, 'the webhook was not asked')
    equal(await server.stop(), { code: 0 }, 'exit')
    hook.closeAllConnections()
    hook.close()
    await set.close()
  },

  'wrong options end the program': async () => {
    const rows = [
      [['--jwt-jwks', 'http://127.0.0.1:1/'], '--jwt-issuer'],
      [['--jwt-jwks', 'file:///x', '--jwt-issuer', issuer], 'URL'],
      [['--jwt-jwks', 'http://127.0.0.1:1/', '--jwt-issuer', issuer, '--jwt-key', 'x'], 'exclude each other']
    ]
    for (const [args, words] of rows) {
      const program = run(['serve', '-p', '0', ...args])
      equal(await within(program.exited, 'end'), { code: 2 }, `exit of ${args.join(' ')}`)
      truth(program.stderr.includes(words), `${args.join(' ')}: ${program.stderr}`)
    }
  }
})
