//! The admin listener's address beside those that the public listens on.

use std::net::SocketAddr;

use crate::config::AdminListen;
use crate::config::file::File;
use crate::config::file::admin::{AdminSection, DEFAULT};
use crate::config::file::setting::Setting;
use crate::config::problem::{Code, Findings, Problem, Span};
use crate::protocol::listen_address::ListenAddress;

/// Where the admin listener listens, if it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Admin {
    At(AdminListen),
    Off,
}

impl From<Admin> for Option<AdminListen> {
    fn from(admin: Admin) -> Self {
        match admin {
            Admin::At(listen) => Some(listen),
            Admin::Off => None,
        }
    }
}

/// `None` if the table is broken.
pub(crate) fn resolve(file: &File, public: Option<&[ListenAddress]>, findings: &Findings) -> Option<Admin> {
    let (admin, at) = wanted(&file.admin)?;
    if let (Admin::At(listen), Some(public)) = (&admin, public)
        && let Some(taken) = public.iter().position(|public| takes(public, listen))
    {
        let problem = Problem::new(Code::Conflict, at, format!("the admin listener and the public would share {listen}"));
        let problem = problem.label(match listen {
            AdminListen::Tcp(_) => "the admin listener needs a port of its own",
            AdminListen::Unix(_) => "the admin listener needs a socket of its own",
        });
        findings.report(match file.listen.given() {
            Some(list) => problem.context(list.value[taken].at, "the public listens here"),
            None => problem.note(format!("without `listen`, the public listens on {}", public[taken])),
        });
        return None;
    }
    Some(admin)
}

/// What the table says, and where. Without a table there is no listener: nobody opens a port that was not asked for.
pub(crate) fn wanted(section: &Setting<AdminSection>) -> Option<(Admin, Span)> {
    match section {
        Setting::Absent => Some((Admin::Off, Span::default())),
        Setting::Broken => None,
        Setting::Given(section) => match &section.value.listen {
            Setting::Absent => Some((Admin::At(DEFAULT), section.key)),
            Setting::Broken => None,
            Setting::Given(listen) => Some((listen.value.clone().map_or(Admin::Off, Admin::At), listen.at)),
        },
    }
}

/// Whether a socket at `public` takes the place of `admin` as well.
fn takes(public: &ListenAddress, admin: &AdminListen) -> bool {
    match (public, admin) {
        (ListenAddress::Tcp(public), AdminListen::Tcp(admin)) => takes_place(*public, *admin),
        (ListenAddress::Unix(public), AdminListen::Unix(admin)) => public == admin,
        (ListenAddress::Tcp(_) | ListenAddress::Unix(_) | ListenAddress::Systemd(_), AdminListen::Tcp(_) | AdminListen::Unix(_)) => false,
    }
}

/// Whether a socket at `wide` leaves no place for one at `narrow`: the unspecified address takes a port on every address.
fn takes_place(wide: SocketAddr, narrow: SocketAddr) -> bool {
    let is_same = || wide.ip().to_canonical() == narrow.ip().to_canonical();
    wide.port() == narrow.port() && narrow.port() != 0 && (is_same() || wide.ip().is_unspecified())
}
