//! Everything that is tested from outside: the built binary, real sockets, real providers, a real browser.

#![expect(unreachable_pub, reason = "what the topics share is public to them, and nothing is public beyond a test binary")]

mod support;

mod accounts;
mod admin;
mod allocations;
mod audit;
mod bodies;
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
mod grpc;
mod hostile;
mod http2;
mod http2_abuse;
mod hygiene;
mod init;
mod listeners;
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
mod smuggling;
mod smuggling_h2;
mod stop;
mod tabs;
mod upstreams;
mod websocket;
