//! Protocol messages and checks without I/O: OAuth 2.0, OpenID Connect, and the sealed artefacts that we hand to
//! browsers. Imports `domain`.

pub mod access_token;
pub mod attempt;
pub mod authorize;
pub mod callback;
pub mod client;
pub mod consumed;
pub mod cookies;
pub mod graph;
pub mod id_token;
pub mod json;
pub mod jwt;
pub mod keys;
pub mod listen_address;
pub mod logout;
pub mod logout_token;
pub mod metadata;
pub mod remembered;
pub mod seal;
pub mod secret;
pub mod session_cookie;
pub mod session_record;
pub mod store_address;
pub mod tls_identity;
pub mod token;
