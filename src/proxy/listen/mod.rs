//! Listening sockets, connections and the strict reading of request heads.
