//! Tests of the policy rules.
