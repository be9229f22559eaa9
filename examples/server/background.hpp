// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <string>
#include <vector>

/// Whether a word is one of the commands start, stop, list and info.
bool is_background_command(const std::string& word);

/** Runs `sigfire start`, `stop`, `list` or `info`. Returns the exit code: 0; 1 if a server does not start or
 *  does not answer; 2 after wrong usage.
 *  @param words the command line behind the program; the command first */
int background_command(const std::vector<std::string>& words);
