// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// The site: docs/build.sh builds it. SIGFIRE_DOCS_BASE is the path of the site on its host (default: /).
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitepress'
import { linkSources } from './sources.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const version = /version\[\] = "([^"]+)"/.exec(readFileSync(`${root}/include/sigfire/version.hpp`, 'utf8'))[1]

const section = (folder, text, pages) => ({
  text,
  items: pages.map(([name, title]) => ({ text: title, link: `/${folder}/${name}` }))
})

const sidebar = [
  section('start', 'Start', [
    ['cpp', 'Your first server in C++'],
    ['browser', 'Connect two browsers'],
    ['program', 'Run the server program']
  ]),
  section('guide', 'Guides', [
    ['choose-parts', 'Choose the parts'],
    ['authenticate', 'Authenticate peers'],
    ['rooms', 'Rooms and presence'],
    ['own-codec', 'Write a codec'],
    ['own-feature', 'Write a feature'],
    ['behind-a-proxy', 'Run behind a proxy'],
    ['tls', 'Serve TLS'],
    ['several-cores', 'Use several cores'],
    ['mobile-and-resume', 'Mobile clients and resume'],
    ['embed-in-beast', 'Embed in a Beast server'],
    ['cpp-client', 'Use the C++ client'],
    ['debug-a-call', 'Debug a call'],
    ['operate', 'Operate the server']
  ]),
  section('reference', 'Reference', [
    ['protocol', 'Protocol sigfire.v1.json'],
    ['asyncapi', 'AsyncAPI description'],
    ['program-options', 'Options of the program'],
    ['library-options', 'Options of the library'],
    ['errors', 'Errors'],
    ['api', 'C++ API'],
    ['support', 'Supported systems'],
    ['figures', 'Figures']
  ]),
  section('explain', 'Explanation', [
    ['architecture', 'Architecture'],
    ['guarantees', 'Guarantees'],
    ['comparison', 'Comparison']
  ]),
  section('migrate', 'Migrate', [
    ['peerjs', 'From PeerServer'],
    ['y-webrtc', 'From the y-webrtc server'],
    ['signal-fire', 'From Signal-Fire']
  ])
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
  ignoreDeadLinks: [/^\/api\//, /^\/reference\/asyncapi\.yaml$/], // not pages; tests/docs.py checks that they exist
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
