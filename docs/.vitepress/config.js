// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// The site: docs/build.sh builds it. SIGFIRE_DOCS_BASE is the path of the site on its host (default: /).
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitepress'
import { linkSources } from './sources.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const version = /version\[\] = "([^"]+)"/.exec(readFileSync(`${root}/include/sigfire/version.hpp`, 'utf8'))[1]

// The sidebar shows the title of each page.
const title = page => /^# (.+)$/m.exec(readFileSync(`${root}/docs/${page}.md`, 'utf8'))[1].replaceAll('`', '')
const section = (folder, text, names) => ({
  text,
  items: names.map(name => ({ text: title(`${folder}/${name}`), link: `/${folder}/${name}` }))
})

const sidebar = [
  section('start', 'Start', ['cpp', 'browser', 'program']),
  section('guide', 'Guides', [
    'choose-parts', 'authenticate', 'webhook', 'turn', 'limits', 'rooms', 'own-codec', 'own-feature', 'behind-a-proxy',
    'tls', 'several-cores', 'mobile-and-resume', 'embed-in-beast', 'cpp-client', 'debug-a-call', 'operate', 'metrics',
    'check-settings', 'background-servers'
  ]),
  section('reference', 'Reference', [
    'protocol', 'asyncapi', 'program-options', 'library-options', 'errors', 'api', 'support', 'figures'
  ]),
  section('explain', 'Explanation', ['architecture', 'guarantees', 'comparison']),
  section('migrate', 'Migrate', ['peerjs', 'y-webrtc', 'signal-fire'])
]

// Lines of a conversation: `A> {...}` and `A< {...}`.
const conversation = {
  name: 'sigfire',
  scopeName: 'source.sigfire',
  patterns: [
    {
      begin: '^(\\w+)([<>])\\s',
      beginCaptures: { 1: { name: 'entity.name.function' }, 2: { name: 'keyword.operator' } },
      end: '$',
      patterns: [{ include: 'source.json' }]
    }
  ],
  embeddedLangs: ['json']
}

export default defineConfig({
  title: 'sigfire',
  description: 'Header-only C++20 toolkit and server for signaling',
  lang: 'en',
  base: process.env.SIGFIRE_DOCS_BASE ?? '/',
  cacheDir: '../build/docs-work/vitepress',
  srcExclude: ['generated/**'],
  markdown: {
    languages: ['json', conversation],
    languageAlias: { meson: 'python' },
    config: linkSources
  },
  themeConfig: {
    nav: [
      ...sidebar.map(({ text, items }) => ({ text, items })),
      { text: 'C++ API', link: '/api/index.html', target: '_self' },
      { text: `v${version}`, link: '/changelog' }
    ],
    sidebar,
    outline: [2, 3],
    search: { provider: 'local' },
    footer: { message: 'MIT licence', copyright: 'Copyright (c) 2026 the sigfire authors' }
  }
})
