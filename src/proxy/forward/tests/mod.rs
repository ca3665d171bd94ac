//! Forwarding over real sockets, between raw clients and upstreams that misbehave on purpose.

mod bodies;
mod cancellation;
mod choices;
mod connections;
mod exchanges;
mod grpc;
mod heads;
mod http2;
mod streams;
mod support;
mod upstreams;
mod websockets;
