// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { scratch } from './harness.mjs'

/** Starts a headless Chromium that stays off the network, with further `args`. */
export async function launchChromium(...args) {
  const browser = await chromium.launchPersistentContext(join(scratch, 'profile'), {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // No mDNS here to look up the names behind which it would hide the addresses.
      '--disable-features=WebRtcHideLocalIpsWithMdns',
      ...args,
    ],
  })
  browser.setDefaultTimeout(15_000)
  return browser
}
