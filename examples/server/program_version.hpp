// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

/// `0.1.0`. In a git checkout past a release, the commits since its tag and the commit follow:
/// `0.1.0+12.g4c034fc`.
const char* program_version();
