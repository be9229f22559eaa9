// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// check.mjs SITE: checks the AsyncAPI file, the messages in the text of the protocol against its schemas, and that the
// search of the site finds each page. The last line counts.
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Parser } from '@asyncapi/parser'
import Ajv from 'ajv'
import MiniSearch from 'minisearch'

const docs = dirname(fileURLToPath(import.meta.url))
const site = resolve(process.argv[2])
let passed = 0
const failed = []
function check(name, faults) {
  if (faults.length === 0) passed++
  else failed.push(name)
  console.log(`${faults.length === 0 ? 'ok' : 'FAILED'} ${name}`)
  for (const fault of faults) console.log(`    ${fault}`)
}

// --- the file ---

const { document, diagnostics } = await new Parser().parse(readFileSync(join(docs, 'reference/asyncapi.yaml'), 'utf8'))
const serious = diagnostics.filter(d => d.severity <= 1) // errors and warnings
check('the AsyncAPI file is valid', serious.map(d => `${d.path.join('.')}: ${d.message}`))
if (!document) {
  console.log(`${passed} passed, ${failed.length} failed`)
  process.exit(1)
}
const version = /version\[\] = "([^"]+)"/.exec(readFileSync(join(docs, '../include/sigfire/version.hpp'), 'utf8'))[1]
check('its version is that of the library', document.info().version() === version ? [] : [document.info().version()])

// The commands of the codec are those of the file.
const members = readFileSync(join(docs, '../include/sigfire/codec/detail/own_members.hpp'), 'utf8')
const known = [...members.matchAll(/^ {4}\{"([a-z-]+)", /gm)].map(m => m[1]).sort()
const received = document.operations().filterByReceive().flatMap(o => o.messages().all().map(m => m.name())).sort()
check('its commands are those of the codec',
  known.length > 20 && known.join() === received.join() ? [] : [`codec: ${known}`, `file: ${received}`])

// --- messages in the text ---

const { schemas } = document.json().components
const camel = (name, suffix) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase()) + suffix
const ajv = new Ajv({ strict: false, allErrors: true })
// What the server sends has no other members than those described.
function close(schema) {
  if (schema === null || typeof schema !== 'object') return schema
  if (Array.isArray(schema)) return schema.map(close)
  const closed = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, key === 'const' || key === 'enum' ? value : close(value)]))
  if (schema.type === 'object' && schema.properties && !schema.allOf) closed.additionalProperties = false
  return closed
}
const validators = new Map()
function faults(name, message) {
  if (!schemas[name]) return [`no schema ${name}`]
  if (!validators.has(name)) validators.set(name, ajv.compile(name.endsWith('Request') ? schemas[name] : close(schemas[name])))
  const validate = validators.get(name)
  return validate(message) ? [] : validate.errors.map(e => `${e.instancePath || 'the message'} ${e.message}`)
}

