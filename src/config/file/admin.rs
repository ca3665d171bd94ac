//! `[admin]`: where the admin listener listens, which is never where other machines can reach it.

use std::net::{Ipv4Addr, SocketAddr};

use super::forms;
use super::reader::Reader;
use super::setting::{Refusal, Setting};
use crate::config::AdminListen;
use crate::config::problem::Code;

/// Where `[admin]` without `listen` listens.
pub(crate) const DEFAULT: AdminListen = AdminListen::Tcp(SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9090));

/// The table. Without it there is no listener: nobody opens a port that was not asked for.
#[derive(Debug)]
pub(crate) struct AdminSection {
    /// `None`: `"off"`.
    pub(crate) listen: Setting<Option<AdminListen>>,
}

pub(crate) fn read(reader: &mut Reader<'_, '_>) -> Setting<AdminSection> {
    reader.table("admin", "[admin]", |reader| AdminSection { listen: reader.parsed("listen", listen) })
}

fn listen(text: &str) -> Result<Option<AdminListen>, Refusal> {
    if text == "off" { Ok(None) } else { address(text).map(Some) }
}

/// `127.0.0.1:9090` or `unix:/run/homerealm-admin.sock`.
pub(crate) fn address(text: &str) -> Result<AdminListen, Refusal> {
    if let Some(path) = text.strip_prefix("unix:") {
        return forms::socket(path, "unix:/run/homerealm-admin.sock").map(AdminListen::Unix);
    }
    let expected = "expected a loopback address like \"127.0.0.1:9090\", \"unix:/path\" or \"off\"";
    let address: SocketAddr = text.parse().map_err(|_| Refusal::malformed(expected))?;
    if address.ip().to_canonical().is_loopback() {
        Ok(AdminListen::Tcp(address))
    } else {
        let why = "whoever reaches it sees every decision and may reload: take 127.0.0.1, [::1] or \"unix:/path\"";
        Err(Refusal::new(Code::AdminExposed, why))
    }
}
