//! Everything that is tested from outside: the built binary, real sockets, real providers, a real browser.

mod support;

mod demo;
mod enumeration;
mod readme;
