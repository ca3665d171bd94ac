//! The `homerealm` binary.
fn main() {}
