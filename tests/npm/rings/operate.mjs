// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The program in production: drain, service manager, check, explain, reload.

import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import WebSocket from 'ws'
import { binary, equal, logged, ring, run, scratch, serve, truth, until, within } from './harness.mjs'



/** A peer that has its welcome. `closed` resolves with {code, reason}. */
function peer(address, options = {}) {
  const socket = new WebSocket(address, 'sigfire.v1.json', options)
  const closed = new Promise(resolve => socket.on('close', (code, reason) => resolve({ code, reason: String(reason) })))
  return within(new Promise((resolve, reject) => {
    socket.on('message', data => resolve({ socket, closed, welcome: JSON.parse(data) }))
    socket.on('error', reject)
  }), 'welcome')
}

/** The HTTP answer to an upgrade that the server refuses, or `open`. */
function refusal(address, options = {}) {
  const socket = new WebSocket(address, 'sigfire.v1.json', options)
  return within(new Promise((resolve, reject) => {
    socket.on('unexpected-response', (_, answer) => {
      let body = ''
      answer.setEncoding('utf8').on('data', text => (body += text))
      answer.on('end', () => resolve({ status: answer.statusCode, retry: answer.headers['retry-after'], body }))
    })
    socket.on('open', () => (socket.terminate(), resolve('open'))).on('error', reject)
  }), 'answer to an upgrade')
}

function get(address, path) {
  const { hostname: host, port } = new URL(address)
  return within(new Promise((resolve, reject) => {
    request({ host, port, path, agent: false }, answer => {
      let body = ''
      answer.setEncoding('utf8').on('data', text => (body += text))
      answer.on('end', () => resolve({ status: answer.statusCode, body }))
    }).on('error', reject).end()
  }), `answer to ${path}`)
}

const crowd = (address, n) => Promise.all(Array.from({ length: n }, () => peer(address)))
const pause = ms => new Promise(resolve => setTimeout(resolve, ms))

