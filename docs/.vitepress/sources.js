// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// Gives a page below /source/ to each file of the project that a page of the site names: by a relative link, as in the
// tree, or by `examples/...`.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const docs = fileURLToPath(new URL('..', import.meta.url))
const root = resolve(docs, '..')
const isFile = path => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false

// The path from the root of the project of the file outside docs/ that `href` names, if it names one.
function linked(href, page) {
  if (/^([a-z][a-z0-9+.-]*:|\/|#|$)/i.test(href)) return undefined
  const file = resolve(dirname(page), decodeURI(href.replace(/[?#].*$/, '')))
  if (!file.startsWith(root + sep) || file.startsWith(resolve(docs) + sep)) return undefined
  return isFile(file) ? relative(root, file) : undefined
}

// The same for text in backticks.
function named(text) {
  return /^examples\/[\w./-]+$/.test(text) && isFile(join(root, text)) ? text : undefined
}

// The name of its page: VitePress takes the end off names that end with .md.
const pageName = file => file.replace(/\.md$/, '')
const address = file => `/source/${pageName(file)}.html`

/// Plugin of markdown-it: leads such links and names to these pages.
export function linkSources(md) {
  md.core.ruler.push('source-links', ({ Token, tokens, env }) => {
    for (const [at, block] of tokens.entries()) {
      if (block.type !== 'inline' || tokens[at - 1]?.type === 'heading_open') continue
      let depth = 0
      block.children = block.children.flatMap(token => {
        if (token.type === 'link_close') depth--
        if (token.type === 'link_open') {
          depth++
          const file = linked(token.attrGet('href'), env.realPath ?? env.path)
          if (file) token.attrSet('href', address(file))
        }
        const file = token.type === 'code_inline' && depth === 0 ? named(token.content) : undefined
        if (!file) return [token]
        const open = new Token('link_open', 'a', 1)
        open.attrSet('href', address(file))
        return [open, token, new Token('link_close', 'a', -1)]
      })
    }
  })
}

function* pages(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (['node_modules', 'source'].includes(entry.name) || entry.name.startsWith('.')) continue
    if (entry.isDirectory()) yield* pages(path)
    else if (entry.name.endsWith('.md')) yield path
  }
}

const languages = { hpp: 'cpp', py: 'python', mjs: 'js' } // where the end of the name is another word

/// The pages: their paths and texts.
export function sourcePages() {
  const files = new Set()
  for (const page of [...pages(docs), join(root, 'CHANGELOG.md')]) {
    const text = readFileSync(page, 'utf8')
    for (const [, href] of text.matchAll(/\]\(\s*<?([^)>\s]+)/g)) files.add(linked(href, page))
    for (const [, name] of text.matchAll(/`([^`\n]+)`/g)) files.add(named(name))
  }
  files.delete(undefined)
  return [...files].map(file => {
    const text = readFileSync(join(root, file), 'utf8')
    const fence = '`'.repeat(Math.max(3, ...[...text.matchAll(/`+/g)].map(([run]) => run.length + 1)))
    const end = /\.(\w+)$/.exec(file)?.[1] ?? 'txt'
    const code = `${fence}${languages[end] ?? end}\n${text.trimEnd()}\n${fence}\n`
    return { params: { file: pageName(file) }, content: `# \`${file}\`\n\n${code}` }
  })
}
