//! What people type: an e-mail address, a phone number or a Skype name. A hint, never an identity: nothing in here is
//! ever compared with a token, and whether an address exists is not asked anywhere.
//!
//! The limits are those of mail (RFC 5321 §4.5.3.1) and of Microsoft's own box. Quoted local parts are not read: an
//! `@` inside quotes is the classic way to make two programs see two domains in one address.

use std::fmt;

/// The longest e-mail address, in bytes: a mail path of 256 less its angle brackets (RFC 5321 §4.5.3.1.3).
const MAX_ADDRESS: usize = 254;
/// The longest local part, in bytes (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL: usize = 64;
/// The longest domain name in its dotted form, in bytes.
const MAX_DOMAIN: usize = 253;
/// The longest label of a domain name, in bytes (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;
/// How many digits a phone number has.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 4..=50;
/// What may stand behind the first letter of a Skype name, in characters.
const MAX_SKYPE_REST: usize = 128;

/// A typed identifier, trimmed; its domain in lower-case ASCII.
#[derive(Clone, PartialEq, Eq)]
pub struct Identifier {
    text: String,
    shape: Shape,
}

/// What it looks like.
#[derive(Clone, PartialEq, Eq)]
pub enum Shape {
    /// `somebody@domain`
    Email {
        /// What stands behind the `@`.
        domain: Domain,
    },
    /// Digits and their punctuation.
    Phone,
    /// A Skype name: personal accounts only.
    Skype,
}

/// A DNS domain name in lower-case ASCII (IDNA), at least two labels, no IP address, no dot at the end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Domain(String);

/// Neither an e-mail address nor a phone number nor a Skype name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an email address, phone number or Skype name")]
pub struct NotAnIdentifier;

impl Identifier {
    /// Reads what was typed. White space around it is forgiven, as people paste addresses.
    ///
    /// # Errors
    /// [`NotAnIdentifier`]
    pub fn parse(typed: &str) -> Result<Self, NotAnIdentifier> {
        let text = typed.trim();
        // Before any work on it: nothing longer can be any of the three.
        if text.is_empty() || text.len() > MAX_ADDRESS {
            return Err(NotAnIdentifier);
        }
        let shape = match text.split_once('@') {
            Some((local, domain)) => email(local, domain)?,
            None if is_phone(text) => Shape::Phone,
            None if is_skype(text) => Shape::Skype,
            None => return Err(NotAnIdentifier),
        };
        Ok(Self { text: text.to_owned(), shape })
    }

    /// As typed, trimmed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it looks like.
    #[must_use]
    pub const fn shape(&self) -> &Shape {
        &self.shape
    }
}

impl Domain {
    /// Reads a domain name, of an address or of the configuration. Letters outside ASCII are mapped (IDNA).
    ///
    /// # Errors
    /// [`NotAnIdentifier`] for everything else, IP addresses and single labels among them.
    pub fn parse(text: &str) -> Result<Self, NotAnIdentifier> {
        // The URL parser below would undo percent encoding, and take brackets for an IPv6 address.
        if text.len() > MAX_DOMAIN || text.contains(['%', '[', ']']) {
            return Err(NotAnIdentifier);
        }
        let Ok(url::Host::Domain(name)) = url::Host::parse(text) else { return Err(NotAnIdentifier) };
        let hostname = name.len() <= MAX_DOMAIN && name.contains('.') && name.split('.').all(is_label);
        if hostname { Ok(Self(name)) } else { Err(NotAnIdentifier) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn email(local: &str, domain: &str) -> Result<Shape, NotAnIdentifier> {
    let readable = (1..=MAX_LOCAL).contains(&local.len()) && local.chars().all(is_local_character);
    let domain = Domain::parse(domain)?;
    // Once more with the ASCII form of the domain, which is what a mail server would see.
    let fits = local.len() + 1 + domain.as_str().len() <= MAX_ADDRESS;
    if readable && fits { Ok(Shape::Email { domain }) } else { Err(NotAnIdentifier) }
}

/// The characters of a dot-atom (RFC 5322 §3.2.3) and letters of all scripts (RFC 6531 §3.3). That leaves out `@`,
/// quotes, spaces, controls and the invisible characters that turn or hide text. Where the dots stand is not looked
/// at: some old mailboxes have two in a row.
fn is_local_character(character: char) -> bool {
    if character.is_ascii() {
        character.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(character)
    } else {
        character.is_alphanumeric()
    }
}

fn is_label(label: &str) -> bool {
    let plain = label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    (1..=MAX_LABEL).contains(&label.len()) && plain && !label.starts_with('-') && !label.ends_with('-')
}

fn is_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    PHONE_DIGITS.contains(&digits) && text.chars().all(|character| character.is_ascii_digit() || " ()[].-#*/+".contains(character))
}

fn is_skype(text: &str) -> bool {
    let mut characters = text.chars();
    let starts_with_letter = characters.next().is_some_and(|first| first.is_ascii_alphabetic());
    starts_with_letter
        && characters.clone().count() <= MAX_SKYPE_REST
        && characters.all(|character| character.is_ascii_alphanumeric() || ".,-_:'".contains(character))
}

/// Says what it looks like and no more: what was typed must not reach a log.
impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identifier({:?})", self.shape)
    }
}

/// Without the domain, which for some people is their name.
impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Email { .. } => "Email",
            Self::Phone => "Phone",
            Self::Skype => "Skype",
        })
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
