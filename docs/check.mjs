// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// check.mjs SITE: checks the AsyncAPI file, compares the messages in the text of the protocol with its schemas, and
// searches each page of the site. The last line counts.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Parser } from '@asyncapi/parser'
import Ajv from 'ajv'
import MiniSearch from 'minisearch'

const root = fileURLToPath(new URL('..', import.meta.url))
const site = resolve(process.argv[2])
const read = path => readFileSync(join(root, path), 'utf8')

let passed = 0
let failed = 0
function check(name, faults) {
  if (faults.length) failed++
  else passed++
  console.log(`${faults.length ? 'FAILED' : 'ok'} ${name}`)
  for (const fault of faults) console.log(`    ${fault}`)
}

// --- the file ---

const { document, diagnostics } = await new Parser().parse(read('docs/reference/asyncapi.yaml'))
const serious = diagnostics.filter(d => d.severity <= 1) // errors and warnings
check('the AsyncAPI file is valid', serious.map(d => `${d.path.join('.')}: ${d.message}`))
if (!document) {
  console.log(`${passed} passed, ${failed} failed`)
  process.exit(1)
}
const version = /version\[\] = "([^"]+)"/.exec(read('include/sigfire/version.hpp'))[1]
check('its version is that of the library', document.info().version() === version ? [] : [document.info().version()])

const names = operations => operations.flatMap(o => o.messages().all().map(m => m.name()))
const commands = names(document.operations().filterByReceive())
const table = read('include/sigfire/codec/detail/own_members.hpp').matchAll(/^ {4}\{"([a-z-]+)", /gm)
const known = Array.from(table, row => row[1])
const differ = known.length < 20 || known.sort().join() !== commands.sort().join()
check('its commands are those of the codec', differ ? [`codec: ${known}`, `file: ${commands}`] : [])

// --- its schemas ---

const { schemas } = document.json().components

// The messages of the server have no other members than those of the schema.
function strict(schema) {
  if (schema === null || typeof schema !== 'object') return schema
  if (Array.isArray(schema)) return schema.map(strict)
  const members = Object.entries(schema)
  const copy = Object.fromEntries(members.map(([k, v]) => [k, k === 'const' || k === 'enum' ? v : strict(v)]))
  return schema.type === 'object' && schema.properties ? { ...copy, additionalProperties: false } : copy
}

const ajv = new Ajv({ strict: false, allErrors: true })
const validators = new Map()
function faults(name, message) {
  const schema = schemas[name]
  if (!schema) return [`there is no schema ${name}`]
  if (!validators.has(name)) validators.set(name, ajv.compile(name.endsWith('Request') ? schema : strict(schema)))
  const validate = validators.get(name)
  return validate(message) ? [] : validate.errors.map(e => `${e.instancePath || 'the message'} ${e.message}`)
}

const camel = (command, suffix) => command.replace(/-(.)/g, (_, letter) => letter.toUpperCase()) + suffix
const requestFaults = message => faults(camel(message.cmd, 'Request'), message)
const replyName = command => (schemas[camel(command, 'Reply')] ? camel(command, 'Reply') : 'okReply')
const isIncomplete = cause => cause === 'malformed' || cause.startsWith('missing_')

// --- messages in the text ---

const page = ['docs/reference/protocol.md', 'examples/protocol.md'].find(p => existsSync(join(root, p)))
const text = read(page)
const seen = new Set() // names of commands, replies and events
const wrong = []
let messages = 0
function expect(line, found) {
  messages++
  wrong.push(...found.map(fault => `${line}: ${fault}`))
}
const expectRefusal = (line, message, why) =>
  expect(line, requestFaults(message).length ? [] : [`the server refuses it (${why}), but the schema does not`])

function parse(json) {
  try {
    return JSON.parse(json)
  } catch {
    return undefined // some examples are not JSON
  }
}

function conversation(lines) {
  const open = new Map() // requests without a reply, by peer and id
  for (const [at, line] of lines.entries()) {
    const [, connection, direction, json] = /^(\w+)([<>]) (.*)$/.exec(line) ?? []
    const message = json && parse(json)
    if (!message) continue
    const peer = connection.replace(/\d$/, '') // A2 is a later connection of A
    const key = `${peer} ${JSON.stringify(message.id)}`
    const closed = / is closed with (.*)$/.exec(lines[at + 1])
    if (direction === '>' && closed) {
      expectRefusal(line, message, closed[1])
    } else if (direction === '>') {
      seen.add(message.cmd)
      if (message.id === undefined) expect(line, requestFaults(message))
      else open.set(key, { line, message })
    } else if ('cmd' in message) {
      seen.add(camel(message.cmd, 'Event'))
      expect(line, faults(camel(message.cmd, 'Event'), message))
    } else if (!open.has(key)) {
      expect(line, ['a reply without a request'])
    } else {
      const request = open.get(key)
      open.delete(key)
      const { cmd } = request.message
      const name = message.ok ? replyName(cmd) : cmd === 'request' ? 'requestFailureReply' : 'failureReply'
      seen.add(name)
      expect(line, faults(name, message))
      const cause = message.ok ? '' : message.data.cause ?? ''
      if (isIncomplete(cause)) expectRefusal(request.line, request.message, cause)
      else expect(request.line, requestFaults(request.message))
    }
  }
  for (const { line } of open.values()) wrong.push(`${line}: a request without a reply`)
}

for (const [, block] of text.matchAll(/^```sigfire\n(.*?)^```$/gms))
  if (!block.includes('without a sub-protocol')) conversation(block.split('\n')) // that is an older wire

// The table of requests that are wrong in themselves.
for (const [, json, reply] of text.matchAll(/^\| `(\{.*\})` \| (`\w+`|closed with \d+|nothing) \|$/gm)) {
  const message = parse(json)
  const refused = reply.startsWith('closed') || isIncomplete(reply.replaceAll('`', ''))
  if (refused && commands.includes(message?.cmd)) expectRefusal(json, message, reply)
}
if (messages < 200) wrong.push(`there are only ${messages} messages`)
check(`${messages} messages of ${page} and the schemas agree`, wrong)

const described = [
  ...commands,
  ...Object.keys(schemas).filter(name => name.endsWith('Reply')),
  ...names(document.operations().filterBySend()).map(name => camel(name, 'Event'))
]
check('each command, reply and event of the file is in the text', described.filter(name => !seen.has(name)))

// --- search ---

const chunks = join(site, 'assets/chunks')
const chunk = readFileSync(join(chunks, readdirSync(chunks).find(name => name.startsWith('@localSearchIndex'))), 'utf8')
const { default: index } = await import(`data:text/javascript,${encodeURIComponent(chunk)}`)
const search = MiniSearch.loadJSON(index, { fields: ['title', 'titles', 'text'], storeFields: ['title', 'titles'] })
const others = /^(api\/|source\/|404|index)/ // not in the index
const pages = readdirSync(site, { recursive: true }).filter(name => name.endsWith('.html') && !others.test(name))
const lost = pages.flatMap(name => {
  const heading = /<h1[^>]*>(.*?)<a/s.exec(readFileSync(join(site, name), 'utf8'))[1]
  const words = heading.replace(/<[^>]*>|&#?\w+;/g, ' ').trim()
  const found = search.search(words, { combineWith: 'AND' }).map(result => result.id.replace(/^\/|#.*/g, ''))
  return found.includes(name) ? [] : [`'${words}' does not find ${name}`]
})
check(`the search finds each of ${pages.length} pages`, lost)

console.log(`${passed} passed, ${failed} failed`)
process.exit(failed ? 1 : 0)
