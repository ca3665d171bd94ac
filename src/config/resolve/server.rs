//! Where we listen, under which origins browsers reach us, and whom we believe about that.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;

use crate::config::file::File;
use crate::config::file::setting::{Located, Setting};
use crate::config::problem::{Code, Findings, Problem, Span};
use crate::domain::origin::{Origin, Origins};
use crate::protocol::listen_address::ListenAddress;

const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8080);
const DEFAULT_PREFIX: &str = "/.auth";

/// `None` if the key is broken.
fn or_default<T: Clone>(setting: &Setting<T>, default: T) -> Option<T> {
    match setting {
        Setting::Absent => Some(default),
        Setting::Broken => None,
        Setting::Given(located) => Some(located.value.clone()),
    }
}

/// Reports every entry of a list that is equal to an earlier one.
pub(crate) fn report_repeated<T: Eq + Hash>(items: &[Located<T>], what: &str, findings: &Findings) {
    let mut first_at = HashMap::with_capacity(items.len());
    for item in items {
        match first_at.entry(&item.value) {
            Entry::Occupied(first) => report_duplicate(what, item.at, *first.get(), findings),
            Entry::Vacant(vacant) => {
                vacant.insert(item.at);
            }
        }
    }
}

/// Reports that something is said twice.
pub(crate) fn report_duplicate(what: &str, at: Span, first: Span, findings: &Findings) {
    let problem = Problem::new(Code::Duplicate, at, format!("{what} is there twice"));
    findings.report(problem.label("here again").context(first, "first here"));
}

pub(crate) fn listen(file: &File, findings: &Findings) -> Option<Vec<ListenAddress>> {
    match &file.listen {
        Setting::Absent => Some(vec![ListenAddress::Tcp(DEFAULT_LISTEN)]),
        Setting::Broken => None,
        Setting::Given(list) => {
            if list.value.is_empty() {
                let problem = Problem::new(Code::Empty, list.at, "`listen` is empty");
                findings.report(problem.label("expected at least one address, like \"0.0.0.0:8080\""));
                return None;
            }
            report_repeated(&list.value, "the address", findings);
            report_taken(&list.value, findings);
            Some(list.value.iter().map(|address| address.value.clone()).collect())
        }
    }
}

/// Reports every address that another one of the list takes as well. `[::]` leaves those of IPv4 to the others.
fn report_taken(list: &[Located<ListenAddress>], findings: &Findings) {
    let ports = || list.iter().filter_map(|address| Some((tcp(&address.value)?, address.at)));
    for (narrow, at) in ports() {
        let takes = |wide: SocketAddr| wide.ip().is_unspecified() && wide.port() == narrow.port() && wide.port() != 0;
        let takes = |wide: SocketAddr| wide != narrow && wide.is_ipv4() == narrow.is_ipv4() && takes(wide);
        if let Some((wide, first)) = ports().find(|(wide, _)| takes(*wide)) {
            let problem = Problem::new(Code::Duplicate, at, format!("{wide} takes what comes to {narrow} as well"));
            let problem = problem.label(format!("remove it, or write single addresses in place of {wide}"));
            findings.report(problem.context(first, "every address of this machine"));
        }
    }
}

fn tcp(address: &ListenAddress) -> Option<SocketAddr> {
    match address {
        ListenAddress::Tcp(address) => Some(*address),
        ListenAddress::Unix(_) | ListenAddress::Systemd(_) => None,
    }
}

/// Every socket file that we listen at.
pub(crate) fn socket_files(file: &File) -> impl Iterator<Item = Located<PathBuf>> {
    file.listen.value().into_iter().flatten().filter_map(|address| match &address.value {
        ListenAddress::Unix(path) => Some(Located { value: path.clone(), at: address.at, key: address.key }),
        ListenAddress::Tcp(_) | ListenAddress::Systemd(_) => None,
    })
}

/// Every port that we listen on, with its place if it has one. What a service manager opens for us is not known here.
pub(crate) fn ports(file: &File) -> impl Iterator<Item = (SocketAddr, Option<Span>)> {
    let default = file.listen.is_absent().then_some((DEFAULT_LISTEN, None));
    let given = file.listen.value().into_iter().flatten().filter_map(|address| Some((tcp(&address.value)?, Some(address.at))));
    default.into_iter().chain(given)
}

pub(crate) fn origins(file: &File, findings: &Findings) -> Option<Origins> {
    let first = file.public_url.given()?;
    let others = match &file.public_urls {
        Setting::Absent => &[][..],
        Setting::Broken => return None,
        Setting::Given(list) => &list.value,
    };
    report_repeated(others, "the URL", findings);
    for other in others.iter().filter(|other| other.value == first.value) {
        report_duplicate("the URL", other.at, first.at, findings);
    }
    let others: Vec<Origin> = others.iter().map(|origin| origin.value.clone()).collect();
    Some(Origins::new(first.value.clone(), others))
}

pub(crate) fn prefix(file: &File) -> Option<String> {
    or_default(&file.prefix, DEFAULT_PREFIX.to_owned())
}

pub(crate) fn trusted_proxies(file: &File, findings: &Findings) -> Option<Vec<IpNet>> {
    let networks = or_default(&file.trusted_proxies, Vec::new())?;
    report_repeated(&networks, "the network", findings);
    for network in networks.iter().filter(|network| is_too_wide(network.value)) {
        let who = if network.value.prefix_len() == 0 { "every client" } else { "a good part of the internet" };
        let problem = Problem::new(Code::TrustsEverybody, network.at, format!("{who} may set Forwarded and X-Forwarded-* headers"));
        findings.report(problem.label("name the networks of your own proxies instead"));
    }
    Some(networks.into_iter().map(|network| network.value).collect())
}

/// `None` if that would let nobody in.
pub(crate) fn proxy_protocol(file: &File, trusted: Option<&[IpNet]>, findings: &Findings) -> Option<bool> {
    let is_expected = or_default(&file.proxy_protocol, false)?;
    if let Some(key) = file.proxy_protocol.given().filter(|_| is_expected && trusted.is_some_and(<[IpNet]>::is_empty)) {
        let problem =
            Problem::new(Code::NobodyTrusted, key.key, "with `proxy_protocol`, only trusted proxies may connect, and there are none");
        findings.report(problem.label("add: trusted_proxies = [\"…\"], the networks of your balancers"));
        return None;
    }
    Some(is_expected)
}

/// Wider than the widest network that somebody can have: 10.0.0.0/8 (RFC 1918 §3), fc00::/7 (RFC 4193 §3.1).
const fn is_too_wide(network: IpNet) -> bool {
    match network {
        IpNet::V4(network) => network.prefix_len() < 8,
        IpNet::V6(network) => network.prefix_len() < 7,
    }
}
