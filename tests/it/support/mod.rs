//! What the tests stand on: the binary under test, a browser with a cookie jar, a page that can be read, upstreams and
//! providers of every temper.

pub mod browser;
pub mod demo;
pub mod dev_idp;
pub mod frames;
pub mod hostile;
pub mod html;
pub mod logs;
pub mod nginx;
pub mod ports;
pub mod process;
pub mod provider;
pub mod proxy;
pub mod raw;
pub mod recorder;
pub mod redis;
pub mod stall;
pub mod upstream;
pub mod watched;
pub mod wire;
pub mod world;
