//! A connection to one node or to a cluster, and how questions are put to either.

use futures_util::future::join_all;
use redis::cluster_async::ClusterConnection;
use redis::{Cmd, RedisResult, ScriptInvocation, Value, pipe};

use super::super::cluster::{self, Node};
use super::super::dial::Link;

/// A connection.
#[derive(Clone)]
pub(in super::super) enum Wire {
    Node(Link),
    /// It looks after its own connections.
    Cluster(ClusterConnection),
}

/// What is asked.
#[derive(Clone, Copy)]
pub(in super::super) enum Put<'a> {
    /// One command.
    One(&'a Cmd),
    /// Several, in one round trip: one after the other at a single node, and all at once in a cluster. An array of answers.
    All(&'a [Cmd]),
    /// What is to happen in one step.
    Script(&'a ScriptInvocation<'a>),
    /// One command, to a node of a cluster.
    At(&'a Node, &'a Cmd),
    /// Who the primaries of a cluster are: an array of host and port. Empty: it is none.
    Primaries,
}

impl Wire {
    /// Whether it has not ended, as far as is known.
    pub(super) fn is_up(&self) -> bool {
        match self {
            Self::Node(link) => link.is_up(),
            Self::Cluster(_) => true,
        }
    }
}

impl Put<'_> {
    pub(super) async fn ask(self, wire: &Wire) -> RedisResult<Value> {
        match wire {
            Wire::Node(link) => {
                let mut connection = link.connection.clone();
                match self {
                    Self::One(command) | Self::At(_, command) => command.query_async(&mut connection).await,
                    Self::All(commands) => {
                        let mut pipeline = pipe();
                        for command in commands {
                            pipeline.add_command(command.clone());
                        }
                        pipeline.query_async(&mut connection).await
                    }
                    Self::Script(script) => script.invoke_async(&mut connection).await,
                    Self::Primaries => Ok(Value::Array(Vec::new())),
                }
            }
            Wire::Cluster(connection) => self.ask_cluster(connection.clone()).await,
        }
    }

    async fn ask_cluster(self, mut connection: ClusterConnection) -> RedisResult<Value> {
        match self {
            Self::One(command) => command.query_async(&mut connection).await,
            Self::All(commands) => {
                let answers = join_all(commands.iter().map(|command| {
                    let mut connection = connection.clone();
                    async move { command.query_async(&mut connection).await }
                }));
                answers.await.into_iter().collect::<RedisResult<_>>().map(Value::Array)
            }
            Self::Script(script) => script.invoke_async(&mut connection).await,
            Self::At(node, command) => cluster::ask(&mut connection, node, command.clone()).await?.extract_error(),
            Self::Primaries => {
                let primaries = cluster::primaries(&mut connection).await?;
                let node = |(host, port): Node| Value::Array(vec![Value::BulkString(host.into_bytes()), Value::Int(port.into())]);
                Ok(Value::Array(primaries.into_iter().map(node).collect()))
            }
        }
    }
}
