//! What people type: an e-mail address, a phone number or a Skype name. A hint, never an identity.

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

/// A DNS domain name in lower-case ASCII (IDNA), at least two labels, no IP address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Domain(String);

/// Neither an e-mail address nor a phone number nor a Skype name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an email address, phone number or Skype name")]
pub struct NotAnIdentifier;

impl Identifier {
    /// Reads what was typed.
    ///
    /// # Errors
    /// [`NotAnIdentifier`]
    pub fn parse(_typed: &str) -> Result<Self, NotAnIdentifier> {
        todo!()
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
    /// Reads a domain name.
    ///
    /// # Errors
    /// [`NotAnIdentifier`]
    pub fn parse(_text: &str) -> Result<Self, NotAnIdentifier> {
        todo!()
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
