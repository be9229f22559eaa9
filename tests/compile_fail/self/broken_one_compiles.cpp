// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: never said
int main() {}
