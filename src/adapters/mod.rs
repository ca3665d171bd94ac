//! The ports of `flow` made real: system clock and randomness, HTTP to providers.
