// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// Servers in the background: start, list, info, stop; and a server as a child of node.js.

import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import WebSocket from 'ws'
import { binary, equal, ring, run, scratch, truth, unused, within } from './harness.mjs'

const control = join(scratch, 'control')

/** Runs a command of the program to its end. */
async function sigfire(...args) {
  const program = run([...args.slice(0, 1), '--control', control, ...args.slice(1)])
  const { code } = await within(program.exited, `end of ${args.join(' ')}`, 20_000)
  return { code, stdout: program.stdout, stderr: program.stderr }
}

async function json(...args) {
  const { code, stdout, stderr } = await sigfire(...args, '-j')
  equal([code, stderr], [0, ''], `end of ${args.join(' ')}`)
  return JSON.parse(stdout)
}

const start = (...args) => json('start', ...args)
const info = (pid, ...args) => json('info', String(pid), ...args)

/** Asks again and again, until the answer fulfils the condition. */
const eventually = (ask, condition, what) =>
  within((async () => {
    for (;;) {
      const answer = await ask().catch(() => {})
      if (answer !== undefined && condition(answer)) return answer
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  })(), what, 20_000)

// A zombie that nobody collects in a container has ended too.
const ended = pid => {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ')
  } catch {
    return true
  }
}

function get(address, path) {
  const { hostname: host, port } = new URL(address)
  return within(new Promise((resolve, reject) => {
    request({ host, port, path, agent: false }, answer => answer.resume().on('end', () => resolve(answer.statusCode))).on('error', reject).end()
  }), `answer to ${path}`)
}

function peer(address) {
  const socket = new WebSocket(address, 'sigfire.v1.json')
  const closed = new Promise(resolve => socket.on('close', resolve))
  return within(new Promise((resolve, reject) => {
    socket.on('message', () => resolve({ socket, closed })).on('error', reject)
  }), 'welcome')
}

