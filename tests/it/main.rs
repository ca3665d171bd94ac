//! Everything that is tested from outside: the built binary, real sockets, real providers, a real browser.

#![expect(unreachable_pub, reason = "what the topics share is public to them, and nothing is public beyond a test binary")]

mod support;

mod accounts;
mod admin;
mod audit;
mod browser;
mod callback;
mod check;
mod control;
mod demo;
mod diff;
mod enumeration;
mod explain;
mod forward_auth;
mod groups;
mod hostile;
mod hygiene;
mod init;
mod logout;
mod logs;
mod provider;
mod readme;
mod redis;
mod refresh;
mod reload;
mod replicas;
mod return_to;
mod schema;
mod session_admin;
mod session_file;
mod sessions;
mod shadow;
mod stop;
mod tabs;
mod websocket;
