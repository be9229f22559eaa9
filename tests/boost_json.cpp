// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// Boost.JSON, compiled here and nowhere else: the oracle of the JSON tests.
#include <boost/json/src.hpp>
