//! Tests of the account rules.
