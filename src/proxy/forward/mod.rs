//! Passing an admitted request on.