function file(name, content) {
  const path = join(scratch, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

/** Runs the program to its end. */
function command(args, env = {}) {
  const { status, stdout, stderr } = spawnSync(binary, args, { encoding: 'utf8', env: { ...process.env, ...env }, timeout: 20_000 })
  return { status, stdout, stderr }
}

/** A service manager: `say` resolves with the datagrams so far, once one of them has that text. */
function manager(name) {
  const program = run(['-u', '-c', `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = sys.argv[1]
s.bind('\\0' + name[1:] if name[0] == '@' else name)
print('bound')
while True: print(repr(s.recv(4096).decode()))`, name], 'python3')
  const say = async text => {
    await until(program, () => program.stdout.includes(text), `${text} for the service manager`)
    return program.stdout
  }
  return { say, program, bound: say('bound') }
}

const managed = (name, args, extra = '') =>
  run(['-c', `NOTIFY_SOCKET='${name}' ${extra} exec "$0" "$@"`, binary, 'serve', ...args], 'sh')

await ring({
  'readiness turns false first, then new peers are refused, and the old ones leave slowly': async () => {
    const server = await serve(['-p', '0', '--drain-delay', '1', '--drain', '3', '--drain-to', 'wss://b.example.org'])
    const [address] = server.addresses
    const peers = await crowd(address, 400)
    equal(await get(address, '/readyz'), { status: 200, body: 'ready\n' }, 'readyz')
    server.child.kill('SIGTERM')
    await until(server, () => logged(server, 'drain_started').length, 'drain_started')
    equal(logged(server, 'drain_started')[0].peers, '400', 'peers of drain_started')
    equal(await get(address, '/readyz'), { status: 503, body: 'not ready\n' }, 'readyz')
    equal((await get(address, '/healthz')).status, 200, 'healthz')
    const late = await peer(address) // the balancer has not looked yet
    const began = Date.now()
    let answer = 'open'
    while (answer === 'open') answer = await refusal(address)
    equal(answer, { status: 503, retry: '3', body: 'Server Stopping; use wss://b.example.org' }, 'refusal')
    const ends = await Promise.all([...peers, late].map(async ({ closed }) => ({ ...(await closed), at: Date.now() })))
    for (const { code, reason } of ends) equal([code, reason], [1001, 'Server Stopping; use wss://b.example.org'], 'end')
    const times = ends.map(({ at }) => at - began)
    truth(Math.max(...times) - Math.min(...times) > 500, `all leave within ${Math.max(...times) - Math.min(...times)} ms`)
    equal(await within(server.exited, 'end'), { code: 0 }, 'exit')
  },

  'a second signal ends a drain at once': async () => {
    const server = await serve(['-p', '0', '--drain-delay', '3600', '--drain', '3600'])
    const one = await peer(server.addresses[0])
    server.child.kill('SIGTERM')
    await until(server, () => logged(server, 'drain_started').length, 'drain_started')
    server.child.kill('SIGINT')
    equal(await within(server.exited, 'end'), { code: 0 }, 'exit')
    await within(one.closed, 'end of the peer')
  },

  'a service manager hears of start, reload and end': async () => {
    for (const name of [join(scratch, 'notify'), '@sigfire-ring-' + process.pid]) {
      const systemd = manager(name)
      await systemd.bound
      const server = managed(name, ['-p', '0'])
      truth((await systemd.say('READY=1')).includes('STATUS=Serving 0 peers on 1 address'), 'no status')
      server.child.kill('SIGHUP')
      await until(systemd.program, () => /RELOADING=1\\nMONOTONIC_USEC=\d+[^]*READY=1/.test(systemd.program.stdout), 'reload')
      server.child.kill('SIGTERM')
      await systemd.say('STOPPING=1')
      equal(await within(server.exited, 'end'), { code: 0 }, 'exit')
      truth(!systemd.program.stdout.includes('WATCHDOG'), 'a watchdog that nobody asked for')
      systemd.program.child.kill()
    }
  },

  'the loop gives signs of life while it runs, and none while it stands': async () => {
    const name = '@sigfire-watchdog-' + process.pid
    const systemd = manager(name)
    await systemd.bound
    const server = managed(name, ['-p', '0'], 'WATCHDOG_USEC=200000')
    const signs = () => systemd.program.stdout.split('WATCHDOG=1').length - 1
    await until(systemd.program, () => signs() >= 4, 'signs of life')
    server.child.kill('SIGSTOP')
    await within((async () => { while (!readFileSync(`/proc/${server.child.pid}/stat`, 'latin1').includes(') T ')) await pause(10) })(), 'stop')
    // Datagrams arrive in order: what was sent before a mark is there.
    const mark = async text => {
      await within(run(['-c', `
import socket, sys
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(sys.argv[2].encode(), '\\0' + sys.argv[1][1:])`, name, text], 'python3').exited, 'mark')
      await systemd.say(text)
    }
    await mark('first mark')
    const before = signs()
    await pause(500) // five times the time between two signs
    await mark('second mark')
    equal(signs(), before, 'signs of life of a process that stands')
    server.child.kill('SIGCONT')
    await until(systemd.program, () => signs() > before, 'signs of life')
    server.child.kill('SIGTERM')
    equal(await within(server.exited, 'end'), { code: 0 }, 'exit')
    systemd.program.child.kill()
  },

  'check says what serve would use, and what would fail': async () => {
    const good = command(['check', '-p', '0'])
    equal([good.status, good.stderr], [0, ''], 'check of a good setting')
    for (const line of good.stdout.trim().split('\n')) truth(/^(ok|warning): \S.*: /.test(line), `odd line ${line}`)
    truth(good.stdout.includes('ok: listener ws://127.0.0.1:0: serve can listen there, with the page\n'), good.stdout)
    const server = await serve()
    const port = new URL(server.addresses[0]).port
    const busy = command(['check', '-p', port, '--json'])
    const { ok, findings } = JSON.parse(busy.stdout)
    equal([busy.status, ok], [1, false], 'check of a busy port')
    truth(findings.some(f => f.grade === 'error' && f.subject === `listener ws://127.0.0.1:${port}` && /in use/.test(f.text)), busy.stdout)
    equal((await get(server.addresses[0], '/healthz')).status, 200, 'health of the server on that port')
    await server.stop()
    equal(command(['check', '-p', port]).status, 0, 'check of the free port')
    truth(command(['check', '--listen', 'ws://0.0.0.0:0']).stdout.includes('warning: origins: '), 'no warning about origins')
    const bad = command(['check', '--topics', 'many'])
    equal([bad.status, bad.stdout], [2, ''], 'check of a bad setting')
  },

  'check reads certificates and keys': () => {
    const folder = join(scratch, 'certificates')
    mkdirSync(folder)
    const path = name => join(folder, name)
    const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
    const certify = (name, days, ...more) => openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
      '-days', days, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.pem`, ...more)
    certify('ca', '100')
    certify('other', '100')
    certify('soon', '3')
    openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=leaf', '-keyout', 'leaf.key', '-out', 'leaf.csr')
    openssl('x509', '-req', '-in', 'leaf.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-days', '50', '-out', 'leaf.pem')
    const join2 = (name, ...parts) => writeFileSync(path(name), parts.map(part => readFileSync(path(part), 'utf8')).join(''))
    join2('chain.pem', 'leaf.pem', 'ca.pem')
    join2('disordered.pem', 'leaf.pem', 'other.pem')
    writeFileSync(path('nothing.pem'), 'nothing')
    for (const name of ['leaf.key', 'soon.key', 'other.key']) chmodSync(path(name), 0o600)
    const findings = (certificate, key, ...more) => {
      const { status, stdout } = command(['check', '--json', '--listen', 'wss://127.0.0.1:0', '--tls-certificate', path(certificate),
        '--tls-key', path(key), ...more])
      return { status, texts: JSON.parse(stdout).findings.map(f => `${f.grade} ${f.subject}: ${f.text}`).join('\n') }
    }
    const expect = (result, status, ...patterns) => {
      equal(result.status, status, `status with ${result.texts}`)
      for (const pattern of patterns) truth(pattern.test(result.texts), `no ${pattern} in ${result.texts}`)
    }
    expect(findings('chain.pem', 'leaf.key'), 0, /^ok certificate .*the key fits; valid for (49|50) days/m, /^ok secret file .*leaf.key/m)
    expect(findings('chain.pem', 'other.key'), 1, /^error certificate .*belongs to another/m, /^error listener/m)
    expect(findings('disordered.pem', 'leaf.key'), 1, /^error certificate .*out of order/m)
    expect(findings('leaf.pem', 'leaf.key'), 0, /^warning certificate .*no intermediate/m)
    expect(findings('soon.pem', 'soon.key'), 0, /^warning certificate .*expires in [23] days/m, /^warning certificate .*self-signed/m)
    expect(findings('nothing.pem', 'leaf.key'), 1, /^error certificate .*no certificate in PEM/m)
    expect(findings('chain.pem', 'nothing.pem'), 1, /^error certificate .*no key in PEM/m)
    expect(findings('chain.pem', 'leaf.key', '--tls-ca', path('nothing.pem')), 1, /^error CA file/m)
    expect(findings('chain.pem', 'leaf.key', '--tls-ca', path('ca.pem')), 0, /^ok CA file .*1 certificate/m)
    chmodSync(path('leaf.key'), 0o644)
    expect(findings('chain.pem', 'leaf.key'), 0, /^warning secret file .*leaf.key: all users/m)
  },

  'explain names the origin of each setting, and no secret': () => {
    const config = file('origins.json', '{\n  "port": 1,\n  "topics": 7,\n  "mailbox": 9,\n  "origins": ["https://a.example", "none"],\n' +
      '  "rtc_configuration": {"iceServers": [{"urls": "turn:t.example", "credential": "hidden"}]}\n}')
    const env = { SIGFIRE_MAILBOX: '8', SIGFIRE_TOPICS: '6', SIGFIRE_LISTEN: 'ws://127.0.0.1:0 tcp://127.0.0.1:0', SIGFIRE_PING: '', SIGFIRE_OTHER: 'x' }
    const { status, stdout, stderr } = command(['explain', '--json', '--config', config, '--topics', '5'], env)
    equal([status, stderr], [0, ''], 'explain')
    const settings = Object.fromEntries(JSON.parse(stdout).settings.map(({ name, value, origin }) => [name, [value, origin]]))
    for (const [name, value, origin] of [
      ['topics', '5', 'command line'],
      ['mailbox', '8', 'SIGFIRE_MAILBOX'],
      ['listen', 'ws://127.0.0.1:0 tcp://127.0.0.1:0', 'SIGFIRE_LISTEN'],
      ['port', 'none', 'default'],
      ['origins', 'https://a.example none', `${config}:5`],
      ['rtc-config', '{"iceServers":[{"urls":"turn:t.example","credential":"***"}]}', `${config}:6`],
      ['ping', '30', 'default'],
      ['sessions', 'off', 'default'],
      ['config', config, 'command line'],
    ]) equal(settings[name], [value, origin], name)
    const shown = command(['serve', '--explain', '--config', config]).stdout
    truth(new RegExp(`^mailbox +9 +${config}:4$`, 'm').test(shown), shown)
    truth(!shown.includes('hidden') && !stdout.includes('hidden'), 'a secret is shown')
    equal(command(['explain'], { SIGFIRE_CONFIG: config }).stdout.split('\n').some(l => /^config .*SIGFIRE_CONFIG$/.test(l)), true, 'SIGFIRE_CONFIG')
    equal(command(['explain'], { SIGFIRE_PORT: 'tcp://10.0.0.1:3003' }).status, 0, 'exit with the variable of Kubernetes')
    const bad = command(['serve'], { SIGFIRE_TOPICS: 'many' })
    equal([bad.status, /^sigfire: SIGFIRE_TOPICS: .*--topics.*many/.test(bad.stderr)], [2, true], `bad variable: ${bad.stderr}`)
  },

  'SIGHUP reads the settings again': async () => {
    const ice = name => ({ iceServers: [{ urls: `stun:${name}.example` }] })
    const before = { port: 0, log_level: 'info', origins: ['https://a.example', 'none'], topics: 5, rtc_configuration: ice('a') }
    const config = file('reload.json', before)
    const server = await serve(['--config', config], 1)
    const [address] = server.addresses
    const reloads = () => logged(server, 'settings_reloaded').length + logged(server, 'reload_failed').length
    const reload = async content => {
      const n = reloads()
      file('reload.json', content)
      server.child.kill('SIGHUP')
      await until(server, () => reloads() > n, 'reload')
    }
    const origin = name => ({ origin: `https://${name}.example` })
    const old = await peer(address, origin('a'))
    equal(old.welcome.data.configuration, ice('a'), 'configuration')
    equal((await refusal(address, origin('b'))).status, 403, 'status for another origin')

    await reload({ ...before, origins: ['https://b.example'], rtc_configuration: ice('b'), topics: 6, log_level: 'debug', mailbox: 3 })
    equal((await refusal(address, origin('a'))).status, 403, 'status for the old origin')
    equal((await refusal(address)).status, 403, 'status without an origin')
    equal((await peer(address, origin('b'))).welcome.data.configuration, ice('b'), 'new configuration')
    equal(old.socket.readyState, WebSocket.OPEN, 'state of the old connection')
    equal(logged(server, 'settings_reloaded')[0].changed, 'rtc-config origins log-level', 'changed options')
    equal(logged(server, 'settings_need_restart')[0].options, 'mailbox topics', 'options for a restart')
    equal(logged(server, 'log_level_changed').map(({ from, to }) => `${from} ${to}`), ['info debug'], 'level')

    for (const [bad, reason] of [
      ['{\n"port": 0,\n"log_level": "loud"}', /reload.json:3: --log-level: 'loud'/],
      ['{', /reload.json:1:2 is not JSON/],
      [{ ...before, origins: ['nonsense'] }, /'nonsense' is not an origin/],
    ]) {
      await reload(bad)
      truth(reason.test(logged(server, 'reload_failed').at(-1).reason), `the reason is ${logged(server, 'reload_failed').at(-1).reason}`)
      equal((await peer(address, origin('b'))).welcome.data.configuration, ice('b'), 'configuration after a bad reload')
    }
    await reload({ port: 0, topics: 5, log_level: 'debug', drain: 60, drain_to: 'wss://c.example' })
    equal(logged(server, 'settings_need_restart').length, 1, 'reports of a restart')
    equal((await peer(address, origin('c'))).welcome.data.configuration, {}, 'configuration that is gone')
    server.child.kill('SIGTERM')
    equal((await old.closed).reason, 'Server Stopping; use wss://c.example', 'reason')
    equal(await within(server.exited, 'end'), { code: 0 }, 'exit')
  },
})
