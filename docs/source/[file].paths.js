// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
import { sourcePages } from '../.vitepress/sources.js'

export default { paths: sourcePages }