await ring({
  'a server starts, is listed and told about, and stops': async () => {
    equal(await json('list'), [], 'servers at first')
    equal((await sigfire('list')).stdout, 'no server runs in the background\n', 'list')
    const { pid, addresses: [address] } = await start('-p', '0', '--topics', '7')
    truth(/^ws:\/\/127\.0\.0\.1:[1-9]\d*$/.test(address), `odd address ${address}`)
    const { closed } = await peer(address)
    equal([statSync(control).mode & 0o777, statSync(join(control, `${pid}.sock`)).mode & 0o777], [0o700, 0o600], 'modes')
    const [one] = await json('list')
    equal([one.pid, one.state, one.restarts, one.addresses, one.peers, one.settings, one.log], [pid, 'running', 0, [address], 1, undefined, undefined], 'list')
    truth(one.memory > 1_000_000 && one.cpu_ms >= 0 && one.uptime >= 0 && one.worker > 0 && one.worker !== pid, JSON.stringify(one))
    truth(Math.abs(Date.parse(one.created) - Date.now()) < 60_000, `created ${one.created}`)
    const told = await info(pid)
    equal(told.settings.find(s => s.name === 'topics'), { name: 'topics', value: '7', origin: 'command line' }, 'setting')
    truth(told.log.some(line => JSON.parse(line).event === 'peer_opened'), 'the log is not there')
    const shown = (await sigfire('list')).stdout.split('\n')
    truth(/^PID +STATE +UPTIME +RESTARTS +PEERS +MEMORY +ADDRESSES$/.test(shown[0]), shown[0])
    truth(new RegExp(`^${pid} +running +\\d+ s +0 +1 +[\\d.]+ MiB +${address}$`).test(shown[1]), shown[1])
    truth(/^settings +listen=ws:\/\/127.0.0.1:0 topics=7$/m.test((await sigfire('info', String(pid))).stdout), 'text of info')
    equal(await sigfire('stop', String(pid)), { code: 0, stdout: `stopped ${pid}\n`, stderr: '' }, 'stop')
    equal(await within(closed, 'close'), 1001, 'close code')
    equal([ended(pid), ended(one.worker), existsSync(join(control, `${pid}.sock`))], [true, true, false], 'what is left')
  },

  'stop all ends all': async () => {
    const servers = await Promise.all([start('-p', '0'), start('-p', '0'), start('-p', '0')])
    equal((await json('list')).map(s => s.pid), servers.map(s => s.pid).sort((a, b) => a - b), 'list')
    equal((await json('stop', 'all')).every(s => s.stopped), true, 'stop all')
    equal([await json('list'), await json('stop', 'all')], [[], []], 'afterwards')
    truth(servers.every(s => ended(s.pid)), 'a server lives')
  },

  'address, path and configuration file': async () => {
    const port = await unused()
    const { addresses: [address] } = await start('-p', String(port), '-h', '127.0.0.1', '-P', '/rtc')
    equal(address, `ws://127.0.0.1:${port}`, 'address')
    await peer(address + '/rtc')
    equal([await get(address, '/rtc'), await get(address, '/else')], [426, 404], 'statuses')
    const config = join(scratch, 'background.json')
    writeFileSync(config, JSON.stringify({ listen: ['tcp://127.0.0.1:0'], topics: 3, rtc_configuration: { iceServers: [{ urls: 'turn:t', credential: 'c1' }] } }))
    const { pid, addresses } = await start('-c', config)
    truth(addresses.length === 1 && addresses[0].startsWith('tcp://'), `addresses ${addresses}`)
    const rtc = async (...args) => (await info(pid, ...args)).settings.find(s => s.name === 'rtc-config')
    equal((await rtc()).value, '{"iceServers":[{"urls":"turn:t","credential":"***"}]}', 'without -t')
    equal((await rtc('-t')).value, '{"iceServers":[{"urls":"turn:t","credential":"c1"}]}', 'with -t')
    truth((await sigfire('list', '-t')).stdout.includes('"credential":"c1"') && !(await sigfire('list')).stdout.includes('c1'), 'list -t')
    await sigfire('stop', 'all')
  },

  'a worker that dies comes back': async () => {
    const port = await unused()
    const { pid, addresses: [address] } = await start('-p', String(port))
    const { worker } = await info(pid)
    process.kill(worker, 'SIGKILL')
    const after = await eventually(() => info(pid), i => i.state === 'running' && i.worker !== worker, 'new worker')
    equal([after.restarts, after.addresses], [1, [address]], 'restarts and address')
    await peer(address)
    process.kill(after.worker, 'SIGKILL')
    await eventually(() => info(pid), i => i.state === 'waiting', 'pause')
    equal((await sigfire('stop', String(pid))).code, 0, 'stop in the pause')
    truth(ended(pid), 'the parent lives')
  },

  'a worker does not outlive its parent, and a parent not its worker': async () => {
    const one = await start('-p', '0')
    const { worker } = await info(one.pid)
    process.kill(one.pid, 'SIGKILL')
    await eventually(async () => ended(worker), Boolean, 'end of the worker')
    truth(existsSync(join(control, `${one.pid}.sock`)), 'the socket of a killed parent is gone')
    equal(await json('list'), [], 'list')
    const two = await start('-p', '0')
    process.kill((await info(two.pid)).worker, 'SIGTERM') // it ends as told, so nobody restarts it
    await eventually(async () => ended(two.pid), Boolean, 'end of the parent')
  },

  'signals of the parent go to the worker': async () => {
    const config = join(scratch, 'signals.json'), log = join(scratch, 'server.log')
    writeFileSync(config, '{"port": 0}')
    const { pid } = await start('-c', config, '--log', log)
    writeFileSync(config, '{"port": 0, "log_level": "debug"}')
    const heard = event => eventually(async () => readFileSync(log, 'utf8'), text => text.includes(`"event":"${event}"`), event)
    process.kill(pid, 'SIGHUP')
    await heard('settings_reloaded')
    process.kill(pid, 'SIGUSR2')
    process.kill(pid, 'SIGTERM')
    await heard('drain_started')
    await eventually(async () => ended(pid), Boolean, 'end')
  },

  'a second stop does not wait for the drain': async () => {
    const { pid, addresses: [address] } = await start('-p', '0', '--drain-delay', '3600')
    await peer(address)
    const first = sigfire('stop', String(pid))
    await eventually(() => info(pid), i => i.state === 'stopping', 'stopping')
    equal((await sigfire('stop', String(pid))).code, 0, 'second stop')
    equal((await first).code, 0, 'first stop')
  },

  'what cannot start says why': async () => {
    const holder = await start('-p', '0')
    const address = holder.addresses[0]
    for (const [args, code, pattern] of [
      [['start', '--listen', address], 1, /the server does not start: cannot listen on ws:.*in use/],
      [['start', '--topics', 'many'], 2, /--topics.*many/],
      [['start', '-P', 'rtc'], 2, /--path: 'rtc' is not a path/],
      [['start', '-p', '0', '--no-such-option'], 2, /--no-such-option/],
      [['start', '-p', 'x'], 2, /--port/],
      [['start', '-p', '0', '--log', join(scratch, 'none', 'log')], 1, /cannot write the log/],
      [['stop'], 2, /pid/],
      [['stop', 'everything'], 2, /neither a process id nor all/],
      [['stop', '4194304'], 1, /no server has the process id 4194304/],
      [['info', '4194304'], 1, /no server has the process id 4194304/],
      [['info', 'all'], 2, /not a process id/],
      [['list', 'x'], 2, /x/],
    ]) {
      const result = await sigfire(...args)
      equal([result.code, result.stdout], [code, ''], `end of ${args.join(' ')} (${result.stderr})`)
      truth(pattern.test(result.stderr) && /^sigfire: [^\n]*\n$/.test(result.stderr), `${args.join(' ')} says ${result.stderr}`)
    }
    equal((await json('list')).length, 1, 'servers')
    await sigfire('stop', 'all')
  },

  'a folder that others can use is refused': async () => {
    const open = join(scratch, 'open')
    mkdirSync(open)
    chmodSync(open, 0o755)
    for (const args of [['list'], ['start', '-p', '0'], ['stop', 'all']]) {
      const { status, stderr } = spawnSync(binary, [...args, '--control', open], { encoding: 'utf8' })
      equal([status, /chmod 700/.test(stderr)], [1, true], `${args.join(' ')}: ${stderr}`)
    }
  },

  'control sockets survive rubbish': async () => {
    const { pid } = await start('-p', '0')
    const { connect } = await import('node:net')
    for (const rubbish of ['nonsense\n', '{"cmd":"call-command","reqId":"1","data":{"name":"nothing","args":[]}}\n', '\n'.repeat(5000), '{'.repeat(2_000_000)]) {
      const socket = connect(join(control, `${pid}.sock`))
      socket.on('error', () => {}).resume()
      socket.end(rubbish)
      await within(new Promise(resolve => socket.on('close', resolve)), 'close')
    }
    equal((await info(pid)).state, 'running', 'state')
    await sigfire('stop', 'all')
  },

  'node.js is a parent too': async () => {
    const child = spawn(binary, ['serve', '-p', '0'], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    const messages = []
    child.on('message', m => (messages.push(m), child.emit('heard')))
    const heard = async condition => {
      for (;;) {
        const found = messages.find(condition)
        if (found) return found
        await within(new Promise(resolve => child.once('heard', resolve)), 'message')
      }
    }
    const exited = new Promise(resolve => child.on('exit', resolve))
    const first = await heard(() => true)
    const address = first.data?.args?.[0]?.[0]
    equal(first, { cmd: 'event', data: { name: 'started', args: [[address]] } }, 'first message')
    const { closed } = await peer(address)
    child.send({ cmd: 'call-command', reqId: '1', data: { name: 'info', args: [false] } })
    const answer = await heard(m => m !== first)
    truth(JSON.stringify(answer).includes('"peers":1'), `the answer is ${JSON.stringify(answer).slice(0, 200)}`)
    child.disconnect()
    equal([await within(closed, 'close'), await within(exited, 'exit')], [1001, 0], 'end after the parent has gone')
  },
}, {
  after: async () => {
    await sigfire('stop', 'all')
    truth(!existsSync(control) || readdirSync(control).length <= 1, 'sockets are left')
  }
})
