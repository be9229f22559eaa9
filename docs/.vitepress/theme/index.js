// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
import Theme from 'vitepress/theme-without-fonts'
import './style.css'

export default Theme
