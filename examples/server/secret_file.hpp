// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>

/// The secret in a file, without line breaks at its end. Throws if it cannot be read, is empty or has more
/// than 4,096 bytes. The text has the path, and nothing of the secret.
inline std::string read_secret(const std::string& path) {
    errno = 0;
    std::ifstream in{path, std::ios::binary};
    std::string text(4097, '\0');
    // Opening a directory succeeds, and reading it fails.
    if (!in || (in.read(text.data(), static_cast<std::streamsize>(text.size())), in.bad()))
        throw std::runtime_error{path + " cannot be read: " + std::strerror(errno == 0 ? EIO : errno)};
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.size() > 4096) throw std::runtime_error{path + " has more than 4096 bytes"};
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    if (text.empty()) throw std::runtime_error{path + " has no secret"};
    return text;
}
