//! What a signed-in request takes of the heap, from its head to its line in the log, without reading and writing HTTP: the
//! figure that a careless clone changes first. How long it takes is `tests/bench/request.rs`'s business.

#[path = "../bench/world.rs"]
mod world;

use std::rc::Rc;
use std::sync::Arc;

use futures_util::FutureExt as _;
use homerealm::protocol::session_cookie::Carried;
use homerealm::proxy::listen::{ConnectionInfo, Known};
use http::{Response, StatusCode};

const CLIENT: ConnectionInfo = {
    let ours = std::net::Ipv4Addr::LOCALHOST;
    let peer = std::net::SocketAddr::new(std::net::IpAddr::V4(ours), 50_000);
    ConnectionInfo { peer, local: peer, known: Known::BySight }
};

/// The answer to the last route alone is a redirect, which has a head to be made.
fn of_a_redirect() -> u64 {
    use homerealm::proxy::respond::{Redirect, redirect};
    allocation_counter::measure(|| drop(redirect(Redirect::Found, "https://elsewhere.example/"))).count_total
}

#[tokio::test]
async fn a_signed_in_request_takes_few_pieces_of_the_heap_however_many_routes_there_are() {
    for routes in [10, 1000] {
        let shared = world::shared(routes, None);
        let cookie = world::cookie(&shared, &Carried::Whole(Arc::new(world::record())));
        let (proxy, _log) = world::proxy(shared);
        let serve = |request| -> Response<_> { Rc::clone(&proxy).serve(request, CLIENT).now_or_never().expect("nothing to wait for") };
        // Whatever grows once has grown, and the journal's ring is full.
        for _ in 0..1000 {
            assert_eq!(serve(world::request(world::LAST, &cookie)).status(), StatusCode::FOUND);
        }
        let request = world::request(world::LAST, &cookie);
        let counted = allocation_counter::measure(|| drop(serve(request))).count_total;
        let ours = counted - of_a_redirect();
        assert!(ours <= 5, "{ours} of {counted} with {routes} routes");
        // Every connection has room for it, and it is moved before it is begun.
        let size = size_of_val(&Rc::clone(&proxy).serve(world::request(world::LAST, &cookie), CLIENT));
        assert!(size <= 3072, "{size} bytes with {routes} routes");
    }
}
