// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

/// `0.1.0`, or in a git checkout past a release `0.1.0+12.g4c034fc`: the version, the commits since its tag, the commit.
const char* program_version();
