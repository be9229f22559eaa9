// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// What the rings share: the server program as a child process, limits on every wait, and the report.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const binary = process.argv[2] ?? fileURLToPath(new URL('../../../build/release/bin/sigfire', import.meta.url))

/** A directory of this run alone, gone at its end. */
export const scratch = mkdtempSync(join(tmpdir(), 'sigfire-ring-'))

const children = new Set()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(scratch, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

/** Settles as `promise` does, or rejects after `ms` milliseconds with the name of the missing event. */
export function within(promise, what, ms = 10_000) {
  let timer
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within ${ms / 1000} s`)), ms)
  })
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer))
}

/** The next event of this type; rejects after `ms` milliseconds. */
export function event(target, type, what = type, ms = 10_000) {
  return within(new Promise(resolve => target.addEventListener(type, resolve, { once: true })), what, ms)
}

export function equal(actual, expected, what) {
  const [a, e] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (a !== e) throw new Error(`${what}: ${a} instead of ${e}`)
}

export function truth(value, what) {
  if (!value) throw new Error(what)
}

/** A TCP port of the loopback interface that nobody uses at the moment. */
export async function unused() {
  const server = createServer()
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise(resolve => server.close(resolve))
  return port
}

/** Runs the program, or another one. `stdout` and `stderr` grow as it speaks; `exited` resolves with {code, signal}. */
export function run(args, program_file = binary) {
  const child = spawn(program_file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  children.add(child)
  const program = { child, stdout: '', stderr: '' }
  program.exited = new Promise(resolve => {
    child.on('error', error => resolve({ error: `${program_file}: ${error.message}` }))
    child.on('close', (code, signal) => resolve(signal ? { code, signal } : { code }))
  }).finally(() => children.delete(child))
  for (const stream of ['stdout', 'stderr']) {
    child[stream].setEncoding('utf8').on('data', text => {
      program[stream] += text
      child.emit('output')
    })
  }
  return program
}

/** The whole lines of the program's log about an event, as objects. */
export const logged = (server, event) =>
  server.stderr.split('\n').slice(0, -1).map(line => JSON.parse(line)).filter(line => line.event === event)

/** Waits until the output of the program fulfils the condition. A thread writes the log, so it comes later. */
export const until = (server, condition, what) =>
  within((async () => { while (!condition()) await new Promise(resolve => server.child.once('output', resolve)) })(), what)

/** Starts `sigfire serve ARGS` and waits until it listens on as many addresses as it was given.
 *  `addresses` holds them as printed, in that order. */
export async function serve(args = ['-p', '0'], listeners = Math.max(1, args.filter(a => a === '--listen').length)) {
  const program = run(['serve', ...args])
  const ready = new Promise(resolve => {
    program.child.on('output', () => {
      program.addresses = [...program.stdout.matchAll(/^listening on (\S+)\n/gm)].map(match => match[1])
      if (program.addresses.length >= listeners) resolve()
    })
  })
  const early = program.exited.then(end => {
    throw new Error(end.error ?? `the program ended with ${JSON.stringify(end)}: ${program.stderr}`)
  })
  early.catch(() => {})
  await within(Promise.race([ready, early]), `${listeners} "listening on" lines`)
  program.stop = async (signal = 'SIGTERM', ms = 10_000) => {
    program.child.kill(signal)
    return within(program.exited, `end after ${signal}`, ms)
  }
  return program
}

/** Runs the tests one after the other, reports, and ends the process. Programs that a test starts end with it;
 *  those that run before do not. */
export async function ring(tests, { limit = 60_000, after = async () => {} } = {}) {
  let failed = 0
  const standing = new Set(children)
  const stray = []
  process.on('unhandledRejection', error => stray.push(error))
  process.on('uncaughtException', error => stray.push(error))
  for (const [name, test] of Object.entries(tests)) {
    try {
      await within(test(), 'end of the test', limit)
      if (stray.length) throw stray[0]
      console.log(`ok ${name}`)
    } catch (error) {
      ++failed
      console.log(`not ok ${name}: ${String(error?.message ?? error).trim().replace(/\n/g, '\n    ')}`)
    }
    stray.length = 0
    for (const child of children) if (!standing.has(child)) child.kill('SIGKILL')
  }
  await within(after(), 'tidy end').catch(error => console.log(`# ${error.message}`))
  console.log(`${Object.keys(tests).length - failed} passed, ${failed} failed`)
  process.exit(failed ? 1 : 0)
}
