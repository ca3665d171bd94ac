//! What listeners need of the operating system beside an address: files that are connected to, sockets that the service
//! manager opened for us, as many descriptors as we may have. Who listens, and what is spoken, is not known here.

pub(crate) mod descriptors;
pub(crate) mod file;
pub(crate) mod passed;
pub(crate) mod supervisor;