const page = readdirSync(join(docs, 'reference')).includes('protocol.md') ? 'docs/reference/protocol.md' : 'examples/protocol.md'
const text = readFileSync(join(docs, '..', page), 'utf8')
const incomplete = cause => cause === 'malformed' || cause.startsWith('missing_')
const requests = new Set(), replies = new Set(), events = new Set()
const wrong = []
let checked = 0
const expect = (line, found) => {
  checked++
  for (const fault of found) wrong.push(`${line}: ${fault}`)
}
for (const [, block] of text.matchAll(/^```sigfire\n(.*?)^```$/gms)) {
  if (/without a sub-protocol/.test(block)) continue // an older wire
  const asked = new Map() // by peer and id: the line and its message
  const lines = block.split('\n')
  for (const [at, line] of lines.entries()) {
    const [, peer, direction, json] = /^(\w+)([<>]) (.*)$/.exec(line) ?? []
    if (!peer) continue
    if (direction === '>') {
      if (lines[at + 1].startsWith(`${peer} is closed with`)) {
        let message
        try { message = JSON.parse(json) } catch { continue }
        if (message?.cmd) expect(line, faults(camel(message.cmd, 'Request'), message).length ? [] : ['a refused request fits the schema'])
        continue
      }
      const message = JSON.parse(json)
      requests.add(message.cmd)
      if (message.id === undefined) expect(line, faults(camel(message.cmd, 'Request'), message))
      else asked.set(`${peer.replace(/\d$/, '')} ${JSON.stringify(message.id)}`, { line, message })
      continue
    }
    const message = JSON.parse(json)
    if ('cmd' in message) {
      events.add(message.cmd)
      expect(line, faults(camel(message.cmd, 'Event'), message))
      continue
    }
    const key = `${peer.replace(/\d$/, '')} ${JSON.stringify(message.id)}`
    const question = asked.get(key)
    if (!question) {
      expect(line, ['a reply to no request'])
      continue
    }
    asked.delete(key)
    const { cmd } = question.message
    const request = faults(camel(cmd, 'Request'), question.message)
    if (message.ok) {
      const own = camel(cmd, 'Reply')
      replies.add(schemas[own] ? own : 'okReply')
      expect(question.line, request)
      expect(line, faults(schemas[own] ? own : 'okReply', message))
    } else {
      replies.add('failureReply')
      const refused = incomplete(message.data.cause ?? '')
      expect(question.line, refused && !request.length ? ['a request that is incomplete fits the schema'] : refused ? [] : request)
      expect(line, faults('failureReply', message))
    }
  }
  for (const { line } of asked.values()) wrong.push(`${line}: no reply`)
}
// The table of requests that are wrong in themselves.
for (const [, json, reply] of text.matchAll(/^\| `(\{.*\})` \| (`\w+`|closed with \d+|nothing) \|$/gm)) {
  let message
  try { message = JSON.parse(json) } catch { continue }
  if (!schemas[camel(String(message.cmd), 'Request')] || !(incomplete(reply.slice(1, -1)) || reply.startsWith('closed'))) continue
  expect(json, faults(camel(message.cmd, 'Request'), message).length ? [] : [`${reply}, and it fits the schema`])
}
check(`${checked} messages of ${page} and the schemas agree`, checked > 200 ? wrong : [...wrong, `only ${checked} messages`])
const missing = [...received.filter(c => !requests.has(c)),
  ...Object.keys(schemas).filter(s => s.endsWith('Reply') && !replies.has(s)),
  ...document.operations().filterBySend().flatMap(o => o.messages().all().map(m => m.name())).filter(c => !events.has(c))]
check('each command, reply and event of the file is in the text', missing)

// --- search ---

const chunks = join(site, 'assets/chunks')
const index = readdirSync(chunks).find(name => name.startsWith('@localSearchIndexroot'))
const { default: json } = await import(`data:text/javascript,${encodeURIComponent(readFileSync(join(chunks, index), 'utf8'))}`)
const search = MiniSearch.loadJSON(json, { fields: ['title', 'titles', 'text'], storeFields: ['title', 'titles'] })
const html = name => readFileSync(join(site, name), 'utf8')
const lost = []
const pages = readdirSync(site, { recursive: true }).map(String).filter(name => name.endsWith('.html') && !/^(api\/|source\/|404|index)/.test(name)) // the others are not in the index
for (const name of pages) {
  const title = /<h1[^>]*>(.*?)<a/s.exec(html(name))?.[1] ?? /<title>(.*?)(?: \| .*)?<\/title>/s.exec(html(name))[1]
  const words = title.replace(/<[^>]*>|&#?\w+;/g, ' ').trim()
  const found = search.search(words, { combineWith: 'AND' }).map(r => r.id.replace(/^\//, '').replace(/#.*/, '').replace(/(^|\/)$/, '$1index.html'))
  if (!found.includes(name)) lost.push(`${name} is not found by '${words}'`)
}
check(`the search finds each of ${pages.length} pages`, lost)

console.log(`${passed} passed, ${failed.length} failed`)
process.exit(failed.length ? 1 : 0)
