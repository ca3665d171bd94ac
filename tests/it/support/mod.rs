//! What the tests stand on: the binary under test, a browser with a cookie jar, a page that can be read.

pub mod browser;
pub mod html;
pub mod process;
