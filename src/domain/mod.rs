//! Pure decisions: no sockets, no files, no clock, no randomness. What Homerealm believes, told in types.
//!
//! Read in this order: who people are ([`account`], [`principal`], [`named_user`]), who vouches for them ([`authority`]),
//! where they want to go ([`origin`], [`target`], [`pattern`], [`prefix`],
//! [`route`], [`destination`], [`reach`]), what is decided
//! ([`policy`], [`reason`], [`decision`], [`trace`]), for how long ([`session`], [`revocation`]), and how a typed address
//! becomes a place to sign in ([`address`], [`realm`]). All that one configuration says of it is [`rules`].

pub mod account;
pub mod address;
pub mod authority;
pub mod branding;
pub mod colour;
pub mod decision;
pub mod destination;
pub mod guid;
pub mod identity_headers;
pub mod interaction;
pub mod made_up;
pub mod named_user;
pub mod origin;
pub mod pattern;
pub mod policy;
pub mod policy_test;
pub mod prefix;
pub mod principal;
pub mod reach;
pub mod realm;
pub mod reason;
pub mod return_to;
pub mod revocation;
pub mod route;
pub mod rules;
pub mod session;
pub mod sign_in_page;
pub mod target;
mod text;
pub mod time;
pub mod trace;
pub mod written;
