// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

/// How grave a finding of `sigfire check` is. With an error, `serve` would fail, or no client could use it.
enum class grade { ok, warning, error };

/// A finding of `sigfire check`.
struct finding {
    grade how;
    std::string subject, text;

    bool operator==(const finding&) const = default;
};

/// Checks a file with a secret: whether this process can read it, and whether every user can.
inline std::vector<finding> check_secret_file(const std::string& path) {
    struct stat facts{};
    const std::string subject = "secret file " + path;
    if (::stat(path.c_str(), &facts) != 0 || ::access(path.c_str(), R_OK) != 0)
        return {{grade::error, subject, "this user cannot read it"}};
    if ((facts.st_mode & S_IRWXO) != 0)
        return {{grade::warning, subject, "all users of the machine can use it: chmod o= it"}};
    return {{grade::ok, subject, "only its owner and group can read it"}};
}
