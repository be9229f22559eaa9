// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <string>
#include <vector>

/// The command `sigfire token`: prints a token that a key has signed. `words` begin with `token`.
/// @returns the exit code: 0
/// @throws std::exception if the words or the key cannot be used; the text has the reason
int sign_token(std::vector<std::string> words);
