// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// A parent in node and its child in C++, the program of example 11, through the channel that node opens for its
// children. The parent speaks as Wormhole 2.1.2 was recorded to speak, with its falsy results left out.

import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { binary, equal, ring, truth, within } from './harness.mjs'

const program = join(dirname(binary), 'example_11_node_parent')

class Parent {
  #calls = new Map()
  #last = 0
  commands = new Map()
  heard = []
  said = [] // all that the child says, as it says it

  constructor() {
    this.child = spawn(program, [], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], serialization: 'json' })
    this.child.on('message', message => this.#take(message))
    this.child.stderr.setEncoding('utf8').on('data', text => (this.stderr = (this.stderr ?? '') + text))
    this.exited = new Promise((resolve, reject) => {
      this.child.on('error', reject)
      this.child.on('exit', (code, signal) => resolve(signal ?? code))
    })
    this.exited.catch(() => {})
    this.disconnected = new Promise(resolve => this.child.on('disconnect', resolve))
    process.on('exit', () => this.child.kill('SIGKILL'))
  }

  #take(message) {
    this.said.push(message)
    if (message.cmd === 'event') {
      this.heard.push([message.data.name, ...(message.data.args ?? [])])
    } else if (message.cmd === 'command-result') {
      this.#calls.get(message.resId)(message)
      this.#calls.delete(message.resId)
    } else if (message.cmd === 'call-command') {
      const reply = { cmd: 'command-result', resId: message.reqId, ok: true }
      try {
        const result = this.commands.get(message.data.name)(...(message.data.args ?? []))
        if (result) reply.data = { result }
      } catch (error) {
        Object.assign(reply, { ok: false, data: { message: error.message } })
      }
      this.child.send(reply)
    }
    this.child.emit('taken')
  }

  /** Calls a command, and returns the reply as it came. */
  call(name, ...args) {
    const reqId = `${++this.#last}_rqC4um2qYX-zJnFlbms`
    const reply = new Promise(resolve => this.#calls.set(reqId, resolve))
    this.child.send({ cmd: 'call-command', reqId, data: args.length ? { name, args } : { name } })
    return within(reply, `reply to ${name}`).then(({ resId, ...rest }) => {
      equal(resId, reqId, 'id of the reply')
      return rest
    })
  }

  emit(name) {
    this.child.send({ cmd: 'event', data: { name } })
  }

  async quit() {
    this.emit('quit')
    await within(this.disconnected, 'disconnect')
    equal(await within(this.exited, 'exit'), 0, `exit code of the child (${this.stderr ?? ''})`)
  }
}

const good = result => ({ cmd: 'command-result', ok: true, data: { result } })
const bad = message => ({ cmd: 'command-result', ok: false, data: { message } })

await ring({
  async 'the child says that it is ready, and goes when told'() {
    const parent = new Parent()
    while (parent.heard.length === 0)
      await within(new Promise(resolve => parent.child.once('taken', resolve)), 'first event')
    equal(parent.said[0], { cmd: 'event', data: { name: 'ready', args: [['add', 'fail', 'sleep', 'greet']] } }, 'event')
    await parent.quit()
  },

  async 'commands of the child, with results that are false too'() {
    const parent = new Parent()
    equal(await parent.call('add', 5, 6), good(11), 'add')
    equal(await parent.call('add', 5, -5), good(0), 'a sum of 0')
    equal(await parent.call('sleep', 0, ''), good(''), 'an empty text')
    equal(await parent.call('fail'), bad('as you like'), 'fail')
    equal(await parent.call('nosuch'), bad("Missing function for command 'nosuch'"), 'nosuch')
    equal(await parent.call('add', 'five'), bad('Bad Request'), 'bad arguments')
    await parent.quit()
  },

  async 'both ask at once'() {
    const parent = new Parent()
    parent.commands.set('name of', id => ({ a: 'Ada ✓\n', none: '' })[id])
    const [slow, sum, ada, none, nobody] = await Promise.all([
      parent.call('sleep', 50, 'slow'),
      parent.call('add', 1, 2),
      parent.call('greet', 'a'),
      parent.call('greet', 'none'), // comes without data
      parent.call('greet', 'nobody'), // so does undefined
    ])
    equal([slow, sum, ada], [good('slow'), good(3), good('Hello, Ada ✓\n')], 'results')
    equal([none, nobody], [good('Hello, '), good('Hello, ')], 'greetings to nobody')
    parent.commands.set('name of', () => { throw new Error('no names') })
    equal(await parent.call('greet', 'a'), bad('Denied'), 'a failure handed on')
    await parent.quit()
  },

  async 'other documents do no harm'() {
    const parent = new Parent()
    for (const document of ['str', 5, true, [], {}, { cmd: 'custom' }, { cmd: 'call-command' }, { cmd: 'event', data: {} }])
      parent.child.send(document)
    const long = 'x'.repeat(300_000)
    equal(await parent.call('sleep', 0, long), good(long), 'a long line')
    await parent.quit()
  },

  async 'a line over the limit ends the child'() {
    const parent = new Parent()
    parent.child.send('y'.repeat(2 << 20))
    parent.child.on('error', () => {}) // the pipe may break while it is written
    await within(parent.disconnected, 'disconnect')
    equal(await within(parent.exited, 'exit'), 0, 'exit code of the child')
  },

  async 'the child goes with its parent'() {
    const parent = new Parent()
    equal(await parent.call('add', 1, 1), good(2), 'add')
    parent.call('sleep', 100, 'never').catch(() => {})
    parent.child.disconnect()
    equal(await within(parent.exited, 'exit'), 0, 'exit code of the child')
    truth(!parent.stderr, `the child complains: ${parent.stderr}`)
  },
})
