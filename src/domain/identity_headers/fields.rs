//! Where header fields are written: into the bytes of an HTTP/1 head, or into a map for HTTP/2. Whoever says what an
//! upstream is told says it once, to either.

use http::{HeaderMap, HeaderName, HeaderValue};

/// A head that is being written.
pub trait Fields {
    /// A field as somebody else sent it.
    fn pass(&mut self, name: &HeaderName, value: &HeaderValue);

    /// A field of ours, the only one of its name. `write` appends its value to what is there already; if it gives `None`, or
    /// what it wrote is no field value, there is no such field.
    fn put(&mut self, name: &HeaderName, write: impl FnOnce(&mut Vec<u8>) -> Option<()>);

    /// As [`Self::put`], where the value is known.
    fn put_value(&mut self, name: &HeaderName, value: &[u8]) {
        self.put(name, |out| {
            out.extend_from_slice(value);
            Some(())
        });
    }
}

impl Fields for HeaderMap {
    fn pass(&mut self, name: &HeaderName, value: &HeaderValue) {
        self.append(name.clone(), value.clone());
    }

    fn put(&mut self, name: &HeaderName, write: impl FnOnce(&mut Vec<u8>) -> Option<()>) {
        let mut value = Vec::new();
        if write(&mut value).is_some()
            && let Ok(value) = HeaderValue::try_from(value)
        {
            self.insert(name.clone(), value);
        }
    }
}

/// Whether bytes can be a field's value (RFC 9110 §5.5): no control characters but tabs.
#[must_use]
pub fn is_field_value(bytes: &[u8]) -> bool {
    // Folds instead of stopping early: the compiler then checks many bytes at once.
    bytes.iter().fold(true, |good, byte| good & ((*byte >= b' ') | (*byte == b'\t')) & (*byte != 0x7f))
}
