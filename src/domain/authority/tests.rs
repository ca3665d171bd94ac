//! Tests of the authority rules.
